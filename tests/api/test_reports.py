"""Pages of reports: the matrix of a campaign, one report, asking below, confirming a date; and who may do what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.settings import Settings
from api.wiring import build_engine
from engine.clock import VirtualClock
from tests.api.rest.conftest import make_caller
from tests.api.world import Place, make_place, make_settings, read_hidden
from tests.workflows.reports.acting import BEIJING, Action, build_action
from workflows.schema import upgrade_schema

NUMBER = "act-summary-2021-11-25-01"
ISSUED = datetime(2021, 5, 28, 9, tzinfo=BEIJING)
ROLES = (None, "organiser", "one", "two", "low", "designer", "one_applicant")


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Action]]:
    """SAMR 2021 with both dates confirmed; the tests of this file go on from each other, in its order."""
    settings: Settings = make_settings(tmp_path_factory.mktemp("reports"))
    engine = build_engine(settings, clock=VirtualClock(ISSUED))
    upgrade_schema(engine.database)
    action = build_action(engine, "samr_2021_34", ("江西省市场监督管理局", "湖北省市场监督管理局"))
    engine.database.dispose()
    people = {name: each.id for name, each in action.people.items()}
    ids = {"organisations": action.places, "people": people, "campaign": action.campaign_id}
    place = make_place(settings, VirtualClock(ISSUED), ids)
    action.process_engine = place.engine
    yield place, action
    place.engine.database.dispose()


def text_of(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def look(acting: tuple[Place, Action], name: str | None, address: str) -> str:
    answer = acting[0].client(name).get(address)
    assert answer.status_code == 200
    return text_of(answer)


def test_an_unknown_date_is_shown_with_the_notices_words_and_candidates(acting: tuple[Place, Action]) -> None:
    page = look(acting, None, f"/campaigns/{acting[1].campaign_id}")
    assert "2021年〔缺〕月底前" in page and "缺一位数字" in page and "日期尚未确认" in page
    notice = look(acting, None, "/notices/samr_2021_34")
    for words in ("十大典型案例", "20 其他来源", "重要情况可随时报送", "随时", "国市监质〔2020〕177号"):
        assert words in notice, words


def test_the_organiser_confirms_it_on_the_tasks_page(acting: tuple[Place, Action], send: Callable[..., TestResponse]) -> None:
    place, action = acting
    client = place.client("organiser")
    for step, candidate in (("confirm_plan_due", "2021-06"), ("confirm_summary_due", "2021-11-25")):
        address = f"/tasks/{action.find_task(step).id}"
        assert "原文" in look(acting, "organiser", address)
        refused = send(client, address, f"{address}/complete", {"candidate": candidate})
        assert refused.status_code == 422 and "依据" in text_of(refused)
        done = send(client, address, f"{address}/complete", {"candidate": candidate, "source_note": "演示确认"})
        assert done.status_code == 303
    place.move_to(ISSUED)
    page = look(acting, None, f"/campaigns/{action.campaign_id}")
    assert "人员organiser 于" in page and "依据：演示确认" in page and "2021年6月30日24:00" in page


def test_a_body_asks_below_and_sums_up(acting: tuple[Place, Action], send: Callable[..., TestResponse]) -> None:
    place, action = acting
    client = place.client("one")
    address = f"/reports/{action.report(NUMBER).id}"
    assert "演练下级low" in look(acting, "one", address)
    refused = send(client, address, f"{address}/collect", {"due": "2021-12-24"})
    assert refused.status_code == 422
    assert "至少选择一个" in text_of(refused) and "不能晚于本单位" in text_of(refused)
    unread = send(client, address, f"{address}/collect", {"units": action.places["low"], "due": "十一月中旬"})
    assert unread.status_code == 422 and "截止日期看不懂" in text_of(unread)
    asked = send(client, address, f"{address}/collect", {"units": action.places["low"], "due": "2021-11-15"})
    assert asked.status_code == 303
    place.move_to(ISSUED)
    below = f"{NUMBER}-01"
    row = {"unit": "", "city": "甲市", "incentive": "none", "enterprises": 12}
    action.do("low", "write_report", {"summary": "总结", "models": 2, "cities": [row], "cases": []}, below)
    action.examine(below, name="one")
    filled = send(client, address, f"{address}/roll-up", {})
    assert filled.status_code == 303
    task = client.get(filled.location).get_data(as_text=True)
    assert 'value="12"' in task and 'value="甲市"' in task and 'value="low"' in task
    assert "已通过 1 个" in look(acting, "one", address)


def test_a_program_asks_below_and_sums_up(acting: tuple[Place, Action]) -> None:
    place, action = acting
    caller, address = make_caller(place, "one"), f"/reports/{action.report(NUMBER).id}"
    assert [each["short_name"] for each in caller.get(address).json["subordinates"]] == ["low", "lower"]
    refused = caller.post(f"{address}/collect", {"units": [action.places["two"]], "due": "2021-12-24"})
    assert (refused.status_code, [each["path"] for each in refused.json["findings"]]) == (422, ["units", "due"])
    units = [action.places["low"], action.places["lower"]]
    asked = caller.post(f"{address}/collect", {"units": units, "due": "2021-11-15"}, key="ask")
    assert asked.json == {"asked": 1}  # the other one was asked on the page
    assert caller.post(f"{address}/collect", {"units": units, "due": "2021-11-15"}, key="ask").json == asked.json
    place.move_to(ISSUED)
    assert [each["reporter"] for each in caller.get(address).json["children"]] == ["low", "lower"]
    task = caller.post(f"{address}/roll-up").json["task"]
    assert caller.get(f"/tasks/{task}/draft").json["data"]["models"] == 2
    history = make_caller(place, "organiser").get(f"/campaigns/{action.campaign_id}/history").json["items"]
    assert history[0]["kind"] == "started" and "date_confirmed" in {each["kind"] for each in history}


def test_the_matrix_shows_each_body_and_only_its_own(acting: tuple[Place, Action]) -> None:
    campaign = f"/campaigns/{acting[1].campaign_id}"
    whole = look(acting, "organiser", campaign)
    assert "未报送单位数" in whole and "目标与实际" in whole and "江西" in whole and "湖北" in whole
    own = look(acting, "two", campaign)
    assert "各单位报送情况" in own and "未报送单位数" not in own
    assert "各单位报送情况" not in look(acting, None, campaign)
    assert "向下级收集的报送" in look(acting, "low", campaign)
    assert "报送情况" in look(acting, "organiser", f"{campaign}?lang=zh")


def test_a_case_counts_for_the_body_of_its_place(acting: tuple[Place, Action]) -> None:
    """All cases are sent directly here; they count for the body nevertheless, which is told that it does not handle them."""
    place, action = acting
    campaign = f"/campaigns/{action.campaign_id}"
    action.write_case(9001, "low", "published")
    whole = look(acting, "organiser", campaign)
    assert "各单位案例数 江西：1 湖北：0" in whole and "推荐单位 本地截止" not in whole
    own = look(acting, "one", campaign)
    assert "1 个 仅江西" in own and "案例由各机构直接报送" in own and "各单位案例数" not in own
    found = make_caller(place, "organiser").get(f"{campaign}/reports").json["targets"][-1]
    assert (found["key"], found["actual"], found["elsewhere"]) == ("typical_cases", "1", "0")
    assert [(each["short_name"], each["actual"]) for each in found["bodies"]] == [("江西", "1"), ("湖北", "0")]
    assert make_caller(place, "two").get(f"{campaign}/reports").json["targets"][-1]["actual"] == "0"


def test_important_matters_have_a_button(acting: tuple[Place, Action], send: Callable[..., TestResponse]) -> None:
    place, action = acting
    campaign = f"/campaigns/{action.campaign_id}"
    begun = send(place.client("two"), campaign, f"{campaign}/reports", {"plan": "important"})
    assert begun.status_code == 303 and "/tasks/" in begun.location
    assert "act-important-02-1" in look(acting, "organiser", campaign)
    assert "act-important-02-1" in look(acting, "two", "/inbox?view=groups")


def test_a_report_is_handed_in_and_shown_with_its_receipt(
    acting: tuple[Place, Action], send: Callable[..., TestResponse]
) -> None:
    place, action = acting
    place.move_to(datetime(2021, 7, 1, 0, 0, 1, tzinfo=BEIJING))
    number = "act-work_plan-2021-06-02"
    address = f"/tasks/{action.find_task('write_report', number).id}"
    data = {"plan": "方案", "cities.0.city": "武汉", "cities.0.incentive": "applying"}
    done = send(place.client("two"), address, f"{address}/complete", data)
    assert done.status_code == 303 and done.location.endswith("#receipts")
    page = look(acting, "two", done.location)
    assert "逾期报送" in page and "截止后收到" in page and action.view("two", number).versions[0].sha256 in page
    assert "武汉" in look(acting, "organiser", f"/reports/{action.report(number).id}")
    examine = f"/tasks/{action.find_task('examine_report', number).id}"
    assert "武汉" in look(acting, "organiser", examine)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        # anonymous, organiser, its own body, another body, a body below, designer, applicant of its own body
        ("GET", "/reports/{report}", (303, 200, 200, 404, 404, 404, 404)),
        ("POST", "/reports/{report}/collect", (401, 403, 422, 404, 404, 404, 404)),
        ("POST", "/reports/{report}/roll-up", (401, 403, 303, 404, 404, 404, 404)),
        ("POST", "/campaigns/{campaign}/reports", (401, 403, 404, 404, 403, 403, 403)),
    ],
)
def test_access(acting: tuple[Place, Action], method: str, path: str, expected: tuple[int, ...]) -> None:
    place, action = acting
    address = path.format(report=action.report(NUMBER).id, campaign=action.campaign_id)
    found = []
    for name in ROLES:
        client = place.client(name)
        if method == "GET":
            found.append(client.get(address).status_code)
            continue
        token = client.get("/notices").get_data(as_text=True).partition('name="csrf-token" content="')[2].partition('"')[0]
        data: dict[str, Any] = {"csrf_token": token, "key": f"{name}{path}", "plan": "nothing"}
        found.append(client.post(address, data=data).status_code)
    assert tuple(found) == expected


def read_form(page: str) -> dict[str, str]:
    """What every posted form carries."""
    return {name: read_hidden(page, name) for name in ("csrf_token", "key")}


def test_the_end_of_a_collection_is_told_to_who_comes_later(acting: tuple[Place, Action]) -> None:
    """Who has the page open from before is told on it, what was chosen is kept; who opens it later finds no button."""
    place, action = acting
    place.move_to(datetime(2021, 11, 26, tzinfo=BEIJING))
    address, client = f"/campaigns/{action.campaign_id}", place.client("one_applicant")
    page = client.get(address).get_data(as_text=True)
    assert "开始申报" in page and "征集已经结束" not in page
    begun = client.post(f"{address}/applications", data=read_form(page) | {"channel": "direct"}).location
    form = client.get(begun).get_data(as_text=True)
    page = client.get(address).get_data(as_text=True)
    for step in ("conclude_plan", "conclude_summary"):
        action.do("organiser", step, {"remark": ""})

    refused = client.post(f"{address}/applications", data=read_form(page) | {"channel": "direct"})
    assert refused.status_code == 409
    told = text_of(refused)
    assert told.count("征集已经结束，不能再申报") == 1 and "开始申报" not in told
    later = look(acting, "one_applicant", address)
    assert "征集已经结束，不能再申报" in later and "开始申报" not in later
    english = text_of(place.client("one_applicant", language="en").get(address))
    assert "The collection has ended" in english
    assert "act-0001" in look(acting, "one_applicant", f"/cases?campaign={action.campaign_id}")
    typed = {"title": "没有来得及报送的案例", "revision": read_hidden(form, "revision")}
    sent = client.post(f"{begun}/complete", data=read_form(form) | typed)
    assert sent.status_code == 409 and "征集已经结束" in text_of(sent) and "没有来得及报送的案例" in text_of(sent)

    caller = make_caller(place, "one_applicant")
    answer = caller.post(f"{address}/applications", {"channel": "direct"})
    assert (answer.status_code, answer.json["code"]) == (409, "CollectionEnded")
