"""Return, withdraw, add and remove a signer: on both kernels the same, by hand and in random walks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import OperationNotSupported
from engine.kernel import AddInstance, Cancel, Move, Operation, Place, RemoveInstance, SetVariables, WaitKind
from engine.model import Definition, Node
from engine.opinion.pair import Pair
from engine.opinion.uses import collect_uses
from engine.opinion.values import Values
from engine.opinion.walk import Choice, Memory, Walk
from engine.spiff import SpiffKernel
from engine.tokens import TokenKernel
from tests.engine.kernel_runs import END, START, Run, diagram, read
from tests.engine.random_processes import processes
from tests.engine.random_tangles import tangles

KERNELS = (TokenKernel(), SpiffKernel())
TIMER = "<timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>"
BODY = (
    '<startEvent id="s"/><endEvent id="e"/><userTask id="a"/><userTask id="b"/><userTask id="c"/>'
    '<userTask id="m"><multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/></userTask>'
    '<parallelGateway id="g"/><parallelGateway id="j"/><exclusiveGateway id="x"/>'
    f'<boundaryEvent id="y" attachedToRef="b">{TIMER}</boundaryEvent>'
)
FLOWS = ("s a", "a g", "g b", "g m", "b x", "y x", "x j", "m j", "j c", "c e")


def both(play: Callable[[Run], Any], **variables: Any) -> Run:
    """Play the same on both kernels; the stories must be equal."""
    definition = read(diagram(BODY, *FLOWS))
    runs = [Run(kernel, definition).start(people=[1, 2], **variables) for kernel in KERNELS]
    for run in runs:
        play(run)
    assert runs[0].story == runs[1].story
    return runs[1]


def test_return_inside_a_branch_leaves_the_other_alone_and_arms_timers_anew() -> None:
    def play(run: Run) -> None:
        run.complete("a").later(hours=1)
        first = run.wait("y").due_at
        run.move("b", "b", reason="again")
        assert first is not None and run.wait("y").due_at != first

    run = both(play)
    assert run.tasks() == ["b", "m", "m"] and run.variables()["reason"] == "again"


def test_return_out_of_a_multi_instance_takes_all_of_it() -> None:
    run = both(lambda run: run.complete("a").move("m", "a"))
    assert run.tasks() == ["a"]  # the fork is passed again: its other branch goes as well


def test_return_from_behind_a_join_leaves_the_other_branch_done() -> None:
    def play(run: Run) -> None:
        run.complete("a").complete("b").complete("m").complete("m")
        run.move("c", "b")
        assert run.tasks() == ["b"]
        run.complete("b")

    assert both(play).tasks() == ["c"]


def test_return_of_the_last_task_and_through_again() -> None:
    def play(run: Run) -> None:
        for _ in range(3):
            run.complete("a").complete("b").complete("m").complete("m")
            run.move("c", "a")
        run.complete("a").complete("b").complete("m").complete("m").complete("c")

    assert both(play).ended


@pytest.mark.parametrize("target", ["j", "y", "nowhere"])
def test_move_to_where_no_token_can_wait_is_refused(target: str) -> None:
    definition = read(diagram(BODY, *FLOWS))
    for kernel in KERNELS:
        run = Run(kernel, definition).start(people=[1]).complete("a")
        with pytest.raises(OperationNotSupported):
            run.move("b", target)


def test_move_out_of_a_sub_process_but_not_into_one() -> None:
    inner = '<subProcess id="q"><startEvent id="s2"/><userTask id="i"/><endEvent id="e2"/>'
    inner += (
        '<sequenceFlow id="q1" sourceRef="s2" targetRef="i"/><sequenceFlow id="q2" sourceRef="i" targetRef="e2"/></subProcess>'
    )
    xml = diagram('<startEvent id="s"/><endEvent id="e"/><userTask id="a"/>' + inner, "s a", "a q", "q e")
    for kernel in KERNELS:
        run = Run(kernel, read(xml)).start().complete("a")
        assert run.move("i", "a").tasks() == ["a"]
    with pytest.raises(OperationNotSupported):
        run.move("a", "i")  # the second kernel; the first one opens the sub-process there


def test_a_sequential_ad_hoc_sub_process_goes_on_from_the_target() -> None:
    inner = "".join(f'<userTask id="{key}"/>' for key in "ijk")
    body = f'{START}{END}<adHocSubProcess id="q" ordering="Sequential">{inner}</adHocSubProcess>'
    runs = [Run(kernel, read(diagram(body, "s q", "q e"))).start() for kernel in KERNELS]
    for run in runs:
        run.complete("i").complete("j").move("k", "i").complete("i").complete("j").complete("k")
    assert runs[0].story == runs[1].story and runs[1].ended


def test_add_and_remove_a_signer() -> None:
    def play(run: Run) -> None:
        run.complete("a").add("m", 3).add("m", 4)
        assert run.tasks() == ["b", "m", "m", "m", "m"]
        run.remove("m", which=1).complete("m").complete("m").remove("m")

    run = both(play)
    assert run.tasks() == ["b"]


@pytest.mark.parametrize(
    ("at", "place", "order"),
    [
        (0, "last", [1, 2, 9]),
        (0, "after", [1, 9, 2]),
        (0, "before", [1, 9, 1, 2]),
        (1, "last", [1, 2, 9]),
        (1, "after", [1, 2, 9]),
        (1, "before", [1, 2, 9, 2]),
    ],
)
def test_where_a_signer_comes_in_a_sequence(at: int, place: Place, order: list[int]) -> None:
    loop = '<multiInstanceLoopCharacteristics isSequential="true" camunda:collection="people" camunda:elementVariable="person"/>'
    definition = read(diagram(f'<startEvent id="s"/><endEvent id="e"/><userTask id="m">{loop}</userTask>', "s m", "m e"))
    stories = []
    for kernel in KERNELS:
        run, seen = Run(kernel, definition).start(people=[1, 2]), []
        while not run.ended:
            seen.append(dict(run.wait("m").variables or {})["person"])
            if len(seen) == at + 1:
                run.add("m", 9, place)
            if place != "before" or len(seen) != at + 1:
                run.complete("m")
        assert seen == order
        stories.append(run.story)
    assert stories[0] == stories[1]


def test_signer_added_to_a_sequence_comes_last() -> None:
    loop = '<multiInstanceLoopCharacteristics isSequential="true" camunda:collection="people" camunda:elementVariable="person"/>'
    xml = diagram(f'<startEvent id="s"/><endEvent id="e"/><userTask id="m">{loop}</userTask>', "s m", "m e")
    for kernel in KERNELS:
        run = Run(kernel, read(xml)).start(people=[1, 2]).add("m", 3)
        seen = []
        while not run.ended:
            seen.append(dict(run.wait("m").variables or {})["person"])
            run.remove("m") if seen[-1] == 2 else run.complete("m")
        assert seen == [1, 2, 3]


def test_instances_only_of_multi_instance_activities() -> None:
    definition = read(diagram(BODY, *FLOWS))
    for kernel in KERNELS:
        run = Run(kernel, definition).start(people=[])
        with pytest.raises(OperationNotSupported):
            run.add("a", 1)
        with pytest.raises(OperationNotSupported):
            run.remove("a")


def test_cancel_and_set_variables() -> None:
    def play(run: Run) -> None:
        run.do(SetVariables({"x": 2})).do(Cancel())

    run = both(play, x=1)
    assert run.ended and run.open() == [] and run.variables()["x"] == 2 and "p" not in run.completed


def test_nothing_more_after_the_end() -> None:
    definition = read(diagram(BODY, *FLOWS))
    for kernel in KERNELS:
        run = Run(kernel, definition).start(people=[])
        stale = Run(kernel, definition)
        stale.stored, stale.waits = run.stored, dict(run.waits)
        run.complete("a")
        run.waits.update(stale.waits)
        with pytest.raises(OperationNotSupported):
            run.complete("a")
        run.waits = {key: wait for key, wait in run.waits.items() if wait.element_id != "a"}
        run.do(Cancel())
        with pytest.raises(OperationNotSupported):
            run.do(Cancel())


# ---- random walks ----------------------------------------------------------------------------------------------------
class OperationWalk(Walk):
    """A walk on which people also return, add and remove."""

    definition: Definition

    def _choices(self) -> list[Choice]:
        choices = super()._choices()
        for wait in self.pair.waits():
            if wait.first.kind is not WaitKind.TASK:
                continue
            tokens = (wait.first.token, wait.second.token)
            target, place = self.random.choice(self.targets(wait.first.element_id)).id, self.random.choice(get_args(Place))
            choices += [
                self.choice(f"move {wait.first.element_id} {target}", tokens, lambda token, t=target: Move((token,), t)),
                self.choice(f"add {wait.first.element_id}", tokens, lambda token, p=place: AddInstance(token, "added", p)),
                self.choice(f"remove {wait.first.element_id}", tokens, lambda token: RemoveInstance(token)),
            ]
        return choices

    def targets(self, element_id: str) -> list[Node]:
        """Where a token can go: into scopes that are closed only the first kernel moves it."""
        around, node = set(), self.definition.nodes[element_id]
        while node.parent is not None:
            node = self.definition.nodes[node.parent]
            around.add(node.id)
        return [each for each in self.definition.nodes.values() if each.parent in around and each.kind != "boundaryEvent"]

    @staticmethod
    def choice(words: str, tokens: tuple[str, str], make: Callable[[str], Operation]) -> Choice:
        """The operation with the tokens of each kernel."""

        def both_operations(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return make(tokens[0]), make(tokens[1])

        return Choice(words, both_operations)


def check_operations(xml: bytes, walks: int) -> None:
    """Walks with operations on both kernels; no difference, nothing that only one refuses."""
    definition = read(xml)
    uses, memory = collect_uses(definition, "random_process"), Memory()
    for number in range(walks):
        random = Random(number)
        walk = OperationWalk(Pair(definition, "random_process", KERNELS), Values(uses, random), random, memory, [])
        walk.definition = definition
        walked = walk.start(None, 25)
        assert walked.difference is None, (walked.after, walked.difference)
        assert walked.refused is None, walked.refused


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(processes(depth=2), tangles()))
def test_operations_agree_on_random_processes(xml: bytes) -> None:
    check_operations(xml, 4)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(processes(depth=3), tangles()))
def test_operations_agree_on_many_random_processes(xml: bytes) -> None:
    check_operations(xml, 8)
