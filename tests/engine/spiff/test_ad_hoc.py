"""Ad-hoc sub-processes: what begins, what ends them, what is left undone."""

from __future__ import annotations

import pytest

from tests.engine.kernel_runs import END, START, USER, Run, both, diagram


def ad_hoc(attributes: str, completion: str, *inner: str) -> bytes:
    """An ad-hoc sub-process `q` with `a`, `b`, `c` in it, and `d` behind `c`."""
    tasks = "".join(USER.format(key) for key in "abcd") + '<sequenceFlow id="cd" sourceRef="c" targetRef="d"/>'
    condition = f"<completionCondition>{completion}</completionCondition>" if completion else ""
    body = f'{START}{END}<adHocSubProcess id="q" {attributes}>{tasks}{"".join(inner)}{condition}</adHocSubProcess>'
    return diagram(body, "s q", "q e")


def test_without_condition_everything_is_done_once_beside_each_other() -> None:
    def play(run: Run) -> None:
        assert run.tasks() == ["a", "b", "c"]
        run.complete("c").complete("a").complete("b")
        assert run.tasks() == ["d"]
        run.complete("d")

    assert both(ad_hoc("", ""), play).ended


def test_in_a_sequence_one_follows_the_other() -> None:
    def play(run: Run) -> None:
        for key in "abcd":
            assert run.tasks() == [key]
            run.complete(key)

    assert both(ad_hoc('ordering="Sequential"', ""), play).ended


def test_the_condition_cancels_what_remains() -> None:
    run = both(ad_hoc("", "enough"), lambda run: run.complete("b").complete("a", enough=True), enough=False)
    assert run.ended and run.completed == ["s", "b", "a", "q", "e", "p"]


def test_the_condition_may_let_what_runs_be_done_but_nothing_new_begin() -> None:
    def play(run: Run) -> None:
        run.complete("a", enough=True)
        assert run.tasks() == ["b", "c"]
        run.complete("c").complete("b")

    run = both(ad_hoc('cancelRemainingInstances="false"', "enough"), play, enough=False)
    assert run.ended and "d" not in run.completed


def test_the_condition_ends_a_sequence() -> None:
    run = both(ad_hoc('ordering="Sequential"', "enough"), lambda run: run.complete("a", enough=True), enough=False)
    assert run.ended and run.completed == ["s", "a", "q", "e", "p"]


@pytest.mark.parametrize("ordering", ["Parallel", "Sequential"])
def test_it_is_interrupted_and_repeated_as_other_activities(ordering: str) -> None:
    loop = '<multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>2</loopCardinality>'
    loop += "</multiInstanceLoopCharacteristics>"
    xml = ad_hoc(f'ordering="{ordering}"', "a_done", loop).replace(
        b"</process>",
        b'<boundaryEvent id="y" attachedToRef="q"><messageEventDefinition messageRef="M"/></boundaryEvent></process>',
    )

    def play(run: Run) -> None:
        run.complete("a", a_done=True)
        assert "a" in run.tasks()
        run.message("m")

    assert both(xml, play, a_done=False).ended


def test_a_receive_task_behind_an_event_gateway_counts_as_an_activity() -> None:
    inner = '<eventBasedGateway id="g"/><receiveTask id="r" messageRef="M"/><sequenceFlow id="gr" sourceRef="g" targetRef="r"/>'
    inner += '<intermediateCatchEvent id="i"><messageEventDefinition messageRef="M2"/></intermediateCatchEvent>'
    inner += '<sequenceFlow id="gi" sourceRef="g" targetRef="i"/>'
    run = both(ad_hoc("", "enough", inner), lambda run: run.message("m", enough=True), enough=False)
    assert run.ended and "r" in run.completed
