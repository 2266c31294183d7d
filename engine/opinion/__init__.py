"""The second opinion: two kernels walk a process with the same random choices, and must agree at every step.

Knows no kernel: it is given two. Where they differ the diagram is not to be released; where one cannot run it, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Protocol, runtime_checkable

from engine.errors import Finding, OperationNotSupported
from engine.kernel import Kernel
from engine.model import Definition
from engine.model.paths import instantiating_nodes, starting_nodes
from engine.opinion.pair import Pair
from engine.opinion.uses import collect_uses
from engine.opinion.values import Values
from engine.opinion.walk import MOST_FAILURES, Memory, Walk, Walked, thrown_codes

WALKS = 60
STEPS = 40
"""Of one walk at most."""
MOST_STEPS = 800
"""Of all walks of one process together: keeps the check within its time on any diagram."""


@runtime_checkable
class LimitedKernel(Protocol):
    """A kernel that knows what it cannot run."""

    def limits(self, definition: Definition, process_id: str) -> list[Finding]:
        """A warning for each element of a process, and of the processes that it calls."""


def second_opinion(
    definition: Definition,
    process_id: str,
    *,
    kernels: Sequence[Kernel],
    seed: int = 1,
    walks: int = WALKS,
    steps: int = STEPS,
) -> list[Finding]:
    """Walk a process on two kernels. The first difference is an error with its element and both states in words.

    Warnings: what a kernel cannot run (then there is no walk), a process that could not be started, elements at which tokens
    stay for ever. Information: elements that no walk came to. The same seed gives the same findings.
    """
    first, second = kernels
    limits = [
        finding
        for kernel in (first, second)
        if isinstance(kernel, LimitedKernel)
        for finding in kernel.limits(definition, process_id)
    ]
    if limits:
        return limits
    starts = start_elements(definition, process_id)
    uses, codes = collect_uses(definition, process_id), thrown_codes(definition, process_id)
    memory, done, left = Memory(), list[Walked](), MOST_STEPS
    for number in range(walks):
        random = Random(f"{seed}/{process_id}/{number}")
        walk = Walk(Pair(definition, process_id, (first, second)), Values(uses, random), random, memory, codes)
        if number % 2 and memory.places:
            walked = walk.resume(min(steps, left))
        else:
            walked = walk.start(starts[number // 2 % len(starts)], min(steps, left))
        done.append(walked)
        left -= max(1, walked.steps)
        if walked.difference is not None:
            return [_difference(definition, process_id, walked, (first, second))]
        if walked.refused is not None:
            return _refusal(process_id, walked.refused)
        if left <= 0 or memory.failures >= MOST_FAILURES:
            break
    return _summary(definition, process_id, done, memory.visited)


def start_elements(definition: Definition, process_id: str) -> list[str | None]:
    """Where a process can be started: None for its none start events, then each element that an event starts it at."""
    scope = definition.processes[process_id].node
    plain: list[str | None] = [None] if starting_nodes(definition, scope) else []
    events = [node.id for node in starting_nodes(definition, scope, by_event=True) if node.kind == "startEvent" and node.events]
    return plain + events + [node.id for node in instantiating_nodes(definition, scope)]


def _difference(definition: Definition, process_id: str, walked: Walked, kernels: tuple[Kernel, Kernel]) -> Finding:
    assert walked.difference is not None
    found = walked.difference
    values = {
        "process": process_id,
        "after": walked.after,
        "steps": walked.steps,
        "first_kernel": kernels[0].name,
        "first": found.first or "-",
        "second_kernel": kernels[1].name,
        "second": found.second or "-",
    }
    element = found.element or process_id
    node = definition.nodes.get(element)
    return Finding(f"opinion_{found.aspect}", "error", element, str(node.line) if node else None, values)


def _refusal(process_id: str, refused: OperationNotSupported) -> list[Finding]:
    """The comparison had to stop, and why."""
    findings = [Finding("opinion_refused", "warning", process_id, values={"process": process_id})]
    reason = refused.values.get("reason")
    if isinstance(reason, Finding):
        findings.append(replace(reason, severity="warning", element=reason.values.get("element", process_id)))
    return findings


def _summary(definition: Definition, process_id: str, done: list[Walked], visited: set[str]) -> list[Finding]:
    """What is to be said of walks that agreed."""
    line = str(definition.nodes[process_id].line)
    if not any(walked.started for walked in done):
        reason = next((walked.failure for walked in done if walked.failure), "")
        return [Finding("opinion_no_start", "warning", process_id, line, {"reason": reason})]
    findings = _stuck(definition, process_id, done)
    missed = [
        node
        for node in definition.nodes.values()
        if node.process == process_id
        and (node.is_activity or node.kind.endswith("Event"))
        and node.id not in visited
        and not node.is_scope
    ]
    return findings + [
        Finding("opinion_not_reached", "information", node.id, str(node.line), {"process": process_id, "walks": len(done)})
        for node in missed
    ]


def _stuck(definition: Definition, process_id: str, done: list[Walked]) -> list[Finding]:
    """A warning for each element at which a token stayed when nothing was waited for any more, after the first walk's step."""
    found: dict[str, Finding] = {}
    for walked in done:
        nodes = [definition.nodes[element] for element in walked.stuck]
        for node in [node for node in nodes if not (node.is_scope or node.kind == "callActivity")] or nodes:
            values = {"process": process_id, "after": walked.after}
            found.setdefault(node.id, Finding("opinion_stuck", "warning", node.id, str(node.line), values))
    return list(found.values())
