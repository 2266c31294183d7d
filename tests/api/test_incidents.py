"""What an administrator does about an incident, on its page and by REST; nothing typed is lost by a refusal."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from engine.history import list_entries
from engine.incidents import get_incident, list_incidents, open_incident
from engine.instances import instance_variables
from engine.tables import outbox
from workflows.campaigns.reading import get_campaign
from workflows.mails import Recipient, queue_letter
from workflows.tokens import create_token


@pytest.fixture
def incident(place: Any) -> str:
    """A letter that gave up."""
    with place.engine.begin() as work:
        recipient = Recipient(place.people["auditor"], "孙审核", "auditor@example.org", "zh")
        queue_letter(work, "reminder", [recipient], campaign_id=place.campaign, about="t2022", unique_key="test")
        row = work.connection.execute(sa.update(outbox).values(state="dead").returning(outbox.c.id)).one()
        return open_incident(work, "mail", "RowFailed", "no server", row_id=row.id)


@pytest.fixture
def of_campaign(place: Any) -> tuple[str, str]:
    """An incident of the campaign's own instance, and that instance."""
    with place.engine.begin() as work:
        instance_id = get_campaign(work, place.campaign).instance_id
        assert instance_id is not None
        return open_incident(work, "timer", "RowFailed", "no", instance_id=instance_id, element_id="collect"), instance_id


def test_a_letter_is_left_out_with_a_reason(place: Any, send: Any, incident: str) -> None:
    client, page = place.client("administrator"), f"/incidents/{incident}"
    shown = client.get(page).get_data(as_text=True)
    assert "略过" in shown and "修改变量" not in shown and page in client.get("/incidents").get_data(as_text=True)
    refused = send(client, page, f"{page}/skip", {"reason": "  "})
    assert refused.status_code == 422 and "理由" in refused.get_data(as_text=True)
    assert send(client, page, f"{page}/skip", {"reason": "地址已停用"}).status_code == 303
    with place.engine.read() as work:
        (closed,) = list_incidents(work, resolved=True)
        assert work.connection.execute(sa.select(outbox.c.state)).scalars().all() == ["withdrawn"]
    assert (closed.resolution, closed.reason, closed.resolved_by) == ("skipped", "地址已停用", place.people["administrator"])
    assert client.get(page).status_code == 404


def test_variables_are_changed_and_nothing_typed_is_lost(place: Any, send: Any, of_campaign: tuple[str, str]) -> None:
    incident, instance_id = of_campaign
    client, page = place.client("administrator"), f"/incidents/{incident}"
    assert "&#34;campaign&#34;" in client.get(page).get_data(as_text=True)
    for text in ("{not json", "[1]", '{"1 a": 2}', '{"a": NaN}', '{"a": 1e400}', '{"a": "\\ud800"}', "[" * 5000):
        refused = send(client, page, f"{page}/edit", {"variables": text, "reason": "更正"})
        told = unescape(refused.get_data(as_text=True))
        assert refused.status_code == 422 and text in told and "更正" in told
    assert send(client, page, f"{page}/edit", {"variables": '{"note": "甲"}', "reason": "更正"}).status_code == 303
    with place.engine.read() as work:
        assert instance_variables(work, instance_id)["note"] == "甲"
        assert list_entries(work, instance_id)[-1].detail["new"] == {"note": "甲"}
        assert list_incidents(work) == []
    told = place.client("organiser").get(f"/campaigns/{place.campaign}/history").get_data(as_text=True)
    assert "修改变量" in told and "更正" in told and "甲省" not in told


def test_by_rest(place: Any, of_campaign: tuple[str, str]) -> None:
    incident, instance_id = of_campaign
    with place.engine.begin() as work:
        token = create_token(work, place.people["administrator"], name="program", scope="write", days=1)
    client, where = place.app.test_client(), f"/api/v1/incidents/{incident}"

    def post(path: str, sent: Any, key: str) -> Any:
        return client.post(where + path, json=sent, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key})

    refused = post("/edit", {"variables": {"a b": 1}, "reason": "r"}, "1")
    assert (refused.status_code, refused.json["code"], refused.json["findings"][0]["path"]) == (422, "VariablesInvalid", "a b")
    changed = {"variables": {"note": [1, None]}, "reason": "r"}
    assert [post("/edit", changed, "2").json for _ in range(2)] == [{"id": incident}] * 2  # once
    with place.engine.read() as work:
        assert instance_variables(work, instance_id)["note"] == [1, None]
        assert "old" not in list_entries(work, instance_id)[-1].detail  # there was none of this name
    assert post("/skip", {"reason": "r"}, "3").status_code == 404


def test_an_organiser_reads_but_does_not_act(place: Any, of_campaign: tuple[str, str]) -> None:
    incident, _ = of_campaign
    assert place.client("organiser").get(f"/incidents/{incident}").status_code == 403
    with place.engine.read() as work:
        assert get_incident(work, incident).resolved_at is None
