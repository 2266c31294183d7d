"""The page and the operations that move a campaign's deadlines: preview, confirmation, and what is told."""

from __future__ import annotations

import re
import uuid
from typing import Any

import sqlalchemy as sa

from engine.due import run_due
from engine.tables import timer
from tests.api.world import Place, send
from workflows.tables import extension, window

QUERY = "way=extend&date=collection_cutoff&new=2022-08-20&organisation="


def test_the_organiser_previews_and_confirms(place: Place) -> None:
    client, address = place.client("organiser"), f"/campaigns/{place.campaign}/deadlines"
    assert address in client.get(f"/campaigns/{place.campaign}").get_data(as_text=True)
    page = client.get(address).get_data(as_text=True)
    assert "延长期限" in page
    shown = client.get(f"{address}/preview?{QUERY}")
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert "2022年8月20日24:00" in text
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', text)
    assert digest is not None
    typed = {"way": "extend", "date": "collection_cutoff", "new": "2022-08-20", "digest": digest[1], "reason": "汛期影响"}
    refused = send(client, f"{address}/preview?{QUERY}", address, {**typed, "document_number": ""})
    assert refused.status_code == 422
    assert "汛期影响" in refused.get_data(as_text=True)  # nothing typed is lost
    outdated = send(
        client, f"{address}/preview?{QUERY}", address, {**typed, "document_number": "〔2022〕1号", "digest": "0" * 64}
    )
    assert outdated.status_code == 409
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(extension)).first() is None
    done = send(client, f"{address}/preview?{QUERY}", address, {**typed, "document_number": "〔2022〕1号"})
    assert done.status_code == 303
    run_due(place.engine)
    page = client.get(address).get_data(as_text=True)
    assert "〔2022〕1号" in page
    history = client.get(f"/campaigns/{place.campaign}/history").get_data(as_text=True)
    assert "调整期限" in history
    assert "改为 2022年8月20日24:00" in history


def test_the_same_by_the_interface(place: Place) -> None:
    client = place.client("organiser")
    address = f"/api/v1/campaigns/{place.campaign}/extensions"
    asked: dict[str, Any] = {"date": "collection_cutoff", "new": "2022-08-20"}
    found = client.get(f"{address}/preview", query_string=asked)
    assert found.status_code == 200
    told = found.get_json()
    given = {**asked, "digest": told["digest"], "reason": "汛期影响", "document_number": "〔2022〕1号"}
    done = _post(client, address, given)
    assert done.status_code == 201, done.get_json()
    assert (done.get_json()["windows"], done.get_json()["tasks"]) == (
        len(told["windows"]),
        sum(e["count"] for e in told["tasks"]),
    )
    again = _post(client, address, given)
    assert again.status_code == 422  # it is at that moment already
    assert again.get_json()["findings"][0]["code"] == "ExtensionShortens"
    [line] = client.get(address).get_json()["items"]
    assert (line["document_number"], line["sha256"]) == ("〔2022〕1号", told["digest"])
    moments = {each["new"] for each in told["windows"]}
    with place.engine.read() as work:
        kept = {row.cutoff_at.isoformat().replace("+00:00", "Z") for row in work.connection.execute(sa.select(window))}
        armed = work.connection.execute(sa.select(timer.c.generation).where(timer.c.element_id == "await_cutoff")).scalars()
        assert set(armed) == {2}
    assert moments <= kept


def _post(client: Any, address: str, given: dict[str, Any]) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/inbox").get_data(as_text=True))
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-CSRFToken": token[1] if token else ""}
    return client.post(address, json=given, headers=headers)
