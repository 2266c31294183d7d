"""Two kernels side by side: the same operation on both, and the first thing in which they differ."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine.errors import OperationNotSupported, StepFailed
from engine.kernel import Deliver, Document, Kernel, Operation, Outcome, Wait, WaitKind
from engine.model import Definition

logger = logging.getLogger(__name__)

Key = tuple[WaitKind, str, str, str | None]
"""What identifies a wait within an instance: kind, token, element, name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two kernels part. `aspect` is `waits`, `completed`, `thrown`, `end`, `variables`, `failure` or `delivered`; `first`
    and `second` are what each of them says; `element` is the first element that only one of them names.
    """

    aspect: str
    element: str | None
    first: str
    second: str


@dataclass(slots=True)
class Side:
    """One kernel's instance."""

    kernel: Kernel
    stored: str | None = None  # the document as JSON: every step loads and dumps it
    waits: dict[Key, Wait] = field(default_factory=dict)
    outcome: Outcome | None = None
    failure: str | None = None
    refused: OperationNotSupported | None = None
    broken: bool = False
    ended: bool = False

    def document(self) -> Document:
        """The document, read anew."""
        document: Document = json.loads(self.stored or "null")
        return document


@dataclass(frozen=True, slots=True)
class Place:
    """A state that both kernels have agreed on, to walk on from there."""

    now: datetime
    stored: tuple[str | None, str | None]
    waits: tuple[dict[Key, Wait], dict[Key, Wait]]
    partners: dict[Key, Key]


@dataclass(frozen=True, slots=True)
class PairedWait:
    """A wait that both kernels have, each under its own token."""

    first: Wait
    second: Wait


class Pair:
    """One instance on two kernels. `agreed` is false after a step that failed on both: that step has not happened."""

    def __init__(self, definition: Definition, process_id: str, kernels: tuple[Kernel, Kernel]) -> None:
        self.definition, self.process_id = definition, process_id
        self.sides = (Side(kernels[0]), Side(kernels[1]))
        self.partners: dict[Key, Key] = {}
        self.visited: set[str] = set()

    @property
    def ended(self) -> bool:
        """Whether both instances have ended."""
        return self.sides[0].ended

    @property
    def failure(self) -> str | None:
        """Why the last step failed on both; None when it was made."""
        return self.sides[0].failure

    @property
    def refused(self) -> OperationNotSupported | None:
        """Why one of the kernels alone refused the last operation; None when none or both did."""
        refused = [side.refused for side in self.sides if side.refused is not None]
        return refused[0] if len(refused) == 1 else None

    def waits(self) -> list[PairedWait]:
        """What both wait for now, in the order of the first kernel."""
        first, second = self.sides
        return [PairedWait(wait, second.waits[self.partners[key]]) for key, wait in first.waits.items()]

    def positions(self) -> list[str]:
        """The elements at which tokens are now, scopes included."""
        side = self.sides[0]
        return [element for _, element in side.kernel.positions(self.definition, self.process_id, side.document())]

    def place(self, now: datetime) -> Place:
        """The present state."""
        first, second = self.sides
        return Place(now, (first.stored, second.stored), (dict(first.waits), dict(second.waits)), dict(self.partners))

    def go_to(self, place: Place) -> None:
        """Take up a state again."""
        for side, stored, waits in zip(self.sides, place.stored, place.waits, strict=True):
            side.stored, side.waits = stored, dict(waits)
        self.partners = dict(place.partners)

    def step(self, operations: tuple[Operation, Operation], moment: datetime) -> Difference | None:
        """The same operation on both (each with its own tokens); the first difference, None when they agree."""
        for side, operation in zip(self.sides, operations, strict=True):
            self._advance(side, operation, moment)
        if self.refused is not None and not any(side.broken for side in self.sides):
            return None
        difference = next(self._differences(operations[0]), None)
        if difference is None and self.failure is None:
            self._keep()
        return difference

    def _advance(self, side: Side, operation: Operation, moment: datetime) -> None:
        side.outcome = side.failure = side.refused = None
        side.broken = False
        document = side.document()
        try:
            side.outcome = side.kernel.step(self.definition, self.process_id, document, operation, moment)
        except OperationNotSupported as problem:
            side.failure, side.refused = str(problem), problem
        except StepFailed as problem:
            side.failure = str(problem)
        except Exception as problem:  # noqa: BLE001 - a kernel that breaks is a difference like any other
            logger.exception("the kernel %s broke", side.kernel.name)
            side.failure, side.broken = f"{type(problem).__name__}: {problem}", True

    # ---- comparing ---------------------------------------------------------------------------------------------------
    def _differences(self, operation: Operation) -> Iterator[Difference]:
        first, second = self.sides
        if first.failure is not None and second.failure is not None and not (first.broken or second.broken):
            return
        if first.outcome is None or second.outcome is None:
            yield Difference("failure", None, first.failure or "", second.failure or "")
            return
        one, two = first.outcome, second.outcome
        yield from _compare("waits", self._after(first), self._after(second), describe_wait)
        yield from _compare("completed", _completed(one), _completed(two), str)
        yield from _compare("thrown", _thrown(one), _thrown(two), lambda thrown: f"{thrown[1]} ({thrown[0]})")
        if (one.ended, one.error) != (two.ended, two.error):
            yield Difference("end", None, _ending(one), _ending(two))
        if isinstance(operation, Deliver) and one.delivered != two.delivered:
            yield Difference("delivered", None, str(one.delivered), str(two.delivered))
        yield from self._variables(first, second)

    def _after(self, side: Side) -> list[tuple[Any, ...]]:
        """(element, kind, name, due moment, variables) of all that waits after the step."""
        return [_signature(wait) for wait in after(side).values()]

    def _variables(self, first: Side, second: Side) -> Iterator[Difference]:
        if first.outcome is None or second.outcome is None or first.outcome.ended:
            return
        one, two = (
            side.kernel.variables(self.definition, self.process_id, side.outcome.document)
            for side in self.sides
            if side.outcome is not None
        )
        if _text(one) != _text(two):
            names = sorted(name for name in one.keys() | two.keys() if _text(one.get(name)) != _text(two.get(name)))
            yield Difference("variables", None, *(_text({name: each.get(name) for name in names}) for each in (one, two)))

    # ---- keeping -----------------------------------------------------------------------------------------------------
    def _keep(self) -> None:
        """Take over the step: documents, waits and which waits of the two belong together."""
        for side in self.sides:
            assert side.outcome is not None
            side.waits = after(side)
            side.stored = json.dumps(side.outcome.document)
            side.ended = side.outcome.ended
        assert self.sides[0].outcome is not None
        self.visited.update(line.element_id for line in self.sides[0].outcome.log)
        self.partners = {key: self.partners[key] for key in self.sides[0].waits if key in self.partners}
        taken = set(self.partners.values())
        tokens = {key[1]: partner[1] for key, partner in self.partners.items()}
        for key, wait in sorted(self.sides[0].waits.items(), key=lambda item: item[1].variables is None):
            if key in self.partners:
                continue
            signature = _signature(wait)
            found = [
                other
                for other, candidate in self.sides[1].waits.items()
                if other not in taken and _signature(candidate) == signature
            ]
            partner = next((other for other in found if other[1] == tokens.get(key[1])), found[0])
            self.partners[key] = partner
            tokens.setdefault(key[1], partner[1])
            taken.add(partner)


def after(side: Side) -> dict[Key, Wait]:
    """What a side waits for after its outcome: what it waited for, without what was closed, with what was opened."""
    assert side.outcome is not None
    waits = dict(side.waits)
    for closed in side.outcome.closed:
        waits.pop((closed.kind, closed.token, closed.element_id, closed.name), None)
    for wait in side.outcome.opened:
        waits[wait.kind, wait.token, wait.element_id, wait.name] = wait
    return waits


def with_token(operation: Any, token: str) -> Operation:
    """The same operation for another token."""
    changed: Operation = replace(operation, token=token)
    return changed


def describe_wait(signature: tuple[Any, ...]) -> str:
    """A wait in a few characters: `apply (task)`, `reviews_done (message reviews_done)`, `cutoff (timer 2022-08-10T16:00Z)`."""
    element, kind, name, due_at, variables = signature
    detail = f" {name}" if name else f" {due_at}" if due_at else ""
    return f"{element} ({kind}{detail})" + (f" {variables}" if variables else "")


def _signature(wait: Wait) -> tuple[Any, ...]:
    due_at = wait.due_at.isoformat() if wait.due_at else None
    return wait.element_id, wait.kind.value, wait.name, due_at, None if wait.variables is None else _text(wait.variables)


def _completed(outcome: Outcome) -> list[str]:
    return [line.element_id for line in outcome.log if line.event == "completed"]


def _thrown(outcome: Outcome) -> list[tuple[str, ...]]:
    return [(each.element_id, each.kind, each.name, _text(each.variables)) for each in outcome.thrown]


def _ending(outcome: Outcome) -> str:
    return f"error {outcome.error}" if outcome.error is not None else "ended" if outcome.ended else "goes on"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} in a document")


def _compare(aspect: str, one: Iterable[Any], two: Iterable[Any], say: Callable[[Any], str]) -> Iterator[Difference]:
    """Compare two multisets; what they have in common is left out of the words, or all is told when one side has nothing."""
    first, second = Counter(one), Counter(two)
    only_first, only_second = sorted((first - second).elements(), key=str), sorted((second - first).elements(), key=str)
    if not (only_first or only_second):
        return
    named = [each if isinstance(each, str) else each[0] for each in only_first + only_second]
    words = [", ".join(say(each) for each in sorted(side.elements(), key=str)) for side in (first, second)]
    if aspect == "waits":  # the variables only where they are what differs
        short = [", ".join(say((*each[:4], None)) for each in sorted(side.elements(), key=str)) for side in (first, second)]
        words = short if short[0] != short[1] else [", ".join(map(say, side)) for side in (only_first, only_second)]
    yield Difference(aspect, named[0], *words)
