"""Institutions in their browsers: the deadline day through the pages, by a real HTTP client, against a real gunicorn."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

from api.security import cookie_name
from benchmarks.national.workers import Worker
from benchmarks.national.world import describe_application, is_late, is_silent, make_id
from tests.faults.browsing import SCAN, Answer, Browser, Request, Tally
from workflows.people import set_password
from workflows.sessions import open_session

ISSUED = 200
"""Sessions issued at a time, before their owners come: they run out after half an hour without use."""
SCAN_FIELD = "seal_scan.new"
PASSWORD = "linxuan-bench-2022"


class Client(Browser):
    """A browser that keeps its connection."""

    def __init__(self, port: int) -> None:
        super().__init__(port, Tally())
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, request: Request) -> Answer:
        """Send a request; once more where the server had closed the connection that was kept.

        Raises RuntimeError for an answer that is neither a page, nor leads on, nor a refusal.
        """
        try:
            response, page = self._send(request)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()
            response, page = self._send(request)
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        if response.status not in (200, 303, 409):
            raise RuntimeError(f"{request.method} {request.path}: {response.status} {page[:2000]}")
        return Answer(response.status, response.headers.get("Location", ""), page)

    def close(self) -> None:
        """The end."""
        self._connection.close()

    def _send(self, request: Request) -> tuple[http.client.HTTPResponse, str]:
        self._connection.request(request.method, request.path, request.body, dict(request.headers))
        response = self._connection.getresponse()
        return response, response.read().decode()


@contextmanager
def open_browser(worker: Worker, port: int) -> Iterator[Client]:
    """A client for the time of one phase."""
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


def come_in(worker: Worker, client: Client, numbers: list[int]) -> Iterator[int]:
    """One institution after the other, logged in; some hundred sessions are issued before they come."""
    name = cookie_name("session", worker.process_engine.extras["settings"])
    for start in range(0, len(numbers), ISSUED):
        part = numbers[start : start + ISSUED]
        with worker.tally.time(f"issue {ISSUED} sessions"), worker.process_engine.begin() as work:
            tokens = [open_session(work, make_id("applicant", number)) for number in part]
        for number, token in zip(part, tokens, strict=True):
            client.cookies = {name: token}
            yield number


def open_cases(worker: Worker, *, port: int) -> None:
    """Every institution begins its application on the campaign's page."""
    campaign = f"/campaigns/{worker.world.campaign_id}"
    with open_browser(worker, port) as client:
        for _ in come_in(worker, client, [*worker.share(range(1, worker.world.institutions + 1))]):
            with worker.tally.time("see the campaign"):
                page = client.get(campaign)
            with worker.tally.time("open a case"):
                answer = client.post(f"{campaign}/applications", page, [("channel", "recommended")])
            if answer.status != 303:
                raise RuntimeError(f"no case was opened: {answer.page[:2000]}")


def send_applications(worker: Worker, *, port: int, late: bool) -> None:
    """The deadline day: each institution looks into its inbox, opens the task and sends the form with its scan."""
    every = worker.share(range(1, worker.world.institutions + 1))
    with open_browser(worker, port) as client:
        for number in come_in(worker, client, [each for each in every if not is_silent(each) and is_late(each) == late]):
            with worker.tally.time("inbox"):
                page = client.get("/inbox?view=groups")
            found = re.search(r'href="(/tasks/[0-9a-f]{32})"', page.page)
            if found is None:
                raise RuntimeError(f"institution {number} has no task: {page.page[:2000]}")
            with worker.tally.time("open apply"):
                page = client.get(found[1])
            with worker.tally.time("complete apply"):
                answer = client.post(
                    f"{found[1]}/complete",
                    page,
                    list_fields(describe_application(number, f"010-5550{number % 10000:04d}", f"applicant-{number}@example.org")),
                    file=(SCAN_FIELD, SCAN),
                )
            if answer.status == 303 and answer.location.startswith("/cases/"):
                worker.note("accepted_on_pages", f"{answer.location.split('/')[2].partition('#')[0]}")
            elif answer.status == 409:
                worker.tally.refused["TooLate"] += 1
                worker.note("refused", f"institution {number}")
            else:
                raise RuntimeError(f"institution {number} was answered {answer.status} {answer.location}: {answer.page[:2000]}")


def log_in(worker: Worker, *, port: int, times: int) -> None:
    """Log in by password, apart from all else: a hash is made to cost."""
    with worker.process_engine.begin() as work:
        set_password(work, make_id("applicant", 1), PASSWORD)
    for _ in range(times):
        with open_browser(worker, port) as client:
            page = client.get("/login")
            with worker.tally.time("log in"):
                answer = client.post("/login", page, [("login", "applicant-1"), ("password", PASSWORD)])
            if answer.status != 303:
                raise RuntimeError(f"the log-in failed: {answer.page[:2000]}")


def list_fields(data: dict[str, Any]) -> list[tuple[str, str]]:
    """A form's data as a browser sends it."""
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        if isinstance(value, bool):
            found += [(key, "yes")] if value else []
        elif isinstance(value, list):
            for place, item in enumerate(value):
                found += [(f"{key}.{place}.{name}", text) for name, text in item.items()] if isinstance(item, dict) else []
                found += [(key, item)] if isinstance(item, str) else []
        else:
            found.append((key, str(value)))
    return found
