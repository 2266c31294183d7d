"""What the diagram allows with a task beyond completing it: offered to whom it is allowed, shown before, done once confirmed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.instances import set_variables
from engine.tables import definition
from engine.tasks import claim_task, get_task
from tests.api.rest.conftest import make_caller
from tests.api.world import Place, send, whole
from workflows import inbox
from workflows.tables import draft

SUBMIT = '<camunda:taskListener event="complete" delegateExpression="${applications.submit}" />'
SIGNED = (
    ('name="省级审核" camunda', 'name="省级审核" camunda:assignee="${signer}" camunda'),
    (
        "<bpmn:outgoing>flow_audit_audit_gateway</bpmn:outgoing>",
        "<bpmn:outgoing>flow_audit_audit_gateway</bpmn:outgoing><bpmn:multiInstanceLoopCharacteristics "
        'camunda:collection="${signers}" camunda:elementVariable="signer" />',
    ),
)

"""The people of a list sign, all at once."""
IN_TURN = tuple((old, new.replace("LoopCharacteristics ", 'LoopCharacteristics isSequential="true" ')) for old, new in SIGNED)
"""One after the other."""


def draw(place: Place, audit: str, *changes: tuple[str, str], apply: str = "") -> None:
    """Draw the diagram of cases a little differently: what the audit and applying allow."""
    properties = f'<camunda:properties><camunda:property name="allow" value="{apply}" /></camunda:properties>'
    own = (('value="return transfer"', f'value="{audit}"'), (SUBMIT, SUBMIT + properties))
    with place.engine.begin() as work:
        row = work.connection.execute(sa.select(definition).where(definition.c.key == "samr_2022_932_case")).one()
        text = row.xml.decode()
        for old, new in (*own, *changes):
            assert old in text
            text = text.replace(old, new, 1)
        work.connection.execute(sa.update(definition).where(definition.c.id == row.id).values(xml=text.encode()))


def hand_in(place: Place, application: dict[str, Any], signers: tuple[str, ...] = ()) -> str:
    """An application that was handed in; its task."""
    begun = place.begin_case()
    with place.engine.begin(by=place.people["applicant"]) as work:
        set_variables(work, get_task(work, begun.task_id).instance_id, {"signers": [place.people[each] for each in signers]})
    place.complete("applicant", begun.task_id, whole(application))
    return begun.task_id


def ask(place: Place, login: str, task_id: str, operation: str, /, **more: str) -> tuple[int, str]:
    """The preview, as a browser gets it."""
    asked = {"operation": operation, "reason": "有原因", **more}
    answer = send(place.client(login), f"/tasks/{task_id}", f"/tasks/{task_id}/preview", asked)
    return answer.status_code, answer.get_data(as_text=True)


def do(place: Place, login: str, task_id: str, operation: str, /, **more: str) -> tuple[int, str]:
    """Confirm the preview."""
    asked = {"operation": operation, "reason": "有原因", **more}
    answer = send(place.client(login), f"/tasks/{task_id}", f"/tasks/{task_id}/operate", asked)
    return answer.status_code, answer.get_data(as_text=True)


def show(place: Place, login: str, task_id: str) -> str:
    return place.client(login).get(f"/tasks/{task_id}").get_data(as_text=True)


def steps(place: Place, login: str) -> list[str]:
    return [row.element_id for row in place.tasks(login) if row.element_id != "recommend"]


def test_a_return_is_shown_before_it_is_confirmed(place: Place, application: dict[str, Any]) -> None:
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    status, page = ask(place, "auditor", audit.id, "return", target="apply")
    assert status == 200
    gone, begun = page.partition("将取消")[2].split("将开始")
    assert "任务 <strong>省级审核</strong>" in gone and "任务 <strong>填写申报材料</strong>" in begun
    assert "计时 <strong>截止未申报</strong>" in begun and "有原因" in page
    assert steps(place, "auditor") == ["audit"]  # nothing has happened
    assert do(place, "auditor", audit.id, "return", target="apply")[0] == 303
    assert steps(place, "applicant") == ["apply"]


def test_a_reason_is_asked_for_and_what_is_not_drawn_is_refused(place: Place, application: dict[str, Any]) -> None:
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    assert ask(place, "auditor", audit.id, "return", target="apply", reason=" ")[0] == 422
    assert ask(place, "auditor", audit.id, "skip")[0] == 409
    assert do(place, "auditor", audit.id, "skip")[0] == 409
    assert ask(place, "auditor", audit.id, "fly")[0] == 422
    assert ask(place, "auditor", audit.id, "return", target="elsewhere")[0] == 409
    assert "跳过" not in show(place, "auditor", audit.id).partition("<main")[2]


def test_a_step_is_taken_back(place: Place, application: dict[str, Any]) -> None:
    draw(place, "return", apply="withdraw")
    task_id = hand_in(place, application)
    assert "撤回" in show(place, "applicant", task_id)
    status, page = ask(place, "applicant", task_id, "withdraw")
    assert status == 200 and "<strong>省级审核</strong>" in page
    assert do(place, "applicant", task_id, "withdraw")[0] == 303
    (again,) = place.tasks("applicant", "apply")
    assert steps(place, "auditor") == [] and "complete" in allowed(place, "applicant", again.id)
    assert "withdraw" not in allowed(place, "applicant", task_id)  # once
    assert do(place, "applicant", task_id, "withdraw", revision="2", key="late")[0] == 409


def test_what_was_taken_up_or_typed_in_is_not_taken_back(place: Place, application: dict[str, Any]) -> None:
    draw(place, "return", apply="withdraw")
    task_id = hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    who = place.person("colleague")
    with place.engine.begin(by=who.id) as work:
        inbox.save_draft(work, who, audit.id, {"opinion": "在看"}, revision=1)
    assert "withdraw" not in allowed(place, "applicant", task_id)
    status, page = do(place, "applicant", task_id, "withdraw", revision="2", key="late")
    assert status == 409 and "不能撤回" in page
    with place.engine.begin(by=who.id) as work:
        claim_task(work, audit.id, who.id)
    assert ask(place, "applicant", task_id, "withdraw", revision="2", key="late")[0] == 409


def test_a_step_whose_result_is_needed_is_not_skipped(place: Place, application: dict[str, Any]) -> None:
    draw(place, "skip", ('${audit_result == "return"}', '${never_said == "return"}'))
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    for status, page in (ask(place, "auditor", audit.id, "skip"), do(place, "auditor", audit.id, "skip")):
        assert status == 409 and "“省级审核”不能跳过" in page and "never_said" in page
    assert steps(place, "auditor") == ["audit"]


def test_a_step_is_skipped(place: Place, application: dict[str, Any]) -> None:
    draw(place, "skip", ('${audit_result == "return"}', "${False}"), ('${audit_result == "reject"}', "${False}"))
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    status, page = ask(place, "auditor", audit.id, "skip")
    assert status == 200 and "等待消息 <strong>推荐名单已定</strong>" in page
    assert do(place, "auditor", audit.id, "skip")[0] == 303
    assert steps(place, "auditor") == []
    assert "跳过" in place.client("auditor").get(f"/tasks/{audit.id}").get_data(as_text=True)


def test_a_delegated_task_is_prepared_and_comes_back(place: Place, application: dict[str, Any]) -> None:
    draw(place, "delegate")
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    colleague = place.person("colleague")
    assert ask(place, "auditor", audit.id, "delegate", person=place.people["auditor_b"])[0] == 422
    assert ask(place, "auditor", audit.id, "delegate", person=colleague.id)[0] == 200
    assert do(place, "auditor", audit.id, "delegate", person=colleague.id)[0] == 303
    assert (allowed(place, "colleague", audit.id), allowed(place, "auditor", audit.id)) == (
        {"draft", "hand_back"},
        {"hand_back"},
    )
    page = show(place, "colleague", audit.id)
    assert "委托办理" in page and "保存草稿" in page and "/complete" in page
    with place.engine.begin(by=colleague.id) as work:
        inbox.save_draft(work, colleague, audit.id, {"opinion": "代拟意见"}, revision=2)
    assert do(place, "colleague", audit.id, "hand_back")[0] == 303
    assert "complete" in allowed(place, "auditor", audit.id)
    assert "代拟意见" in show(place, "auditor", audit.id)


def test_signers_are_added_and_removed(place: Place, application: dict[str, Any]) -> None:
    draw(place, "add_signer remove_signer", *SIGNED)
    hand_in(place, application, signers=("auditor",))
    (audit,) = place.tasks("auditor", "audit")
    colleague = place.people["colleague"]
    assert ask(place, "auditor", audit.id, "add_signer", person=place.people["applicant"])[0] == 422
    status, page = ask(place, "auditor", audit.id, "add_signer", person=colleague)
    assert status == 200 and "李同事" in page and "<strong>省级审核</strong>" in page.partition("将开始")[2]
    status, page = do(place, "auditor", audit.id, "add_signer", person=colleague)
    assert status == 303
    (theirs,) = place.tasks("colleague", "audit")
    assert do(place, "auditor", audit.id, "add_signer", person=colleague)[0] == 409  # twice
    status, page = ask(place, "auditor", audit.id, "remove_signer", task=theirs.id)
    assert status == 200 and "李同事" in page.partition("将取消")[2]
    assert do(place, "auditor", audit.id, "remove_signer", task=theirs.id)[0] == 303
    assert place.tasks("colleague", "audit") == [] and len(place.tasks("auditor", "audit")) == 1
    assert do(place, "auditor", audit.id, "remove_signer", task=theirs.id)[0] == 409


def test_a_signer_comes_before_and_what_was_typed_stays(place: Place, application: dict[str, Any]) -> None:
    draw(place, "add_signer remove_signer", *IN_TURN)
    hand_in(place, application, signers=("auditor",))
    (audit,) = place.tasks("auditor", "audit")
    auditor, colleague = place.person("auditor"), place.person("colleague")
    assert "前加签" in show(place, "auditor", audit.id)
    with place.engine.begin(by=auditor.id) as work:
        inbox.save_draft(work, auditor, audit.id, {"opinion": "写到一半的意见"}, revision=1)
    asked = {"person": colleague.id, "place": "before"}
    assert ask(place, "auditor", audit.id, "add_signer", **{**asked, "place": "beside"})[0] == 422
    status, page = ask(place, "auditor", audit.id, "add_signer", **asked)
    assert status == 200 and "前加签" in page
    cancelled, _, started = page.partition("将开始")
    assert "孙审核" in cancelled.partition("将取消")[2] and "<strong>省级审核</strong>" in started
    assert do(place, "auditor", audit.id, "add_signer", **asked)[0] == 303
    assert place.tasks("auditor", "audit") == []
    (theirs,) = place.tasks("colleague", "audit")
    place.complete("colleague", theirs.id, {"result": "pass", "opinion": "同意"})
    (again,) = place.tasks("auditor", "audit")
    assert "写到一半的意见" in show(place, "auditor", again.id)
    assert do(place, "auditor", again.id, "add_signer", **asked)[0] == 303  # once more, with nothing new typed
    (theirs,) = place.tasks("colleague", "audit")
    place.complete("colleague", theirs.id, {"result": "pass", "opinion": "同意"})
    (third,) = place.tasks("auditor", "audit")
    assert "写到一半的意见" in show(place, "auditor", third.id)
    place.complete("auditor", third.id, {"result": "pass", "opinion": "同意"})
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(draft).where(draft.c.person_id == auditor.id)).all() == []


def test_programs_see_what_an_operation_does_and_do_it(place: Place, application: dict[str, Any]) -> None:
    draw(place, "return delegate", apply="withdraw")
    task_id = hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    program = make_caller(place, "auditor")
    told = program.get(f"/tasks/{audit.id}/preview?operation=return&target=apply").get_json()
    assert [each["name"] for each in told["cancelled"]] == ["省级审核"] and told["ends"] is False
    assert sorted(each["kind"] for each in told["started"]) == ["task", "timer"]
    seen = program.get(f"/tasks/{audit.id}")
    assert {"return", "delegate"} <= set(seen.get_json()["allowed"]) and [
        each["name"] for each in seen.get_json()["helpers"]
    ] == ["李同事"]
    asked = {"operation": "delegate", "person": place.people["colleague"], "reason": "代拟"}
    done = program.post(f"/tasks/{audit.id}/operations", asked, headers={"If-Match": seen.headers["ETag"]})
    assert (done.status_code, done.get_json()["revision"]) == (200, 2)
    late = make_caller(place, "applicant").get(f"/tasks/{task_id}/preview?operation=withdraw")
    assert (late.status_code, late.get_json()["code"]) == (409, "WithdrawalTooLate")
    assert program.get(f"/tasks/{audit.id}/preview?operation=fly").status_code == 422


def allowed(place: Place, login: str, task_id: str) -> set[str]:
    who = place.person(login)
    with place.engine.read(by=who.id) as work:
        return set(inbox.open_task(work, who, task_id).allowed)
