"""Fixtures of the REST tests: the small world, and clients that show a token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from tests.api.world import (
    PDF,  # noqa: F401 - for the tests beside
    Place,
    model_place,  # noqa: F401
    place,  # noqa: F401
    send_fixture,  # noqa: F401
)
from workflows import tokens

NUMBERS = count()


@dataclass
class Caller:
    """A program of somebody: its token in every request, a new key for every action unless one is given."""

    client: Client
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read."""
        return self.client.get(f"/api/v1{path}", headers=self.proof(headers), buffered=True)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> TestResponse:
        """Act."""
        headers = self.proof({"Idempotency-Key": key or f"key-{next(NUMBERS)}", **options.pop("headers", {})})
        return self.client.post(f"/api/v1{path}", json=json, headers=headers, **options)

    def put(self, path: str, json: Any, **headers: str) -> TestResponse:
        """Put."""
        return self.client.put(f"/api/v1{path}", json=json, headers=self.proof(headers))

    def patch(self, path: str, content: bytes, **headers: str) -> TestResponse:
        """Send bytes."""
        given = self.proof(headers)
        return self.client.patch(f"/api/v1{path}", data=content, content_type="application/octet-stream", headers=given)

    def proof(self, headers: dict[str, str]) -> dict[str, str]:
        """The headers with the token."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {**self.headers, **named, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}


def make_caller(world: Place, login: str | None, scope: str = "write") -> Caller:
    """A program of somebody of the world."""
    token = None
    if login is not None:
        with world.engine.begin() as work:
            token = tokens.create_token(work, world.people[login], name="test", scope=scope, days=90)
    return Caller(world.app.test_client(use_cookies=False), token)


@pytest.fixture
def call(place: Place) -> Callable[..., Caller]:  # noqa: F811
    """`call(login)`, on a world of its own."""
    return lambda login=None, scope="write": make_caller(place, login, scope)


def submit_case(world: Place, data: dict[str, Any]) -> dict[str, str]:
    """A case of `applicant` that was sent with a file, and waits for `auditor`; the ids of what belongs to it."""
    sent = world.hand_in(data)
    (audit,) = world.tasks("auditor", "audit")
    return {"case": sent.case_id, "task": audit.id, "file": sent.scan_id, "application": sent.task_id}


@pytest.fixture
def sent(place: Place, application_data: dict[str, Any]) -> dict[str, str]:  # noqa: F811
    """What `submit_case` made in the test's world."""
    return submit_case(place, application_data)


@pytest.fixture(scope="session")
def application_data() -> dict[str, Any]:
    """An application without a fault, as JSON."""
    return {
        "institution_kind": "product_quality_institute",
        "contact_name": "吴申报",
        "contact_phone": "010-12345678",
        "contact_email": "wu@example.cn",
        "title": "检测数据共享助力中小企业提质",
        "directions": ["small_business"],
        "summary": "以共享检测数据为抓手，帮助中小企业改进质量。",
        "background": "中小企业缺少检测能力。",
        "practice": "建立共享平台，开放检测数据。",
        "results": "服务企业二百家。",
        "indicators": [{"name": "服务企业", "value": "200", "unit": "家"}],
        "demonstration": "做法可以推广。",
        "originality": True,
    }
