"""A case's page and its paper: the same sections in the same order, each reader's own; a table of contents that leads to them."""

from __future__ import annotations

import io
import re
from html import unescape

import docx
import sqlalchemy as sa

from engine.ids import new_id
from tests.api.test_pages import consulting as consulting
from tests.api.world import Place
from workflows.consultations import list_comments, receive_comment
from workflows.files import list_attachments
from workflows.tables import case, review
from workflows.talk import add_remark

LINK = re.compile(r'<li><a href="#(\w+)">([^<]+)</a></li>')


def read_contents(page: str) -> dict[str, str]:
    """The table of contents: anchors with their labels."""
    nav = page.partition('<nav class="panel no-print" id="contents"')[2].partition("</nav>")[0]
    return {anchor: unescape(label) for anchor, label in LINK.findall(nav)}


def read_headings(content: bytes) -> list[str]:
    """The headings of a paper, without their numbers; of several versions one."""
    paragraphs = [
        each for each in docx.Document(io.BytesIO(content)).paragraphs if re.match(r"[一二三四五六七八九十]+、", each.text)
    ]
    found = [each.text.partition("、")[2] for each in paragraphs]
    return list(dict.fromkeys(re.sub(r"申报材料.*", "申报材料", each) for each in found))


def find_case(place: Place) -> tuple[str, str]:
    with place.engine.read() as work:
        row = work.connection.execute(case.select()).one()
    return row.id, row.number


def show(place: Place, login: str, case_id: str, language: str = "zh") -> str:
    answer = place.client(login, language=language).get(f"/cases/{case_id}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


EARLY = ["application", "receipts"]
LATE = ["files", "deadlines", "facts", "history", "diagram"]


def test_page_and_paper_have_the_sections_that_each_reader_may_know(consulting: Place) -> None:
    place, (case_id, number) = consulting, find_case(consulting)
    expert = next(login for login in ("expert_1", "expert_2", "expert_3") if number in show_list(place, login))
    sender = {"from_name": "李举报", "from_contact": "举报热线7788", "case_number": number}
    with place.engine.begin() as work:
        receive_comment(work, place.campaign, kind="objection", text="数据不实。", **sender)
    with place.engine.begin(by=place.people["organiser"]) as work:
        add_remark(work, place.person("organiser"), case_id, "请核实。")
    place.move_to(place.clock.now().replace(month=9))
    with place.engine.read() as work:
        (heard,) = list_comments(work, place.campaign)
    decisions = [{"comment": heard.id, "decision": "not_adopted", "answer": "经核实，数据属实。"}]
    place.complete("organiser", place.tasks("organiser", "settle_comments")[0].id, {"decisions": decisions})
    place.complete("organiser", place.tasks("organiser", "publish")[0].id, {"title": "关于公布优秀案例的通知"})
    found: dict[str, list[str]] = {}
    for login in ("organiser", "applicant", expert):
        page = show(place, login, case_id)
        contents = read_contents(page)
        found[login] = list(contents)
        assert [anchor for anchor in contents if page.count(f'id="{anchor}"') != 1] == []
        places = [page.index(f'id="{anchor}"') for anchor in contents]
        assert places == sorted(places)
        paper = place.client(login).get(f"/cases/{case_id}/paper.docx").data
        written = read_headings(paper)
        wanted = [label for anchor, label in contents.items() if anchor not in ("arrivals", "facts", "diagram")]
        assert written == wanted
        text = "\n".join(each.text for each in docx.Document(io.BytesIO(paper)).paragraphs) + page
        assert [secret for secret in ("李举报", "举报热线7788", "数据不实。", "请核实。") if secret in text] == (
            ["李举报", "举报热线7788", "数据不实。", "请核实。"] if login == "organiser" else []
        )
    judged = ["audits", "reviews", "selection", "comments", "publication", "talk"]
    assert found["organiser"] == [*EARLY, "arrivals", *judged, *LATE]
    assert found["applicant"] == [*EARLY, "audits", "selection", "comments", "publication", *LATE]
    assert found[expert] == ["application", "reviews", "facts"]


def show_list(place: Place, login: str) -> str:
    return str(place.client(login).get("/cases").get_data(as_text=True))


def test_who_saw_what_is_the_organisers_alone(consulting: Place) -> None:
    place, (case_id, number) = consulting, find_case(consulting)
    expert = next(login for login in ("expert_1", "expert_2", "expert_3") if number in show_list(place, login))
    with place.engine.read() as work:
        (file,) = list_attachments(work, place.person("applicant"), case_id)
    for address in (f"/cases/{case_id}", f"/cases/{case_id}/paper.docx", f"/attachments/{file.id}/show"):
        assert place.client("applicant").get(address).status_code == 200
    for login, status in (("organiser", 200), ("applicant", 403), (expert, 403), ("auditor", 404)):
        answer = place.client(login).get(f"/cases/{case_id}/views")
        page = answer.get_data(as_text=True)
        told = [what for what in ("案例页面", "附件", "导出") if f">{what}</td>" in page]
        assert (answer.status_code, told) == (status, ["案例页面", "附件", "导出"] if status == 200 else [])
        assert ("/views" in place.client(login).get(f"/cases/{case_id}").get_data(as_text=True)) == (status == 200)


def count_statements(place: Place, login: str, address: str) -> int:
    """The statements that a page sends the second time: what is read once for good is not counted."""
    client, sent = place.client(login), []
    assert client.get(address).status_code == 200

    def note(*args: object) -> None:
        sent.append(args[2])

    sa.event.listen(place.engine.database, "before_cursor_execute", note)
    try:
        client.get(address)
    finally:
        sa.event.remove(place.engine.database, "before_cursor_execute", note)
    return len(sent)


def test_a_case_of_which_much_was_said_is_read_by_as_many_statements(consulting: Place) -> None:
    place, (case_id, number) = consulting, find_case(consulting)
    sender = {"from_name": "李举报", "from_contact": "举报热线7788", "case_number": number}

    def say(times: int, *experts: str) -> None:
        with place.engine.begin(by=place.people["organiser"]) as work:
            for _ in range(times):
                receive_comment(work, place.campaign, kind="objection", text="数据不实。", **sender)
                add_remark(work, place.person("organiser"), case_id, "请核实。")
            sheet = dict(work.connection.execute(sa.select(review).limit(1)).one()._mapping)
            for login in experts:
                work.connection.execute(review.insert().values(**{**sheet, "id": new_id(), "expert_id": place.people[login]}))

    pages = (f"/cases/{case_id}", f"/cases/{case_id}/paper.docx")
    say(1)
    before = [count_statements(place, "organiser", address) for address in pages]
    say(20, "designer", "releaser", "auditor_b")
    assert [count_statements(place, "organiser", address) for address in pages] == before
    assert before[0] < 70
