"""Browsers that do not give up: each keeps its cookies, and sends a request again, byte for byte, until it is answered."""

from __future__ import annotations

import http.client
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from threading import Lock
from urllib.parse import urlencode

from tests.faults.programs import PATIENCE

SCAN = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HIDDEN = ("csrf_token", "key", "revision", "seen_draft")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and sent again. The cookies belong to it: a retry comes from the same page."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    location: str
    page: str


@dataclass
class Tally:
    """How many answers all browsers together have had, and how many requests were lost on the way."""

    answered: int = 0
    lost: int = 0
    lock: Lock = field(default_factory=Lock)

    def count(self, *, answered: int = 0, lost: int = 0) -> None:
        """Add to it."""
        with self.lock:
            self.answered += answered
            self.lost += lost


class Browser:
    """One person's browser."""

    def __init__(self, port: int, tally: Tally, *, host: str = "127.0.0.1") -> None:
        self.host, self.port, self.tally = host, port, tally
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Fetch a page."""
        return self.ask(self.prepare("GET", path))

    def post(self, path: str, page: Answer, data: Iterable[tuple[str, str]], *, file: tuple[str, bytes] | None = None) -> Answer:
        """Send a form of the page, with the page's hidden values."""
        return self.ask(self.prepare("POST", path, [*read_hidden(page.page), *data], file))

    def prepare(
        self, method: str, path: str, data: Iterable[tuple[str, str]] = (), file: tuple[str, bytes] | None = None
    ) -> Request:
        """A request as it will be sent."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "GET":
            return Request(method, path, b"", headers)
        if file is None:
            return Request(
                method, path, urlencode(list(data)).encode(), {**headers, "Content-Type": "application/x-www-form-urlencoded"}
            )
        border = uuid.uuid4().hex
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in data]
        head = f'Content-Disposition: form-data; name="{file[0]}"; filename="scan.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        parts.append(head.encode() + file[1])
        body = b"".join(b"--%s\r\n%s\r\n" % (border.encode(), part) for part in parts) + f"--{border}--\r\n".encode()
        return Request(method, path, body, {**headers, "Content-Type": f"multipart/form-data; boundary={border}"})

    def ask(self, request: Request) -> Answer:
        """Send the request until it is answered.

        Raises AssertionError for an answer that tells of a fault of ours, and when nobody answers for too long.
        """
        until = time.monotonic() + PATIENCE
        while True:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                connection.request(request.method, request.path, request.body, dict(request.headers))
                response = connection.getresponse()
                page = response.read().decode()
            except (OSError, http.client.HTTPException):
                self.tally.count(lost=1)
                assert time.monotonic() < until, "nobody answers"
                time.sleep(0.1)
                continue
            finally:
                connection.close()
            for line in response.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            self.tally.count(answered=1)
            assert response.status in (200, 303), f"{request.method} {request.path}: {response.status} {page[:3000]}"
            return Answer(response.status, response.headers.get("Location", ""), page)


def read_hidden(page: str) -> list[tuple[str, str]]:
    """The hidden values of the page's main form."""
    form = page[page.find('id="task_form"') :] if 'id="task_form"' in page else page
    found = [(name, re.search(rf'name="{name}"[^>]*value="([^"]*)"', form)) for name in HIDDEN]
    return [(name, unescape(match[1])) for name, match in found if match]


def read_receipts(page: str) -> list[tuple[str, ...]]:
    """The rows of the table of receipts on a case's page: moment and hash, as shown."""
    _, _, table = page.partition('id="receipts"')
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", table.partition("</section>")[0], re.DOTALL)
    return [tuple(unescape(text).strip() for text in re.findall(r"<td[^>]*>(?:<span[^>]*>)?([^<]*)", row)) for row in rows]
