"""The same pages on both databases: reading, and one application from its first page to its receipt."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.clock import VirtualClock
from engine.definitions import latest_definition
from tests.api.world import PEOPLE, START, make_place, make_settings, make_world, read_hidden


def test_pages_on_both_databases(
    database_url: str, tmp_path: Path, application: dict[str, Any], send: Callable[..., Any]
) -> None:
    settings = make_settings(tmp_path, database_url=database_url)
    place = make_place(settings, VirtualClock(START), make_world(settings))
    try:
        client = place.client("applicant")
        address = f"/campaigns/{place.campaign}"
        answer = send(client, address, f"{address}/applications", {"channel": "recommended"})
        task = answer.location
        data = {**application, "seal_scan.new": (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "盖章.pdf")}
        page = client.get(task).get_data(as_text=True)
        hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision", "seen_draft")}
        quiet = client.post(f"{task}/draft", data={**hidden, "title": "草稿"}, headers={"HX-Request": "true"})
        assert quiet.status_code == 200
        hidden["seen_draft"] = read_hidden(quiet.get_data(as_text=True), "seen_draft")  # as the page's script takes it over
        answer = client.post(f"{task}/complete", data={**hidden, **data})
        assert answer.status_code == 303 and answer.location.endswith("#receipts")
        case = answer.location.partition("#")[0]
        with place.engine.read() as work:
            definition = latest_definition(work, "samr_2022_932_case").id
        addresses = ["/", "/inbox?q=检", "/inbox?view=done", "/cases?q=检", case, address, f"{address}/consultation",
                     f"{address}/published", "/notices", "/notices/samr_2022_932", "/designer", f"/definitions/{definition}.bpmn",
                     "/incidents", "/health", "/metrics"]  # fmt: skip
        for login in (None, *PEOPLE):
            reader = place.client(login)
            for each in addresses:
                assert reader.get(each, buffered=True).status_code in (200, 303, 403, 404), (login, each)
        assert place.client("auditor").get(case).status_code == 200
    finally:
        place.engine.database.dispose()
