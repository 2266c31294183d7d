"""What organisers look after: the campaign's own history in words, and the panel of a running review."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.world import Place
from workflows.applications import first_task, start_application
from workflows.files import store_upload

Send = Callable[..., TestResponse]


@pytest.fixture
def reviewing(place: Place, application: dict[str, Any]) -> Place:
    """One direct case in review by two of the three experts; the third is not on the panel."""
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        task_id = first_task(work, start_application(work, who, place.campaign, channel="direct"))
    assert task_id
    with place.engine.begin(by=who.id) as work:
        store_upload(work, who, io.BytesIO(b"%PDF-1.7\n%%EOF\n"), name="seal.pdf", task_id=task_id, field="seal_scan")
    place.complete("applicant", task_id, {key: value for key, value in application.items() if "." not in key})
    (accept,) = place.tasks("organiser", "accept")
    place.complete("organiser", accept.id, {"result": "pass"})
    place.move_to(datetime(2022, 8, 10, 16, tzinfo=UTC))
    (organise,) = place.tasks("organiser", "organise_review")
    pool = [place.people[f"expert_{number}"] for number in (1, 2)]
    place.complete("organiser", organise.id, {"experts_per_case": "2", "pool": pool})
    return place


def test_an_expert_is_dropped_and_another_one_added(reviewing: Place, send: Send) -> None:
    client = reviewing.client("organiser")
    address = f"/campaigns/{reviewing.campaign}/panel"
    assert address in client.get(f"/campaigns/{reviewing.campaign}").get_data(as_text=True)
    page = client.get(address).get_data(as_text=True)
    assert "已交评审表 0 份，待交 2 份" in page and page.count("t2022-0001") == 2
    assert re.findall(r'name="expert" value="([^"]*)"', page) == [reviewing.people["expert_3"]]
    drop = f"/campaigns/{reviewing.campaign}/experts/{reviewing.people['expert_1']}/drop"
    refused = send(client, address, drop, {"reason": " "})
    assert refused.status_code == 422 and "error-summary" in refused.get_data(as_text=True)
    assert send(client, address, drop, {"reason": "出差"}).status_code == 303
    page = client.get(address).get_data(as_text=True)
    assert "1 项评审暂缺专家" in page and "已退出" in page and "出差" in page
    nobody = send(client, address, f"/campaigns/{reviewing.campaign}/experts", {})
    assert nobody.status_code == 422
    organiser = {"expert": [reviewing.people["organiser"]]}
    assert send(client, address, f"/campaigns/{reviewing.campaign}/experts", organiser).status_code == 422
    added = send(client, address, f"/campaigns/{reviewing.campaign}/experts", {"expert": [reviewing.people["expert_3"]]})
    assert added.status_code == 303
    page = client.get(address).get_data(as_text=True)
    assert "已增补 1 名专家：1 项评审已有人接替，0 项暂缺专家" in page and "暂缺专家</h2>" not in page
    assert [task.element_id for task in reviewing.tasks("expert_3")] == ["review"]


def test_the_campaigns_history_in_words(reviewing: Place, send: Send) -> None:
    client = reviewing.client("organiser")
    panel = f"/campaigns/{reviewing.campaign}/panel"
    send(client, panel, f"/campaigns/{reviewing.campaign}/experts/{reviewing.people['expert_1']}/drop", {"reason": "出差"})
    send(client, panel, f"/campaigns/{reviewing.campaign}/experts", {"expert": [reviewing.people["expert_3"]]})
    page = client.get(f"/campaigns/{reviewing.campaign}/history").get_data(as_text=True)
    lines = re.sub(r"<[^>]+>|\s+", " ", page.partition('class="timeline"')[2].partition("</ol>")[0])
    for part in (
        "开始",
        "钱组织",
        "发布通知",
        "到时",
        "1 个案例，每个 2 名专家；抽取 2 名，候补 0 名",
        "王专家（丙省实验室）",
    ):
        assert part in lines, part
    assert "陈专家（丙省实验室）" in lines and "当前步骤" in page
    assert re.search(r"[0-9a-f]{32}", lines) is None
    english = reviewing.client("organiser", language="en").get(f"/campaigns/{reviewing.campaign}/history").get_data(as_text=True)
    assert "1 cases with 2 experts each" in english and "An expert was dropped" in english


def test_a_transferred_review_says_why_in_words(reviewing: Place, send: Send) -> None:
    client = reviewing.client("organiser")
    panel = f"/campaigns/{reviewing.campaign}/panel"
    send(client, panel, f"/campaigns/{reviewing.campaign}/experts", {"expert": [reviewing.people["expert_3"]]})
    send(client, panel, f"/campaigns/{reviewing.campaign}/experts/{reviewing.people['expert_1']}/drop", {"reason": "出差"})
    (case_address,) = set(re.findall(r'href="(/cases/[0-9a-f]{32})"', client.get(panel).get_data(as_text=True)))
    page = client.get(case_address).get_data(as_text=True)
    assert "原评审专家退出" in page and "dropped" not in page
