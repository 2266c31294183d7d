"""One diagram per element, on both kernels, with a dump and restore at every step: what happens, and that both say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.kernel_runs import ABC, END, KERNELS, MESSAGE, NOON, START, TIMER, USER, Run, both, boundary, diagram, read, sub


@pytest.mark.parametrize("tag, kind", [("userTask", "task"), ("manualTask", "task"), ("serviceTask", "handler")])
def test_tasks_that_wait(tag: str, kind: str) -> None:
    body = f'{START}{END}<{tag} id="t" camunda:delegateExpression="${{a.b}}"/>' if kind == "handler" else START + END
    body += "" if kind == "handler" else f'<{tag} id="t"/>'

    def play(run: Run) -> None:
        assert run.open() == [("t", kind)]
        run.complete("t", result=7)

    run = both(diagram(body, "s t", "t e"), play)
    assert run.ended and run.variables() == {"result": 7}


def test_plain_and_send_tasks_pass_and_throw() -> None:
    body = START + END + '<task id="t"/><sendTask id="n" messageRef="M"/>'
    run = both(diagram(body, "s t", "t n", "n e"), lambda run: None, x=1)
    assert run.ended and run.completed == ["s", "t", "n", "e", "p"]
    assert run.story[0][3] == [("message", "m", "n")]


def test_send_task_and_end_event_with_handler_wait() -> None:
    handler = 'camunda:delegateExpression="${letters.send}"'
    body = START + f'<sendTask id="n" {handler}/><endEvent id="e"><messageEventDefinition {handler}/></endEvent>'

    def play(run: Run) -> None:
        assert run.open() == [("n", "handler")]
        run.complete("n")
        assert run.open() == [("e", "handler")] and not run.ended
        run.complete("e", sent=True)

    run = both(diagram(body, "s n", "n e"), play)
    assert run.ended and run.variables() == {"sent": True} and not any(step[3] for step in run.story)


def test_script_task_waits_to_be_run_outside() -> None:
    body = START + END + '<scriptTask id="x" scriptFormat="starlark"><script>y = 1</script></scriptTask>'

    def play(run: Run) -> None:
        assert run.open() == [("x", "script")]
        run.complete("x", y=1)

    assert both(diagram(body, "s x", "x e"), play).variables() == {"y": 1}


@pytest.mark.parametrize("value, expected", [("one", "a"), ("two", "b"), ("other", "c")])
def test_exclusive_gateway(value: str, expected: str) -> None:
    body = ABC + '<exclusiveGateway id="g" default="f3"/>'
    flows = ("s g", "g a v == 'one'", "g b ${v == 'two'}", "g c", "a e", "b e", "c e")

    def play(run: Run) -> None:
        assert run.tasks() == [expected]

    both(diagram(body, *flows), play, v=value)


def test_loop_back_through_exclusive_gateways() -> None:
    body = ABC + '<exclusiveGateway id="m"/><exclusiveGateway id="g" default="f4"/>'
    flows = ("s m", "m a", "a g", "g m again", "g e")

    def play(run: Run) -> None:
        for _ in range(5):
            run.complete("a", again=True)
        run.complete("a", again=False)

    run = both(diagram(body, *flows), play)
    assert run.ended and run.completed.count("a") == 6


def test_parallel_gateways_wait_for_every_flow() -> None:
    body = ABC + '<parallelGateway id="g"/><parallelGateway id="j"/>'
    flows = ("s g", "g a", "g b", "a j", "b j", "j c", "c e")

    def play(run: Run) -> None:
        assert run.tasks() == ["a", "b"]
        assert run.complete("b").tasks() == ["a"]
        assert run.complete("a").tasks() == ["c"]
        run.complete("c")

    assert both(diagram(body, *flows), play).ended


def test_inclusive_gateways_wait_for_what_can_come() -> None:
    body = ABC + '<inclusiveGateway id="g" default="f3"/><inclusiveGateway id="j"/>'
    flows = ("s g", "g a v > 0".replace(">", "&gt;"), "g b v > 1".replace(">", "&gt;"), "g e", "a j", "b j", "j c", "c e")

    def play(run: Run) -> None:
        assert run.tasks() == ["a", "b"]
        assert run.complete("a").tasks() == ["b"]
        assert run.complete("b").tasks() == ["c"]

    both(diagram(body, *flows), play, v=2)
    assert both(diagram(body, *flows), lambda run: run.complete("a"), v=1).tasks() == ["c"]
    assert both(diagram(body, *flows), lambda run: None, v=0).ended


def test_several_flows_out_of_a_task() -> None:
    run = both(diagram(ABC, "s a", "a b", "a c v == 1", "b e", "c e"), lambda run: run.complete("a", v=1))
    assert run.tasks() == ["b", "c"]


@pytest.mark.parametrize("first", ["m", "timer"])
def test_event_based_gateway(first: str) -> None:
    body = ABC + (
        '<eventBasedGateway id="g"/>'
        '<intermediateCatchEvent id="w"><messageEventDefinition messageRef="M"/></intermediateCatchEvent>'
        '<intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>'
        "</intermediateCatchEvent>"
    )

    def play(run: Run) -> None:
        assert run.open() == [("t", "timer"), ("w", "message")]
        if first == "m":
            run.message("m", result="x")
        else:
            run.fire("t")

    run = both(diagram(body, "s g", "g w", "g t", "w a", "t b", "a e", "b e"), play)
    assert run.tasks() == [{"m": "a", "timer": "b"}[first]]
    assert {row[2] for row in run.story[-1][2]} == {"fired", "cancelled"}


def test_two_timers_on_one_event_gateway() -> None:
    timer = "<timerEventDefinition><timeDuration>{}</timeDuration></timerEventDefinition></intermediateCatchEvent>"
    body = ABC + '<eventBasedGateway id="g"/>'
    body += '<intermediateCatchEvent id="t1">' + timer.format("PT1H") + '<intermediateCatchEvent id="t2">' + timer.format("P9D")
    run = both(diagram(body, "s g", "g t1", "g t2", "t1 a", "t2 b", "a e", "b e"), lambda run: run.fire("t1"))
    assert run.tasks() == ["a"] and run.now == NOON + timedelta(hours=1)


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_catching_message_and_signal(kind: str) -> None:
    reference = {"message": "messageRef='M'", "signal": "signalRef='S'"}[kind]
    body = ABC + f'<intermediateCatchEvent id="w"><{kind}EventDefinition {reference}/></intermediateCatchEvent>'

    def play(run: Run) -> None:
        assert run.open() == [("w", kind)]
        run.message("m", x=1) if kind == "message" else run.signal("s", x=1)

    run = both(diagram(body, "s w", "w a", "a e"), play)
    assert run.tasks() == ["a"] and run.variables() == {"x": 1}


def test_message_that_nobody_waits_for_changes_nothing() -> None:
    def play(run: Run) -> None:
        run.message("m", x=1)
        assert run.outcome is not None and run.outcome.delivered == 0

    run = both(diagram(ABC, "s a", "a e"), play)
    assert run.tasks() == ["a"] and run.variables() == {}


def test_timer_at_a_moment_from_a_variable() -> None:
    body = ABC + (
        '<intermediateCatchEvent id="t"><timerEventDefinition><timeDate>${dates.until}</timeDate></timerEventDefinition>'
        "</intermediateCatchEvent>"
    )

    def play(run: Run) -> None:
        assert run.wait("t").due_at == NOON + timedelta(days=1, hours=4)
        run.fire("t")

    dates = {"until": "2026-01-02T24:00:00+08:00"}
    assert both(diagram(body, "s t", "t a", "a e"), play, dates=dates).tasks() == ["a"]


def test_interrupting_boundary_timer() -> None:
    def play(run: Run) -> None:
        assert run.open() == [("a", "task"), ("y", "timer")]
        run.fire("y")

    run = both(diagram(ABC + boundary(TIMER), "s a", "a e", "y b", "b e"), play)
    assert run.open() == [("b", "task")] and ("task", "a", "cancelled") in run.story[-1][2]


def test_boundary_events_go_when_the_activity_is_done() -> None:
    run = both(diagram(ABC + boundary(TIMER), "s a", "a b", "y c", "b e", "c e"), lambda run: run.complete("a"))
    assert run.open() == [("b", "task")]


def test_non_interrupting_boundary_message_comes_again_and_again() -> None:
    def play(run: Run) -> None:
        run.message("m").message("m")

    run = both(diagram(ABC + boundary(MESSAGE, stops=False), "s a", "a e", "y b", "b e"), play)
    assert run.open() == [("a", "task"), ("b", "task"), ("b", "task"), ("y", "message")]


def test_non_interrupting_cycle_is_armed_anew_from_its_anchor() -> None:
    cycle = "<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>"

    def play(run: Run) -> None:
        for number in (1, 2, 3):
            assert run.wait("y").due_at == NOON + timedelta(hours=number)
            run.later(minutes=7).fire("y").complete("b")
        assert run.open() == [("a", "task")]

    both(diagram(ABC + boundary(cycle, stops=False), "s a", "a e", "y b", "b e"), play)


def test_error_at_a_boundary_the_code_before_any() -> None:
    errors = '<boundaryEvent id="y" attachedToRef="a"><errorEventDefinition/></boundaryEvent>'
    errors += '<boundaryEvent id="z" attachedToRef="a"><errorEventDefinition errorRef="E"/></boundaryEvent>'
    xml = diagram(ABC + errors, "s a", "a e", "y b", "z c", "b e", "c e")
    assert both(xml, lambda run: run.throw("a", "e")).tasks() == ["c"]
    assert both(xml, lambda run: run.throw("a", "other")).tasks() == ["b"]


def test_error_that_nobody_catches_ends_the_instance() -> None:
    body = ABC + '<parallelGateway id="g"/><endEvent id="x"><errorEventDefinition errorRef="E"/></endEvent>'
    run = both(diagram(body, "s g", "g a", "g b", "a x", "b e"), lambda run: run.complete("a"))
    assert run.ended and run.outcome is not None and run.outcome.error == "e"


def test_sub_process_sees_and_writes_the_variables_of_the_process() -> None:
    body = ABC + sub(USER.format("i"), "s2 i", "i e2")

    def play(run: Run) -> None:
        assert run.wait("i").variables == {"x": 1}
        run.complete("i", x=2, y=3)

    run = both(diagram(body, "s q", "q a", "a e"), play, x=1)
    assert run.variables() == {"x": 2, "y": 3} and run.tasks() == ["a"]


def test_interrupting_message_on_a_sub_process_takes_everything_inside() -> None:
    inner = USER.format("i") + USER.format("k") + '<parallelGateway id="g"/>'
    inner += f'<boundaryEvent id="z" attachedToRef="i">{TIMER}</boundaryEvent>'
    body = ABC + sub(inner, "s2 g", "g i", "g k", "i e2", "k e2", "z e2") + boundary(MESSAGE, host="q")

    def play(run: Run) -> None:
        assert run.open() == [("i", "task"), ("k", "task"), ("y", "message"), ("z", "timer")]
        run.message("m", late=True)

    run = both(diagram(body, "s q", "q a", "y b", "a e", "b e"), play)
    assert run.open() == [("b", "task")] and run.variables() == {"late": True}


def test_error_end_event_is_caught_around_the_sub_process() -> None:
    body = ABC + sub(USER.format("i"), "s2 i", "i e2", end='<errorEventDefinition errorRef="E"/>')
    body += '<boundaryEvent id="y" attachedToRef="q"><errorEventDefinition errorRef="E"/></boundaryEvent>'
    assert both(diagram(body, "s q", "q a", "y b", "a e", "b e"), lambda run: run.complete("i")).tasks() == ["b"]


def test_tokens_at_one_error_end_event_end_there_together() -> None:
    inner = '<task id="i"/><task id="k"/><parallelGateway id="g"/>'
    body = ABC + sub(inner, "s2 g", "g i", "g k", "i e2", "k e2", end='<errorEventDefinition errorRef="E"/>')
    body += '<boundaryEvent id="y" attachedToRef="q"><errorEventDefinition errorRef="E"/></boundaryEvent>'
    run = both(diagram(body, "s q", "q a", "y b", "a e", "b e"), lambda run: None)
    assert run.outcome is not None and run.tasks() == ["b"]
    assert [line.element_id for line in run.outcome.log if line.event == "completed"].count("e2") == 2


def test_escalation_does_not_stop_what_it_tells_of() -> None:
    escalates = '<intermediateThrowEvent id="w"><escalationEventDefinition escalationRef="C"/></intermediateThrowEvent>'
    body = ABC + sub(USER.format("i") + escalates + USER.format("k"), "s2 i", "i w", "w k", "k e2")
    body += boundary('<escalationEventDefinition escalationRef="C"/>', stops=False, host="q")
    assert both(diagram(body, "s q", "q a", "y b", "a e", "b e"), lambda run: run.complete("i")).tasks() == ["b", "k"]


def test_terminate_ends_its_scope_only() -> None:
    inner = (
        USER.format("i") + USER.format("k") + '<parallelGateway id="g"/><endEvent id="x"><terminateEventDefinition/></endEvent>'
    )
    body = ABC + sub(inner, "s2 g", "g i", "g k", "i x", "k e2")
    assert both(diagram(body, "s q", "q a", "a e"), lambda run: run.complete("i")).tasks() == ["a"]


def test_signal_is_heard_inside_the_instance() -> None:
    throws = '<intermediateThrowEvent id="w"><signalEventDefinition signalRef="S"/></intermediateThrowEvent>'
    body = ABC + throws + '<parallelGateway id="g"/>' + boundary('<signalEventDefinition signalRef="S"/>')
    run = both(diagram(body, "s g", "g a", "g w", "a e", "y b", "w c", "b e", "c e"), lambda run: None)
    assert run.tasks() == ["b", "c"] and run.story[0][3] == [("signal", "s", "w")]


def test_link_events() -> None:
    body = ABC + (
        '<intermediateThrowEvent id="w"><linkEventDefinition name="l"/></intermediateThrowEvent>'
        '<intermediateCatchEvent id="l"><linkEventDefinition name="l"/></intermediateCatchEvent>'
    )
    assert both(diagram(body, "s w", "l a", "a e"), lambda run: None).tasks() == ["a"]


def test_conditional_event_sees_what_another_branch_writes() -> None:
    condition = "<conditionalEventDefinition><condition>x &gt; 3</condition></conditionalEventDefinition>"
    body = ABC + '<parallelGateway id="g"/>' + boundary(condition)

    def play(run: Run) -> None:
        run.complete("b", x=3)
        assert ("a", "task") in run.open()
        run.complete("c", x=4)

    run = both(diagram(body, "s g", "g a", "g b", "a e", "b c", "c e", "y e"), play)
    assert run.ended


def test_call_activity() -> None:
    called = '<process id="r" isExecutable="true"><startEvent id="rs"/><userTask id="ru"/><endEvent id="re"/>'
    called += (
        '<sequenceFlow id="r1" sourceRef="rs" targetRef="ru"/><sequenceFlow id="r2" sourceRef="ru" targetRef="re"/></process>'
    )
    mapping = '<extensionElements><camunda:in source="x" target="z"/><camunda:out source="z" target="back"/></extensionElements>'

    def play(run: Run) -> None:
        run.complete("ru", z=5)

    plain = both(diagram(ABC + '<callActivity id="k" calledElement="r"/>', "s k", "k a", "a e", more=called), play, x=1)
    assert plain.variables() == {"x": 1, "z": 5}
    mapped = diagram(ABC + f'<callActivity id="k" calledElement="r">{mapping}</callActivity>', "s k", "k a", "a e", more=called)
    run = both(mapped, play, x=1)
    assert run.variables() == {"x": 1, "back": 5} and run.tasks() == ["a"]


def test_input_and_output_mapping() -> None:
    mapping = (
        "<extensionElements><camunda:inputOutput><camunda:inputParameter name='local'>${x}!</camunda:inputParameter>"
        "<camunda:outputParameter name='out'>${local}</camunda:outputParameter></camunda:inputOutput></extensionElements>"
    )
    body = START + END + f'<userTask id="a">{mapping}</userTask>'

    def play(run: Run) -> None:
        assert dict(run.wait("a").variables or {})["local"] == "1!"
        run.complete("a", local="changed")

    assert both(diagram(body, "s a", "a e"), play, x=1).variables() == {"x": 1, "out": "changed"}


def test_start_at_a_message() -> None:
    body = ABC + '<startEvent id="sm"><messageEventDefinition messageRef="M"/></startEvent>'
    definition = read(diagram(body, "s a", "sm b", "a e", "b e"))
    for kernel in KERNELS:
        assert Run(kernel, definition).start("sm").tasks() == ["b"]
        assert Run(kernel, definition).start().tasks() == ["a"]
