"""Lists as files: the rows of the page with its filter, all of its pages, in the reader's language; blind stays blind."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from api.pages import lists
from tests.api.world import Place
from workflows.applications import start_application
from workflows.tables import case


def begin(place: Place, count: int) -> None:
    who = place.person("applicant")
    for _ in range(count):
        with place.engine.begin(by=who.id) as work:
            start_application(work, who, place.campaign, channel="recommended")


def rows(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_all_pages_are_in_one_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    begin(place, 5)
    client = place.client("applicant")
    answer = client.get("/cases.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="cases.csv"'
    head, *found = rows(answer)
    assert head[:3] == ["编号", "题目", "申报单位"]
    assert [row[0] for row in found] == [f"t2022-000{place}" for place in range(1, 6)]
    assert [row[0] for row in rows(client.get("/cases.csv?q=0003"))[1:]] == ["t2022-0003"]
    assert rows(client.get("/cases.csv?state=submitted"))[1:] == []
    assert rows(place.client("auditor_b").get("/cases.csv"))[1:] == []
    book = load_workbook(io.BytesIO(client.get("/cases.xlsx").data))
    assert [row[0].value for row in book.active.iter_rows(min_row=2)] == [row[0] for row in found]


def test_the_inbox_is_narrowed_as_on_its_page(place: Place) -> None:
    begin(place, 3)
    client = place.client("applicant")
    head, *found = rows(client.get("/inbox.csv?view=groups"))
    assert head[:2] == ["任务", "编号"] and sorted(row[1] for row in found) == [f"t2022-000{place}" for place in (1, 2, 3)]
    assert [row[1] for row in rows(client.get("/inbox.csv?view=groups&q=0002"))[1:]] == ["t2022-0002"]
    assert rows(client.get("/inbox.csv?view=done"))[1:] == []


def test_headings_are_in_the_readers_language(place: Place) -> None:
    head, *bodies = rows(place.client("organiser", language="en").get(f"/campaigns/{place.campaign}/bodies.csv"))
    assert head[:3] == ["Recommending body", "Cut-off", "Begun"]
    assert [row[0] for row in bodies] == ["甲省市场监督管理局", "乙省市场监督管理局"]
    assert [row[0] for row in rows(place.client("auditor").get(f"/campaigns/{place.campaign}/bodies.csv"))[1:]] == bodies[0][:1]


def test_what_is_owed_is_narrowed_as_on_its_page(place: Place) -> None:
    client = place.client("organiser")
    owed = rows(client.get(f"/campaigns/{place.campaign}/missing.csv"))[1:]
    body = place.organisations["body_a"]
    narrowed = rows(client.get(f"/campaigns/{place.campaign}/missing.csv?body={body}"))[1:]
    assert len(owed) == 2 and len(narrowed) == 1 and narrowed[0] in owed


@pytest.mark.parametrize("name", ["panel", "letters", "selection", "missing"])
def test_a_refusal_is_a_page_not_a_broken_file(place: Place, name: str) -> None:
    answer = place.client("applicant").get(f"/campaigns/{place.campaign}/{name}.csv")
    assert answer.status_code == 403 and answer.mimetype == "text/html"


@pytest.mark.parametrize("name", ["bodies", "reports", "panel", "letters", "selection", "missing"])
def test_each_list_has_as_many_cells_as_headings(place: Place, name: str) -> None:
    head, *found = rows(place.client("organiser").get(f"/campaigns/{place.campaign}/{name}.csv"))
    assert {len(row) for row in found} <= {len(head)}


@pytest.mark.parametrize("name", ["funnel", "quota", "ages", "weeks", "load"])
def test_each_table_of_the_board_is_a_file(place: Place, name: str) -> None:
    place.begin_case()
    address = f"/campaigns/{place.campaign}/board/{name}.csv"
    organiser, auditor = place.client("organiser"), place.client("auditor")
    answer = organiser.get(address)
    assert answer.data.startswith(b"\xef\xbb\xbf") and f"board_{name}.csv" in answer.headers["Content-Disposition"]
    head, *found = rows(answer)
    assert {len(row) for row in found} <= {len(head)}
    narrowed = rows(organiser.get(f"{address}?body={place.organisations['body_a']}"))
    own = rows(auditor.get(address))
    if name == "funnel":
        assert found[0] == ["已开始", "1", "100%"]
        assert [row for row in narrowed if row[0] != "已入选"] == own  # who is selected is the organiser's secret
    elif name == "quota":
        assert [row[0] for row in found] == ["甲省", "乙省"] and narrowed == [[]] and own[1] == found[0]
    elif name == "ages":
        assert sorted(row[0] for row in own[1:]) == ["填写申报材料", "报送推荐名单"] and narrowed == own
    assert auditor.get(f"{address}?body={place.organisations['body_b']}").status_code == 404


def test_a_board_without_scripts_has_tables_and_rounds_right(place: Place) -> None:
    for login in ("applicant", "applicant", "applicant_b"):
        case_id = place.begin_case(login).case_id
    with place.engine.begin() as work:
        values = {"state": "audited", "received_at": place.clock.now()}
        work.connection.execute(sa.update(case).where(case.c.id != case_id).values(values))
    page = place.client("organiser").get(f"/campaigns/{place.campaign}/board").get_data(as_text=True)
    assert page.count("67%") == 2 and page.count("33%") == 0
    assert page.count("不足") == 2 and re.search(
        r"<td[^>]*data-skip[^>]*>67%", page
    )  # as on the campaign's page; a share is not drawn
