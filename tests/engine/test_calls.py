"""Call activities into other definitions: which version is called, what goes in and comes back, how deep, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.calls import CallFailed
from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.due import run_due
from engine.errors import BpmnError, DiagramRefused, Finding
from engine.history import list_entries
from engine.instances import advance_instance, instance_positions, instance_variables, start_instance
from engine.kernel import SetVariables
from engine.messages import send_message
from engine.scripts import ScriptRunner
from engine.states import definition_of
from engine.tables import definition, instance, timer
from engine.tasks import complete_task, return_targets, return_task
from engine.tokens.problems import NestingTooDeep
from engine.verification import verify_chain
from engine.work import ProcessEngine
from tests.engine.store_rows import open_tasks, state_of, the_task
from tests.engine.tokens.drawing import draw
from tests.faults.wholeness import find_faults

CALLER = "process main {\nstart s\ncall review calls=helper\nuser after camunda:assignee=anna\ns -> review -> after\n}"


def put(process_engine: ProcessEngine, *texts: str, **options: Any) -> dict[str, str]:
    """Deploy drawn diagrams together; definition ids by process id."""
    with process_engine.begin() as work:
        files = {f"{number}.bpmn": draw(text) for number, text in enumerate(texts)}
        return deploy(work, files, name="drawn", **options).definitions


def begin(process_engine: ProcessEngine, definition: str, variables: dict[str, Any] | None = None) -> str:
    with process_engine.begin() as work:
        return start_instance(work, definition, "case-1", variables or {})


def helper(step: str, *lines: str) -> str:
    """A called process with one user task of this name, or with these lines."""
    return "\n".join(("process helper {", "start s", f"user {step} camunda:assignee=${{who}}", *lines, f"s -> {step}", "}"))


def call(binding: str = "", inner: str = "", process: str = "helper") -> str:
    """A process with one call activity."""
    element = f'<callActivity id="review" calledElement="{process}" {binding}><extensionElements>{inner}</extensionElements>'
    return "\n".join(
        ("process main {", "start s", f"{element}</callActivity>", "user after camunda:assignee=x", "s -> review -> after", "}")
    )


def elements(process_engine: ProcessEngine) -> list[str]:
    with process_engine.read() as work:
        return [task.element_id for task in open_tasks(work)]


def complete(process_engine: ProcessEngine, **variables: Any) -> None:
    with process_engine.begin(by="anna") as work:
        complete_task(work, open_tasks(work)[0].id, variables)


# ---- what runs inside ------------------------------------------------------------------------------------------------
EVERYTHING = """
process helper {
start s
service record handler=work.record
script count text='total = len(names)'
user sign camunda:assignee=${who} mi=names:who
boundary late on=sign timer=PT1H keep
end remembered
receive decided message=decided
throw told message=told
sub inner {
start is
user look camunda:assignee=bert
is -> look
}
s -> record -> count -> sign -> decided -> told -> inner
late -> remembered
}
"""


def test_everything_runs_inside_a_called_definition(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    calls: list[tuple[str, str]] = []
    process_engine.handlers.register("work.record", lambda call: calls.append((call.element_id, call.business_key)))
    put(process_engine, EVERYTHING)
    instance_id = begin(process_engine, put(process_engine, CALLER)["main"], {"names": ["anna", "cara"]})
    assert calls == [("helper@1/record", "case-1")]
    with ScriptRunner(processes=1) as runner:
        process_engine.extras["scripts"] = runner
        assert run_due(process_engine) == 1
    with process_engine.read() as work:
        assert [(task.element_id, task.name, task.assignee) for task in open_tasks(work)] == [
            ("helper@1/sign", "sign", "anna"),
            ("helper@1/sign", "sign", "cara"),
        ]
        positions = [element for _, element in instance_positions(work, instance_id)]
    assert positions == ["review", "helper@1/sign", "helper@1/sign"]
    put(process_engine, helper("other"))  # a newer version, and a restart
    process_engine.definitions.clear()
    virtual_clock.move_to(virtual_clock.now() + timedelta(hours=2))
    assert run_due(process_engine) == 1
    complete(process_engine)
    complete(process_engine)
    with process_engine.begin() as work:
        send_message(work, "decided", "case-1", {"result": "pass"})
    run_due(process_engine)
    assert elements(process_engine) == ["helper@1/look"]
    assert find_faults(process_engine) == []
    complete(process_engine)
    assert elements(process_engine) == ["after"]
    with process_engine.read() as work:
        assert instance_variables(work, instance_id) == {"names": ["anna", "cara"], "total": 2, "result": "pass"}
        passed = [each for entry in list_entries(work, instance_id) for each in entry.detail.get("passed", ())]
        assert verify_chain(work, instance_id) is None
    assert [each.removeprefix("helper@1/") for each in passed if each.startswith("helper@1/")] == [
        *("s", "record", "count", "late", "remembered", "sign", "sign", "decided", "told", "is", "look", "inner", "helper")
    ]
    complete(process_engine)
    assert state_of(process_engine, instance_id) == "ended"


def test_an_error_goes_out_to_the_caller(sqlite_engine: ProcessEngine) -> None:
    def refuse(call: Any) -> None:
        raise BpmnError("refused")

    sqlite_engine.handlers.register("work.do", refuse)
    put(sqlite_engine, "process helper {\nstart s\nservice work handler=work.do\ns -> work\n}")
    caught = CALLER.replace("}", "boundary b on=review error=refused\nuser caught camunda:assignee=x\nb -> caught\n}")
    begin(sqlite_engine, put(sqlite_engine, caught)["main"])
    assert elements(sqlite_engine) == ["caught"]


def test_an_interrupted_call_takes_everything_with_it(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    put(sqlite_engine, helper("sign", "boundary late on=sign timer=PT5H"))
    text = CALLER.replace("}", "boundary b on=review timer=PT1H\nb -> after\n}")
    begin(sqlite_engine, put(sqlite_engine, text)["main"], {"who": "bert"})
    assert elements(sqlite_engine) == ["helper@1/sign"]
    virtual_clock.move_to(virtual_clock.now() + timedelta(hours=1))
    run_due(sqlite_engine)
    assert elements(sqlite_engine) == ["after"]
    with sqlite_engine.read() as work:
        states = work.connection.execute(sa.select(timer.c.element_id, timer.c.state).order_by(timer.c.id)).all()
    assert sorted(map(tuple, states)) == [("b", "fired"), ("helper@1/late", "cancelled")]


def test_a_document_without_calls_is_as_it_was(sqlite_engine: ProcessEngine) -> None:
    alone = put(sqlite_engine, "start s\nuser a camunda:assignee=x\ns -> a")["p"]
    first = begin(sqlite_engine, alone)
    put(sqlite_engine, helper("sign"))
    second = begin(sqlite_engine, put(sqlite_engine, CALLER)["main"], {"who": "x"})
    with sqlite_engine.read() as work:
        documents = [work.connection.execute(sa.select(instance.c.document).where(instance.c.id == each)).scalar_one()
                     for each in (first, second)]  # fmt: skip
        assert definition_of(work, second).model.nodes["helper@1/sign"].name is None
    assert [document.get("called") for document in documents] == [None, ["helper@1"]]


# ---- which version ---------------------------------------------------------------------------------------------------
VERSION, TAG = 'camunda:calledElementBinding="version"', 'camunda:calledElementBinding="versionTag"'


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ("", "helper@3/third"),
        ('camunda:calledElementBinding="latest"', "helper@3/third"),
        ('camunda:calledElementBinding="deployment"', "helper@2/second"),
        (VERSION + ' camunda:calledElementVersion="1"', "helper@1/first"),
        (VERSION + ' camunda:calledElementVersion="${wanted}"', "helper@2/second"),
        (TAG + ' camunda:calledElementVersionTag="old"', "helper@1/first"),
    ],
)
def test_the_binding_chooses_the_version(sqlite_engine: ProcessEngine, binding: str, expected: str) -> None:
    tagged = draw(helper("first")).replace(b'id="helper"', b'id="helper" camunda:versionTag="old"')
    with sqlite_engine.begin() as work:
        deploy(work, {"helper.bpmn": tagged}, name="first")
    main = put(sqlite_engine, call(binding), helper("second"))["main"]
    put(sqlite_engine, helper("third"))
    put(sqlite_engine, helper("fourth"), draft=True)
    begin(sqlite_engine, main, {"who": "anna", "wanted": 2})
    assert elements(sqlite_engine) == [expected]


def test_an_expression_names_the_process(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, helper("sign"))
    main = put(sqlite_engine, call(process="${chosen}"))["main"]
    begin(sqlite_engine, main, {"who": "anna", "chosen": "helper"})
    assert elements(sqlite_engine) == ["helper@1/sign"]


def test_calls_of_the_same_file_stay_in_it(sqlite_engine: ProcessEngine) -> None:
    both = helper("sign").replace("start s", "start hs").replace("s -> sign", "hs -> sign")
    main = put(sqlite_engine, CALLER + "\n" + both)["main"]
    put(sqlite_engine, helper("newer"))
    begin(sqlite_engine, main, {"who": "anna"})
    assert elements(sqlite_engine) == ["sign"]


@pytest.mark.parametrize(
    ("text", "variables", "code"),
    [
        (CALLER, {}, "call_missing"),
        (call(VERSION + ' camunda:calledElementVersion="7"'), {}, "call_missing"),
        (call(VERSION + ' camunda:calledElementVersion="newest"'), {}, "call_version_unreadable"),
        (call(VERSION + ' camunda:calledElementVersion="²"'), {}, "call_version_unreadable"),
        (call(VERSION + ' camunda:calledElementVersion="99999999999999999999"'), {}, "call_missing"),
        (call(process="${chosen}"), {"chosen": 7}, "call_unnamed"),
        (call(process="${chosen}"), {}, "expression_variable_missing"),
        (call(process="started"), {}, "call_cannot_start"),
    ],
)
def test_what_cannot_be_called_fails_with_the_element(
    sqlite_engine: ProcessEngine, text: str, variables: dict[str, Any], code: str
) -> None:
    put(sqlite_engine, "process started {\nstart s message=go\nuser a camunda:assignee=x\ns -> a\n}")
    main = put(sqlite_engine, text)["main"]
    with pytest.raises(CallFailed) as failed:
        begin(sqlite_engine, main, variables)
    reason: Finding = failed.value.values["reason"]
    assert (failed.value.values["element"], reason.code) == ("review", code)
    with sqlite_engine.read() as work:
        assert work.connection.execute(sa.select(instance.c.id)).all() == []


def test_a_deployment_tells_what_is_not_there(sqlite_engine: ProcessEngine) -> None:
    with sqlite_engine.begin() as work:
        found = deploy(work, {"main.bpmn": draw(CALLER)}, name="main").findings
    assert [(each.code, each.severity, each.element, each.path) for each in found if each.code.startswith("Called")] == [
        ("CalledMissing", "warning", "review", "main.bpmn:1")
    ]
    with pytest.raises(DiagramRefused) as refused:
        put(sqlite_engine, call('camunda:calledElementBinding="deployment"'))
    assert [each.code for each in refused.value.findings if each.severity == "error"] == ["CalledMissing"]
    put(sqlite_engine, helper("sign"))
    with sqlite_engine.begin() as work:
        found = deploy(work, {"main.bpmn": draw(CALLER)}, name="main").findings
    assert [each.code for each in found] == ["limit_call_other"]


def test_the_second_kernel_refuses_it(sqlite_engine: ProcessEngine) -> None:
    with pytest.raises(DiagramRefused) as refused:
        put(sqlite_engine, CALLER, kernel="spiff")
    assert [each.code for each in refused.value.findings if each.severity == "error"] == ["KernelCannotRun"]


# ---- data ------------------------------------------------------------------------------------------------------------
IN, OUT = '<camunda:in source="a" target="b"/>', '<camunda:out source="x" target="y"/>'
ALL_IN, ALL_OUT = '<camunda:in variables="all"/>', '<camunda:out variables="all"/>'
LOCAL = '<camunda:inputOutput><camunda:inputParameter name="own">7</camunda:inputParameter></camunda:inputOutput>'


@pytest.mark.parametrize(
    ("mapping", "seen", "after"),
    [
        ("", {"a": 1, "c": 2}, {"a": 1, "c": 2, "x": 3}),
        (ALL_IN, {"a": 1, "c": 2}, {"a": 1, "c": 2, "x": 3}),
        ('<camunda:in businessKey="#{execution.processBusinessKey}"/>', {"a": 1, "c": 2}, {"a": 1, "c": 2, "x": 3}),
        (IN, {"b": 1}, {"a": 1, "c": 2}),
        (ALL_IN + IN + OUT, {"a": 1, "c": 2, "b": 1}, {"a": 1, "c": 2, "y": 3}),
        (IN + OUT, {"b": 1}, {"a": 1, "c": 2, "y": 3}),
        (IN + ALL_OUT, {"b": 1}, {"a": 1, "c": 2, "b": 1, "x": 3}),
        (IN + ALL_OUT + OUT, {"b": 1}, {"a": 1, "c": 2, "b": 1, "x": 3, "y": 3}),
        (LOCAL, {"a": 1, "c": 2, "own": "7"}, {"a": 1, "c": 2, "x": 3}),
        (LOCAL + '<camunda:in variables="all" local="true"/>', {"own": "7"}, {"a": 1, "c": 2}),
        (
            '<camunda:inputOutput><camunda:outputParameter name="z">${y + 1}</camunda:outputParameter></camunda:inputOutput>'
            '<camunda:out source="x" target="y" local="true"/>',
            {"a": 1, "c": 2},
            {"a": 1, "c": 2, "z": 4},
        ),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_variables_go_in_and_come_back(
    sqlite_engine: ProcessEngine, mapping: str, seen: dict[str, Any], after: dict[str, Any], elsewhere: bool
) -> None:
    heard: list[dict[str, Any]] = []

    def note(call: Any) -> dict[str, Any]:
        heard.append(dict(call.variables))
        return {"x": 3}

    sqlite_engine.handlers.register("work.note", note)
    called = "process helper {\nstart hs\nservice work handler=work.note\nhs -> work\n}"
    main = put(sqlite_engine, *([call(inner=mapping), called] if elsewhere else [call(inner=mapping) + "\n" + called]))["main"]
    instance_id = begin(sqlite_engine, main, {"a": 1, "c": 2})
    assert heard == [seen]
    with sqlite_engine.read() as work:
        assert instance_variables(work, instance_id) == after
    assert elements(sqlite_engine) == ["after"]


def test_each_instance_of_a_loop_calls_for_itself(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, helper("sign"))
    put(sqlite_engine, helper("sign").replace("helper", "other"))
    text = "process main {\nstart s\ncall review calls=${which} mi=names:which\ns -> review\n}"
    begin(sqlite_engine, put(sqlite_engine, text)["main"], {"names": ["helper", "other", "helper"], "who": "anna"})
    assert elements(sqlite_engine) == ["helper@1/sign", "other@1/sign", "helper@1/sign"]


def test_a_condition_inside_looks_when_data_change(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, "process helper {\nstart s\ncatch c when='amount > 3'\ns -> c\n}")
    instance_id = begin(sqlite_engine, put(sqlite_engine, CALLER)["main"], {"amount": 1})
    for amount in (2, 4):
        with sqlite_engine.begin() as work:
            advance_instance(work, instance_id, SetVariables({"amount": amount}), kind="variables_set")
        assert elements(sqlite_engine) == (["after"] if amount == 4 else [])


# ---- how deep --------------------------------------------------------------------------------------------------------
DEEP = """
process deep {
start s
xor more
call again calls=deep{0}
user bottom camunda:assignee=anna
s -> more
more -> again : left > 0
more => bottom
}
"""
COUNTING = '<camunda:inputOutput><camunda:inputParameter name="left">${left - 1}</camunda:inputParameter></camunda:inputOutput>'


@pytest.mark.parametrize("own", [True, False], ids=["same file", "other definition"])
def test_200_calls_within_each_other_run_and_more_are_refused(sqlite_engine: ProcessEngine, own: bool) -> None:
    binding = "" if own else VERSION + ' camunda:calledElementVersion="${1}"'
    element = f'<callActivity id="again" calledElement="deep" {binding}><extensionElements>{COUNTING}</extensionElements>'
    deep = put(sqlite_engine, DEEP.replace("call again calls=deep{0}", element + "</callActivity>"))["deep"]
    instance_id = begin(sqlite_engine, deep, {"left": 200})
    assert the_task(sqlite_engine).element_id == ("bottom" if own else "deep@1/bottom")
    complete(sqlite_engine)
    assert state_of(sqlite_engine, instance_id) == "ended"
    with pytest.raises(NestingTooDeep) as refused:
        begin(sqlite_engine, deep, {"left": 201})
    assert refused.value.values["limit"] == 200


# ---- going back ------------------------------------------------------------------------------------------------------
BACK = """
<userTask id="{0}" camunda:assignee="x"><extensionElements><camunda:properties><camunda:property name="allow" value="return"/>
<camunda:property name="return_to" value="{1}"/></camunda:properties></extensionElements></userTask>
"""


def test_a_task_inside_can_be_returned_inside_and_out_of_the_call(sqlite_engine: ProcessEngine) -> None:
    sign = BACK.format("sign", "read").replace("\n", "")
    put(sqlite_engine, f"process helper {{\nstart s\nuser read camunda:assignee=x\n{sign}\ns -> read -> sign\n}}")
    before = CALLER.replace("s -> review", "user before camunda:assignee=x\ns -> before -> review")
    begin(sqlite_engine, put(sqlite_engine, before)["main"])
    complete(sqlite_engine)
    complete(sqlite_engine)
    with sqlite_engine.begin(by="anna") as work:
        (task,) = open_tasks(work)
        assert [target.element_id for target in return_targets(work, task.id)] == ["helper@1/read"]
        return_task(work, task.id, "helper@1/read", reason="补充材料")
    assert elements(sqlite_engine) == ["helper@1/read"]
    anywhere = BACK.format("sign", "any").replace("\n", "")
    put(sqlite_engine, f"process helper {{\nstart s\n{anywhere}\ns -> sign\n}}")
    begin(sqlite_engine, put(sqlite_engine, before)["main"])
    with sqlite_engine.begin(by="anna") as work:
        complete_task(work, open_tasks(work)[1].id, {})
        task = open_tasks(work)[1]
        assert [target.element_id for target in return_targets(work, task.id)] == ["before"]
        return_task(work, task.id, "before", reason="补充材料")
    assert elements(sqlite_engine) == ["helper@1/read", "before"]


def test_what_was_deployed_by_earlier_rules_still_runs(sqlite_engine: ProcessEngine) -> None:
    main = put(sqlite_engine, CALLER)["main"]
    put(sqlite_engine, helper("sign"))
    today = draw(call(inner='<camunda:in source="who"/>'))  # a mapping without target is refused
    with sqlite_engine.begin() as work:
        work.connection.execute(definition.update().where(definition.c.id == main).values(xml=today))
    sqlite_engine.definitions.clear()
    with pytest.raises(DiagramRefused):
        put(sqlite_engine, call(inner='<camunda:in source="who"/>'))
    begin(sqlite_engine, main, {"who": "anna"})
    assert elements(sqlite_engine) == ["helper@1/sign"]
