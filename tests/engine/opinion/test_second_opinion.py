"""The walk on two kernels: it agrees on right diagrams, finds every kind of broken kernel, and says what it could not see."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Finding, StepFailed
from engine.kernel import Deliver, Document, Kernel, Operation, Outcome, Start, WaitKind
from engine.model import Definition
from engine.opinion import second_opinion
from engine.spiff import SpiffKernel
from engine.texts import LANGUAGES, Catalogue
from engine.tokens import TokenKernel
from tests.engine.kernel_runs import diagram, read

KERNELS = (TokenKernel(), SpiffKernel())
TIMER = "<timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>"
BODY = (
    '<startEvent id="s"/><endEvent id="e"/><endEvent id="e2"><messageEventDefinition messageRef="M2"/></endEvent>'
    + "".join(f'<userTask id="{key}" camunda:assignee="x"/>' for key in "abcd")
    + '<exclusiveGateway id="g" default="f3"/><parallelGateway id="o"/><parallelGateway id="j"/>'
    + f'<boundaryEvent id="y" attachedToRef="b">{TIMER}</boundaryEvent><exclusiveGateway id="x"/>'
    + '<intermediateCatchEvent id="w"><messageEventDefinition messageRef="M"/></intermediateCatchEvent>'
)
FLOWS = ("s a", "a g", "g o result == 'pass'", "g e2", "o b", "o w", "b x", "y x", "x j", "w c", "c j", "j d", "d e")
RIGHT = read(diagram(BODY, *FLOWS))
WRONG = read(diagram(BODY, *(flow.replace("==", "!=") for flow in FLOWS)))


class Broken:
    """The token kernel with one fault: it changes what a step gives."""

    name = "broken"

    def __init__(self, fault: Callable[[Outcome, Operation], Outcome]) -> None:
        self.inner, self.fault = TokenKernel(), fault

    def step(
        self, definition: Definition, process_id: str, document: Document | None, operation: Operation, moment: datetime
    ) -> Outcome:
        """The step, spoilt."""
        return self.fault(self.inner.step(definition, process_id, document, operation, moment), operation)

    def variables(self, definition: Definition, process_id: str, document: Document, token: str | None = None) -> dict[str, Any]:
        """Those of the token kernel."""
        return self.inner.variables(definition, process_id, document, token)

    def positions(self, definition: Definition, process_id: str, document: Document) -> list[tuple[str, str]]:
        """Those of the token kernel."""
        return self.inner.positions(definition, process_id, document)


class Misreading(Broken):
    """A kernel that reads the diagram wrong."""

    def __init__(self) -> None:
        super().__init__(lambda outcome, operation: outcome)

    def step(
        self, definition: Definition, process_id: str, document: Document | None, operation: Operation, moment: datetime
    ) -> Outcome:
        """The step of another diagram."""
        return self.inner.step(WRONG, process_id, document, operation, moment)


def no_timers(outcome: Outcome, operation: Operation) -> Outcome:
    return replace(outcome, opened=[wait for wait in outcome.opened if wait.kind is not WaitKind.TIMER])


def later(outcome: Outcome, operation: Operation) -> Outcome:
    waits = [replace(wait, due_at=wait.due_at.replace(microsecond=1)) if wait.due_at else wait for wait in outcome.opened]
    return replace(outcome, opened=waits)


def blind(outcome: Outcome, operation: Operation) -> Outcome:
    waits = [replace(wait, variables={}) if wait.variables is not None else wait for wait in outcome.opened]
    return replace(outcome, opened=waits)


def forgetful(outcome: Outcome, operation: Operation) -> Outcome:
    return replace(outcome, log=[line for line in outcome.log if line.element_id != "w"])


def silent(outcome: Outcome, operation: Operation) -> Outcome:
    return replace(outcome, thrown=[])


def endless(outcome: Outcome, operation: Operation) -> Outcome:
    return replace(outcome, ended=False)


def deaf(outcome: Outcome, operation: Operation) -> Outcome:
    return replace(outcome, delivered=0) if isinstance(operation, Deliver) else outcome


def failing(outcome: Outcome, operation: Operation) -> Outcome:
    if any(wait.element_id == "d" for wait in outcome.opened):
        raise StepFailed(element="d", reason="cannot")
    return outcome


def crashing(outcome: Outcome, operation: Operation) -> Outcome:
    if any(wait.element_id == "d" for wait in outcome.opened):
        raise RuntimeError("broken")
    return outcome


def losing(outcome: Outcome, operation: Operation) -> Outcome:
    document = copy.deepcopy(outcome.document)
    for record in document["t"].values():
        record.get("vars", {}).pop("walked", None)
    return replace(outcome, document=document)


def opinion(second: Kernel, definition: Definition = RIGHT, **options: Any) -> list[Finding]:
    return second_opinion(definition, "p", kernels=(TokenKernel(), second), **options)


# ---- what is right -----------------------------------------------------------------------------------------------------
def test_two_right_kernels_agree_and_come_everywhere() -> None:
    assert opinion(SpiffKernel()) == []
    assert opinion(TokenKernel()) == []


@pytest.mark.parametrize("path", sorted(Path("bpmn").glob("*/*.bpmn")), ids=str)
def test_our_own_diagrams_agree_everywhere_and_in_time(path: Path) -> None:
    definition = read(path.read_bytes())
    for process_id in definition.processes:
        began = time.process_time()
        assert second_opinion(definition, process_id, kernels=KERNELS) == []
        assert time.process_time() - began < 3


def test_the_same_seed_gives_the_same_walks() -> None:
    def trace(seed: int) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []

        def note(outcome: Outcome, operation: Operation) -> Outcome:
            seen.append((repr(operation), repr(outcome.log)))
            return outcome

        opinion(Broken(note), seed=seed, walks=6)
        return seen

    assert trace(5) == trace(5)
    assert trace(5) != trace(6)


# ---- what is broken ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "kernel, code, element",
    [
        (Misreading(), "opinion_waits", None),
        (Broken(no_timers), "opinion_waits", "y"),
        (Broken(later), "opinion_waits", "y"),
        (Broken(blind), "opinion_waits", "a"),
        (Broken(forgetful), "opinion_completed", "w"),
        (Broken(silent), "opinion_thrown", "e2"),
        (Broken(endless), "opinion_end", "p"),
        (Broken(deaf), "opinion_delivered", "p"),
        (Broken(failing), "opinion_failure", "p"),
        (Broken(crashing), "opinion_failure", "p"),
        (Broken(losing), "opinion_variables", "p"),
    ],
    ids=lambda value: getattr(getattr(value, "fault", None), "__name__", str(value)),
)
@pytest.mark.parametrize("turned", [False, True])
def test_every_kind_of_broken_kernel_is_found(kernel: Kernel, code: str, element: str | None, turned: bool) -> None:
    kernels = (kernel, SpiffKernel()) if turned else (SpiffKernel(), kernel)
    (finding,) = second_opinion(RIGHT, "p", kernels=kernels)
    assert (finding.code, finding.severity) == (code, "error")
    assert element is None or finding.element == element
    assert finding.values["first"] != finding.values["second"]
    assert finding.values["first_kernel"] == kernels[0].name and finding.values["after"]
    catalogue = Catalogue("engine")
    for language in LANGUAGES:
        words = catalogue.tell(finding, language)
        assert finding.values["first"] in words and finding.values["second"] in words


def test_a_difference_tells_what_each_waits_for() -> None:
    (finding,) = opinion(Broken(no_timers))
    assert "y (timer 2024-" in finding.values["first"] and "y (timer" not in finding.values["second"]
    assert "b (task)" in finding.values["first"] and "b (task)" in finding.values["second"]
    assert finding.path == str(RIGHT.nodes["y"].line)


# ---- what could not be seen --------------------------------------------------------------------------------------------
def test_a_process_that_fails_at_once_is_said_to_be() -> None:
    xml = diagram('<startEvent id="s"/><userTask id="a"/><exclusiveGateway id="g"/>', "s g", "g a 1 == 2", "a g")
    (finding,) = opinion(SpiffKernel(), read(xml))
    assert (finding.code, finding.severity) == ("opinion_no_start", "warning") and "NoFlowTaken" in finding.values["reason"]


def test_an_element_behind_an_impossible_condition_is_said_not_to_be_reached() -> None:
    xml = diagram(
        '<startEvent id="s"/><endEvent id="e"/><userTask id="a"/><exclusiveGateway id="g" default="f2"/>',
        *("s g", "g a x == 1 and x == 2", "g e", "a e"),
    )
    (finding,) = opinion(SpiffKernel(), read(xml))
    assert (finding.code, finding.severity, finding.element) == ("opinion_not_reached", "information", "a")


def test_a_process_that_never_waits_is_given_up_with_a_reason() -> None:
    began = time.process_time()
    xml = diagram('<startEvent id="s"/><task id="t"/><exclusiveGateway id="g"/>', "s g", "g t", "t g")
    codes = [finding.code for finding in opinion(SpiffKernel(), read(xml))]
    assert codes == ["opinion_refused", "spiff_endless"] and time.process_time() - began < 6


def test_steps_that_mostly_fail_do_not_go_on_for_ever() -> None:
    calls: list[Operation] = []

    def refuse(outcome: Outcome, operation: Operation) -> Outcome:
        calls.append(operation)
        if not isinstance(operation, Start):
            raise StepFailed(element="a", reason="cannot")
        return outcome

    findings = second_opinion(RIGHT, "p", kernels=(Broken(refuse), Broken(refuse)))
    assert {finding.code for finding in findings} == {"opinion_not_reached"}
    assert len(calls) < 500


def test_messages_start_a_process_too() -> None:
    body = '<startEvent id="s"><messageEventDefinition messageRef="M"/></startEvent><userTask id="a"/>'
    assert opinion(SpiffKernel(), read(diagram(body, "s a"))) == []


GATEWAYS = '<startEvent id="s"/><endEvent id="e"/><userTask id="a"/><userTask id="b"/><exclusiveGateway id="g" default="f1"/>'
BRANCHES = ("s g", "g a", "g b x &gt; 1", "a j", "b j", "j e")


def test_an_element_at_which_tokens_stay_for_ever_is_named() -> None:
    finding, missed = opinion(SpiffKernel(), read(diagram(GATEWAYS + '<parallelGateway id="j"/>', *BRANCHES)))
    assert (finding.code, finding.severity, finding.element) == ("opinion_stuck", "warning", "j")
    assert (missed.code, missed.element) == ("opinion_not_reached", "e")
    assert finding.values["after"] in ("complete a", "complete b")
    assert "complete" in Catalogue("engine").tell(finding, "en") and "complete" in Catalogue("engine").tell(finding, "zh")
    assert opinion(SpiffKernel(), read(diagram(GATEWAYS + '<inclusiveGateway id="j"/>', *BRANCHES))) == []


def test_a_process_that_stays_open_at_its_start_is_told_too() -> None:
    xml = diagram('<startEvent id="s"/><userTask id="a" startQuantity="2"/>', "s a")
    assert ("opinion_stuck", "a") in [(each.code, each.element) for each in opinion(SpiffKernel(), read(xml))]
