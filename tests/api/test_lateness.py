"""Late submissions on the pages: the organiser chooses, the applicant says why, the organiser may refuse after all."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.due import run_due
from tests.api.world import Place, read_hidden
from workflows.applications import first_task, start_application
from workflows.tables import case, extension

Send = Callable[..., Any]
BODY_CUTOFF = datetime(2022, 8, 5, 16, tzinfo=UTC)
"""24:00 of 5 August in Beijing."""


def test_from_the_choice_to_the_refusal(place: Place, send: Send, application: dict[str, Any]) -> None:
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        case_id = start_application(work, who, place.campaign, channel="recommended")
        task = first_task(work, case_id)
    client, address = place.client("organiser"), f"/campaigns/{place.campaign}/deadlines"
    assert "目前：" in client.get(address).get_data(as_text=True)
    query = "way=late&policy=accept_late&minutes=30&late_days=3"
    shown = client.get(f"{address}/preview?{query}").get_data(as_text=True)
    assert "逾期 3 天内接收" in shown and "截止未申报" in shown
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', shown)
    assert digest is not None
    typed = {"way": "late", "policy": "accept_late", "minutes": "30", "late_days": "3", "digest": digest[1], "reason": "汛期"}
    done = send(client, f"{address}/preview?{query}", address, {**typed, "document_number": "〔2022〕2号"})
    assert done.status_code == 303
    run_due(place.engine)
    page = client.get(address).get_data(as_text=True)
    assert "〔2022〕2号" in page and page.count("逾期 3 天内接收") == 2  # now, and among the changes
    assert page.count("逾期接收至2022年8月8日24:00") == 2  # each body's own
    assert "调整逾期报送的处理" in client.get(f"/campaigns/{place.campaign}/history").get_data(as_text=True)

    place.move_to(BODY_CUTOFF + timedelta(hours=1))
    mine = place.client("applicant")
    page = mine.get(f"/tasks/{task}").get_data(as_text=True)
    assert "逾期原因" in page and "仍可逾期报送" in page
    seal = {"seal_scan.new": (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "盖章.pdf")}
    answer = send(mine, f"/tasks/{task}", f"/tasks/{task}/complete", {**application, **seal, "late_reason": ""})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "请填写“逾期原因”" in page and application["summary"] in page
    given = {**application, "seal_scan": read_hidden(page, "seal_scan"), "late_reason": "系统<故障>"}
    answer = send(mine, f"/tasks/{task}", f"/tasks/{task}/complete", given)
    assert answer.status_code == 303
    assert "逾期接收" in mine.get(f"/cases/{case_id}").get_data(as_text=True)

    client = place.client("organiser")  # the session has expired meanwhile
    assert '<span class="badge late">逾期</span>' in client.get("/cases").get_data(as_text=True)
    page = client.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "系统&lt;故障&gt;" in page and "以逾期为由不予接受" in page
    assert "以逾期为由不予接受" not in mine.get(f"/cases/{case_id}").get_data(as_text=True)
    where = f"/cases/{case_id}/late-refusal"
    refused = send(client, f"/cases/{case_id}", where, {"reason": ""})
    assert refused.status_code == 422
    assert "请填写不予接受的理由" in refused.get_data(as_text=True)
    assert send(client, f"/cases/{case_id}", where, {"reason": "无正当理由"}).status_code == 303
    run_due(place.engine)
    page = mine.get(f"/cases/{case_id}").get_data(as_text=True)
    assert "无正当理由" in page and "逾期处理" in page
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(case.c.state).where(case.c.id == case_id)).scalar() == "rejected"


def test_the_same_by_the_interface(place: Place) -> None:
    client = place.client("organiser")
    address = f"/api/v1/campaigns/{place.campaign}/extensions"
    asked = {"late": "grace", "extent": 30}
    told = client.get(f"{address}/preview", query_string=asked).get_json()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/inbox").get_data(as_text=True))
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-CSRFToken": token[1] if token else ""}
    body = {**asked, "digest": told["digest"], "reason": "网络拥堵", "document_number": "1"}
    done = client.post(address, json=body, headers=headers)
    assert done.status_code == 201, done.get_json()
    assert done.get_json()["late"] == {
        "old": {"late_submissions": "refuse", "grace_minutes": 30, "late_days": 5},
        "new": {"late_submissions": "grace", "grace_minutes": 30, "late_days": 5},
    }
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(extension.c.dates)).scalar() == []
