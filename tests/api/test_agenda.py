"""The page of the agenda: month and list, filters, links to where one acts, both languages, without JavaScript."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from api.pages.agenda import read_month, shift_month, show_month
from engine.due import run_due
from workflows.agenda import Agenda, Entry
from workflows.applications import start_application


def get(place: Any, login: str | None, address: str = "/agenda", **options: Any) -> str:
    answer = place.client(login, **options).get(address)
    assert answer.status_code == 200
    return unescape(answer.get_data(as_text=True))


def test_month_by_month(shared_place: Any) -> None:
    july = get(shared_place, None)
    assert "2022年7月" in july and "month=2022-06" in july and "month=2022-08" in july and "今天" in july
    august = get(shared_place, "organiser", "/agenda?month=2022-08")
    assert "征集截止" in august and "2022年8月10日24:00(北京时间)" in august and "推荐单位受理截止" in august
    assert "征集截止时间为2022年8月10日" in august  # the notice's own words
    english = get(shared_place, "auditor", "/agenda?month=2022-08", language="en")
    assert "End of the collection" in english and "work days left" in english and "August 2022" in english


def test_the_list_and_its_filters(shared_place: Any) -> None:
    whole = get(shared_place, "organiser", "/agenda?view=list")
    assert [name in whole for name in ("征集截止", "评审截止", "公布结果")] == [True] * 3
    experts = get(shared_place, "organiser", "/agenda?view=list&role=expert")
    assert "评审截止" in experts and "公布结果" not in experts and "清除筛选" in experts
    nothing = get(shared_place, "organiser", f"/agenda?view=list&campaign={'0' * 32}&role=expert")
    assert "没有事项" in nothing


def test_where_one_acts(place: Any) -> None:
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        start_application(work, who, place.campaign, channel="recommended")
    run_due(place.engine)
    (task,) = place.tasks("applicant", "apply")
    assert f"/tasks/{task.id}" in get(place, "applicant", "/agenda?month=2022-08")
    assert f"/campaigns/{place.campaign}/missing" in get(place, "organiser", "/agenda?month=2022-08")
    assert f"/campaigns/{place.campaign}/missing" not in get(place, None, "/agenda?month=2022-08")
    place.clock.move_to(datetime(2022, 8, 4, tzinfo=UTC))
    assert "临近" in get(place, "applicant") and "项临近" not in get(place, None)


def test_a_month_counts_its_own_days_alone(shared_place: Any) -> None:
    next_month = Entry("a/1", "activity", "1", "征集", "a", date(2022, 7, 1), date(2022, 7, 3), "risk")  # in June's last week
    with shared_place.app.test_request_context("/agenda"):
        found = [show_month(Agenda((next_month,), (), {}, {}), date(2022, month, 1))["counts"] for month in (6, 7)]
    assert found == [{"overdue": 0, "risk": 0}, {"overdue": 0, "risk": 1}]


@pytest.mark.parametrize("text", ["", "2022-13", "0000-01", "2022-7", "9999-12", "二〇二二-01"])
def test_a_month_that_is_none_is_the_present_one(shared_place: Any, text: str) -> None:
    assert read_month(text, date(2022, 7, 9)) == date(2022, 7, 1)
    assert "2022年7月" in get(shared_place, None, f"/agenda?month={text}")


def test_months_follow_each_other() -> None:
    months = [date(2022, 1, 1)]
    for _ in range(24):
        months.append(shift_month(months[-1], 1))
    assert months[12] == date(2023, 1, 1) and [shift_month(each, -1) for each in months[1:]] == months[:-1]


MOST_STATEMENTS = 35
"""Of a whole request, with session, menu and inbox count; measured: 33."""


def test_a_whole_page_takes_few_statements(place: Any) -> None:
    seen: list[str] = []
    get(place, "organiser")
    client = place.client("organiser")
    sa.event.listen(place.engine.database, "before_cursor_execute", lambda *args: seen.append(args[2]))
    assert client.get("/agenda?view=list").status_code == 200
    assert len(seen) <= MOST_STATEMENTS
