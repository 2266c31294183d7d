"""Pages as people find them: languages, lists, campaigns, notices, consultation, designer, incidents."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from api.security import cookie_name
from engine.definitions import latest_definition
from engine.due import run_due
from engine.incidents import open_incident
from tests.api.world import Place, read_hidden
from workflows.applications import first_task, start_application
from workflows.campaigns import create_campaign
from workflows.consultations import list_comments, list_consulted
from workflows.files import store_upload
from workflows.tables import campaign, organisation, person

Send = Callable[..., Any]
HAN = re.compile(r"[\u4e00-\u9fff]")


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:3000]
    return str(answer.get_data(as_text=True))


# ---- languages -------------------------------------------------------------------------------------------------------
def test_the_language_is_asked_for_and_kept(place: Place) -> None:
    client = place.app.test_client()
    assert '<html lang="zh-CN">' in text_of(client.get("/"))
    page = text_of(client.get("/?lang=en"))
    assert '<html lang="en">' in page and 'href="/?lang=zh"' in page
    assert '<html lang="en">' in text_of(client.get("/campaigns"))
    assert '<html lang="zh-CN">' in text_of(client.get("/campaigns?lang=zh"))
    assert '<html lang="zh-CN">' in text_of(client.get("/campaigns?lang=xx"))


def test_large_type_is_asked_for_and_kept(place: Place) -> None:
    client = place.app.test_client()
    assert 'href="/?size=large">大字版' in text_of(client.get("/"))
    page = text_of(client.get("/?size=large"))
    assert '<html lang="zh-CN" class="large">' in page and 'href="/?size=standard">标准字号' in page
    assert '<html lang="zh-CN" class="large">' in text_of(client.get("/campaigns?size=xx"))
    assert '<html lang="zh-CN">' in text_of(client.get("/campaigns?size=standard"))


def test_switching_keeps_what_the_address_asks_for(place: Place) -> None:
    page = text_of(place.client("organiser").get("/cases?state=draft&q=%E6%A3%80"))
    assert 'href="/cases?state=draft&amp;q=%E6%A3%80&amp;lang=en"' in page


def test_a_person_may_prefer_english(place: Place) -> None:
    with place.engine.begin() as work:
        work.connection.execute(person.update().where(person.c.id == place.people["auditor"]).values(language="en"))
    client = place.client("auditor")
    client.delete_cookie(cookie_name("language", place.settings))
    assert '<html lang="en">' in text_of(client.get("/inbox"))


@pytest.mark.parametrize("login", ["applicant", "auditor", "organiser", "designer", "administrator"])
def test_pages_in_english_have_english_words(shared_place: Place, login: str) -> None:
    """What is Chinese on an English page is data: names, titles, the notice's words."""
    client = shared_place.client(login, language="en")
    for address in ("/inbox", "/cases", "/incidents", "/designer", "/designer/check"):
        answer = client.get(address)
        if answer.status_code == 200:
            page = answer.get_data(as_text=True)
            page = re.sub(r"<tbody>.*?</tbody>|<select.*?</select>", "", page, flags=re.DOTALL)
            main = page.partition("<main")[2].partition("</main>")[0]
            assert not HAN.search(main), (address, HAN.findall(main))


# ---- campaigns and notices -------------------------------------------------------------------------------------------
def test_the_campaign_shows_deadlines_with_words_and_sources(shared_place: Place) -> None:
    page = text_of(shared_place.client().get(f"/campaigns/{shared_place.campaign}"))
    assert "2022年8月10日24:00(北京时间)" in page and "征集截止时间为2022年8月10日" in page
    assert "通知原文" in page and "系统拟定" in page and "其他来源" in page
    assert "甲省" not in page  # counts of bodies are not for the public


def test_the_board_names_bodies_below_quota(shared_place: Place) -> None:
    page = text_of(shared_place.client("organiser").get(f"/campaigns/{shared_place.campaign}"))
    assert "不少于 3 个" in page and "不足" in page and "甲省" in page and "乙省" in page
    page = text_of(shared_place.client("auditor").get(f"/campaigns/{shared_place.campaign}"))
    assert "甲省" in page and "乙省" not in page


def test_an_application_is_begun_once(place: Place, send: Send) -> None:
    client = place.client("applicant")
    address = f"/campaigns/{place.campaign}"
    page = text_of(client.get(address))
    data = {name: read_hidden(page, name) for name in ("csrf_token", "key")} | {"channel": "recommended"}
    first, second = (client.post(f"{address}/applications", data=data) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert len(place.tasks("applicant")) == 1


def test_a_body_that_is_not_clear_is_asked_for(place: Place, send: Send) -> None:
    with place.engine.begin() as work:
        away = organisation.update().where(organisation.c.id == place.organisations["institution_a"])
        authority = place.organisations["authority"]
        work.connection.execute(away.values(parent_id=authority, path=f"/{authority}/{place.organisations['institution_a']}/"))
    address = f"/campaigns/{place.campaign}"
    answer = send(place.client("applicant"), address, f"{address}/applications", {"channel": "recommended"})
    assert answer.status_code == 422 and "无法确定推荐单位" in answer.get_data(as_text=True)
    answer = send(place.client("applicant"), address, f"{address}/applications", {"channel": "direct"})
    assert answer.status_code == 303


def test_the_notice_as_facts(shared_place: Place) -> None:
    page = text_of(shared_place.client().get("/notices/samr_2022_932"))
    for fact in (
        "市监检测函〔2022〕932号",
        "不少于3个",
        "征集截止时间为2022年8月10日",
        "差别化",
        "样式为本系统拟定",
        "新疆生产建设兵团",
    ):
        assert fact in page
    english = text_of(shared_place.client(language="en").get("/notices/samr_2022_932"))
    assert "State Administration for Market Regulation" in english and "1 July 2022" in english
    assert shared_place.client().get("/notices/nothing").status_code == 404
    assert shared_place.client().get("/notices/samr_2022_932?version=9").status_code == 404


# ---- inbox and cases -------------------------------------------------------------------------------------------------
def test_the_inbox_of_several_campaigns_offers_each(place: Place) -> None:
    with place.engine.begin(by=place.people["organiser"]) as work:
        notice_id = work.connection.execute(campaign.select()).one().notice_id
        second = create_campaign(
            work,
            notice_id,
            key="t2023",
            organiser_id=place.organisations["authority"],
            bodies=[(place.organisations["body_a"], None)],
        )
    page = place.client("organiser").get("/inbox").get_data(as_text=True)
    assert [each in page for each in (f'<option value="{place.campaign}">', f'<option value="{second}">')] == [True, True]


def test_inbox_search_and_paging(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        for _ in range(5):
            start_application(work, who, place.campaign, channel="direct")
    client = place.client("applicant")
    assert "共 5 项" in text_of(client.get("/inbox?view=groups"))
    assert "共 1 项" in text_of(client.get("/inbox?view=groups&q=t2022-0003"))
    assert "没有符合筛选条件的任务" in text_of(client.get("/inbox?view=groups&q=nothing"))
    assert "没有需要您办理的任务" in text_of(client.get("/inbox?view=mine"))
    monkeypatch.setattr("api.pages.inbox.SIZES", (1, 2, 3))  # the middle one is the usual
    monkeypatch.setattr("api.pages.cases.PAGE", 2)
    for address, pages in (("/inbox?view=groups", 3), ("/cases", 3)):
        seen: list[str] = []
        step = address
        for _ in range(pages):
            page = text_of(client.get(step))
            seen += re.findall(r"t2022-\d{4}", page.partition("<tbody>")[2])
            step = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        assert sorted(set(seen)) == [f"t2022-000{number}" for number in range(1, 6)]
        assert 'rel="next"' not in page
    assert client.get("/inbox?view=groups&after=nonsense").status_code == 422


# ---- consultation ----------------------------------------------------------------------------------------------------
@pytest.fixture
def consulting(place: Place, application: dict[str, Any]) -> Place:
    """The campaign while comments are asked for: one direct case is to be selected."""
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
    pool = [place.people[f"expert_{number}"] for number in (1, 2, 3)]
    place.complete("organiser", organise.id, {"experts_per_case": "2", "pool": pool})
    for login in ("expert_1", "expert_2", "expert_3"):
        for task in place.tasks(login, "review"):
            scores = dict.fromkeys(("distinctiveness", "effectiveness", "typicality", "authenticity"), "80")
            place.complete(
                login, task.id, {"no_conflict": "yes", **scores, "comment": "做法扎实，成效有数据支撑，具有推广价值，建议入选。"}
            )
    run_due(place.engine)
    (select,) = place.tasks("organiser", "select_cases")
    place.complete("organiser", select.id, {"cut": "1", "method": "mean"})
    run_due(place.engine)
    return place


def test_comments_are_taken_once_and_faults_keep_what_was_typed(consulting: Place, send: Send) -> None:
    client = consulting.client()
    address = f"/campaigns/{consulting.campaign}/consultation"
    page = text_of(client.get(address))
    assert "检测数据共享助力中小企业提质" in page and "甲省质量检验院" in page and "吴申报" not in page
    with consulting.engine.read() as work:
        number = list_consulted(work, consulting.campaign)[0].number
    data = {"kind": "objection", "case_number": number, "from_name": "某单位", "text": "数据来源存疑。"}
    answer = send(client, address, address, data)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'href="#from_contact"' in page and "数据来源存疑。" in page and 'value="某单位"' in page
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key")}
    first, second = (client.post(address, data={**hidden, **data, "from_contact": "010-1"}) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert "已收到，谢谢。登记编号" in text_of(client.get(first.location))
    with consulting.engine.read() as work:
        assert len(list_comments(work, consulting.campaign)) == 1


def test_late_comments_are_refused_with_the_moment(consulting: Place, send: Send) -> None:
    client = consulting.client()
    address = f"/campaigns/{consulting.campaign}/consultation"
    hidden = {name: read_hidden(text_of(client.get(address)), name) for name in ("csrf_token", "key")}
    consulting.clock.move_to(datetime(2022, 8, 18, 16, tzinfo=UTC))
    answer = client.post(address, data={**hidden, "kind": "comment", "from_name": "某人", "text": "很好"})
    assert answer.status_code == 409 and "很好" in answer.get_data(as_text=True)


def test_an_expert_sees_the_case_blind_and_can_declare_a_conflict(consulting: Place) -> None:
    who = next(
        login
        for login in ("expert_1", "expert_2", "expert_3")
        if consulting.client(login).get("/cases").get_data(as_text=True).count("t2022-0001")
    )
    client = consulting.client(who)
    page = text_of(client.get("/cases"))
    address = re.search(r'href="(/cases/\w+)"', page)
    assert address
    page = text_of(client.get(address[1]))
    assert "匿名评审" in page
    for hidden in ("甲省质量检验院", "吴申报", "010-12345678", "wu@example.cn", "盖章"):
        assert hidden not in page


def test_the_published_list_holds_titles_and_units_only(consulting: Place) -> None:
    consulting.move_to(datetime(2022, 8, 25, 1, tzinfo=UTC))
    (settle,) = consulting.tasks("organiser", "settle_comments")
    consulting.complete("organiser", settle.id, {"decisions": []})
    (publish,) = consulting.tasks("organiser", "publish")
    address = f"/campaigns/{consulting.campaign}/published"
    assert "结果尚未公布" in text_of(consulting.client().get(address))
    consulting.complete("organiser", publish.id, {"title": "关于公布优秀案例的通知"})
    page = text_of(consulting.client().get(address))
    assert "关于公布优秀案例的通知" in page and "检测数据共享助力中小企业提质" in page and "甲省质量检验院" in page
    for personal in ("吴申报", "010-12345678", "wu@example.cn"):
        assert personal not in page
    assert "已公布结果" in text_of(consulting.client().get("/"))


# ---- designer and incidents ------------------------------------------------------------------------------------------
def diagram() -> str:
    return (resources.files("bpmn") / "samr_2022_932" / "case.bpmn").read_text("utf-8")


def test_a_pasted_diagram_is_checked(shared_place: Place, send: Send) -> None:
    client = shared_place.client("designer")
    faulty = diagram().replace('${channel == "direct"}', "${channel == }")
    page = text_of(send(client, "/designer/check", "/designer/check", {"xml": faulty}))
    assert "不能按图执行" in page and 'data-element="flow_by_channel_direct_received"' in page and 'id="designer"' in page


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>',
        "<not closed",
        "no xml at all",
    ],
)
def test_hostile_diagrams_are_told_and_not_drawn(shared_place: Place, send: Send, hostile: str) -> None:
    page = text_of(send(shared_place.client("designer"), "/designer/check", "/designer/check", {"xml": hostile}))
    assert "不能按图执行" in page and 'id="designer"' not in page
    assert "root:" not in page


def test_the_drawing_tool_is_answered_in_json(shared_place: Place) -> None:
    client = shared_place.client("designer")
    token = read_hidden(client.get("/designer/check").get_data(as_text=True), "csrf_token")
    headers = {"X-CSRFToken": token}
    faulty = diagram().replace("${audits.record}", "${audits.nothing}")
    answer = client.post("/designer/check", data=faulty.encode(), content_type="application/xml", headers=headers)
    assert answer.json["refused"] and {found["element"] for found in answer.json["findings"]} >= {"audit"}
    fine = client.post("/designer/check", data=diagram().encode(), content_type="application/xml", headers=headers)
    assert not fine.json["refused"]
    assert client.post("/designer/check", data=b"<a/>", content_type="application/xml").status_code == 400


def test_diagrams_that_are_too_large_or_absent(shared_place: Place, send: Send) -> None:
    client = shared_place.client("designer")
    assert send(client, "/designer/check", "/designer/check", {"xml": " "}).status_code == 422
    answer = send(client, "/designer/check", "/designer/check", {"xml": "x" * (5 * 1024 * 1024 + 1)})
    assert answer.status_code == 422 and "5 MB" in answer.get_data(as_text=True)


def test_deployed_diagrams_are_listed_and_served(shared_place: Place) -> None:
    client = shared_place.client("designer")
    assert "samr_2022_932_case" in text_of(client.get("/designer"))
    with shared_place.engine.read() as work:
        loaded = latest_definition(work, "samr_2022_932_case")
    answer = client.get(f"/definitions/{loaded.id}.bpmn")
    assert answer.mimetype == "application/xml" and answer.data == loaded.model.xml
    assert client.get("/definitions/nothing.bpmn").status_code == 404


def test_an_administrator_has_an_incident_tried_again(place: Place, send: Send) -> None:
    with place.engine.begin() as work:
        incident = open_incident(work, "mail", "MailRefused", "the server said no")
    client = place.client("administrator")
    assert "the server said no" in text_of(client.get("/incidents"))
    assert "the server said no" not in text_of(place.client("organiser").get("/incidents"))
    assert send(client, "/incidents", f"/incidents/{incident}/retry", {}).status_code == 303
    assert "没有异常" in text_of(client.get("/incidents"))
