"""Random structured processes: they always end, and JSON between the steps changes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.kernel import Move

# A block is drawn as (kind, inner blocks). What is random at play comes from the data that tasks are completed with.
BLOCKS = st.recursive(
    st.sampled_from(["user", "task", "service", "timer", "message"]).map(lambda kind: (kind, ())),
    lambda inner: st.tuples(
        st.sampled_from(["seq", "and", "or", "xor", "loop", "sub", "mi", "split", "bound", "escape", "handle"]),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=8,
)


class Drawer:
    """Draws blocks with one entry and one exit."""

    def __init__(self) -> None:
        self.ids: Iterator[int] = itertools.count()
        self.lines: list[str] = []

    def block(self, block: Any) -> tuple[str, str]:
        kind, inner = block
        number = next(self.ids)
        draw = getattr(self, f"draw_{kind}", None)
        if draw is None:
            name = f"{kind}{number}"
            options = {"service": "service {} handler=x.y", "timer": "catch {} timer=PT1H", "message": "catch {} message=go"}
            self.lines.append(options.get(kind, kind + " {}").format(name))
            return name, name
        result: tuple[str, str] = draw(number, inner)
        return result

    def line(self, text: str) -> None:
        self.lines.append(text)

    def draw_seq(self, number: int, inner: Any) -> tuple[str, str]:
        ends = [self.block(each) for each in inner]
        for (_, left), (right, _) in itertools.pairwise(ends):
            self.line(f"{left} -> {right}")
        return ends[0][0], ends[-1][1]

    def gates(self, number: int, kind: str, inner: Any, conditions: bool) -> tuple[str, str]:
        fork, join = f"f{number}", f"j{number}"
        self.line(f"{kind} {fork}")
        self.line(f"{kind} {join}")
        for index, each in enumerate(inner):
            first, last = self.block(each)
            if not conditions:
                self.line(f"{fork} -> {first}")
            elif index == 0:
                self.line(f"{fork} => {first}")
            else:
                self.line(f"{fork} -> {first} : (x + {number + index}) % 3 == 0")
            self.line(f"{last} -> {join}")
        return fork, join

    def draw_and(self, number: int, inner: Any) -> tuple[str, str]:
        return self.gates(number, "and", inner, False)

    def draw_or(self, number: int, inner: Any) -> tuple[str, str]:
        return self.gates(number, "or", inner, True)

    def draw_xor(self, number: int, inner: Any) -> tuple[str, str]:
        return self.gates(number, "xor", inner, True)

    def draw_split(self, number: int, inner: Any) -> tuple[str, str]:
        """Several flows out of a task, joined by an inclusive gateway."""
        self.line(f"task f{number}")
        self.line(f"or j{number}")
        for each in inner:
            first, last = self.block(each)
            self.line(f"f{number} -> {first}")
            self.line(f"{last} -> j{number}")
        return f"f{number}", f"j{number}"

    def draw_loop(self, number: int, inner: Any) -> tuple[str, str]:
        """Around again at most twice: `rounds` counts in a task that always waits."""
        first, last = self.draw_seq(number, inner)
        self.line(f"xor m{number}")
        self.line(f"user r{number}")
        self.line(f"xor g{number}")
        self.line(f"m{number} -> {first}")
        self.line(f"{last} -> r{number} -> g{number}")
        self.line(f"g{number} -> m{number} : r{number} < 2")
        self.line(f"task x{number}")
        self.line(f"g{number} => x{number}")
        return f"m{number}", f"x{number}"

    def scope(self, number: int, inner: Any, options: str = "") -> str:
        outer, self.lines = self.lines, []
        first, last = self.draw_seq(number, inner)
        body, self.lines = self.lines, outer
        self.lines += [f"sub p{number}{options} {{", f"start s{number}", *body, f"end e{number}"]
        self.lines += [f"s{number} -> {first}", f"{last} -> e{number}", "}"]
        return f"p{number}"

    def draw_sub(self, number: int, inner: Any) -> tuple[str, str]:
        name = self.scope(number, inner)
        return name, name

    def draw_mi(self, number: int, inner: Any) -> tuple[str, str]:
        name = self.scope(number, inner, f" mi=items:item{' seq' if number % 2 else ''}")
        return name, name

    def draw_bound(self, number: int, inner: Any) -> tuple[str, str]:
        name = self.scope(number, inner)
        self.line(f"boundary b{number} on={name} timer=PT30M{'' if number % 2 else ' keep'}")
        self.line(f"task t{number}")
        self.line(f"xor j{number}")
        self.line(f"b{number} -> t{number}{'' if number % 2 == 0 else f' -> j{number}'}")
        self.line(f"{name} -> j{number}")
        return name, f"j{number}"

    def draw_handle(self, number: int, inner: Any) -> tuple[str, str]:
        """A scope with an event sub-process that may come again, or interrupts it."""
        name = self.scope(number, inner)
        inside = [f"esub h{number} {{", f"start hs{number} timer=PT20M{'' if number % 2 else ' keep'}", f"user hu{number}"]
        self.lines[-1:] = [*inside, f"hs{number} -> hu{number}", "}", "}"]
        return name, name

    def draw_escape(self, number: int, inner: Any) -> tuple[str, str]:
        name = self.scope(number, (*inner, ("service", ())))
        self.line(f"boundary b{number} on={name} error=no")
        self.line(f"xor j{number}")
        self.line(f"b{number} -> j{number}")
        self.line(f"{name} -> j{number}")
        return name, f"j{number}"


def drawn(block: Any) -> str:
    drawer = Drawer()
    first, last = drawer.block(block)
    return "\n".join([*drawer.lines, "start s", "end e", f"s -> {first}", f"{last} -> e"])


def play_through(case: Any, choices: list[int]) -> list[Any]:
    """Do what the choices say until the case ends; the trace of what happened."""
    trace: list[Any] = [case.outcome.log]
    counts: dict[str, int] = {}
    source = itertools.chain(choices, itertools.cycle([0]))
    for _ in range(3000):
        if case.ended:
            return trace
        waits = sorted(case.waits.values(), key=lambda wait: (int(wait.token), wait.element_id))
        choice = next(source)
        wait = waits[choice % len(waits)]
        if choice == 0:  # go towards the end: what is oldest, people before timers
            wait = min(waits, key=lambda wait: (wait.kind.value == "timer", int(wait.token)))
        if wait.kind.value == "timer":
            case.fire(wait.element_id)
        elif wait.kind.value == "message":
            case.send("go")
        elif wait.kind.value == "handler" and choice % 5 == 4:
            case.fail(wait.element_id, "no")
        else:
            name = wait.element_id
            counts[name] = counts.get(name, 0) + 1
            case.do(name, x=choice, **({name: counts[name]} if name.startswith("r") else {}))
        trace.append((case.outcome.log, case.open()))
    raise AssertionError("does not end")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(block=BLOCKS, choices=st.lists(st.integers(0, 50), max_size=60))
def test_random_processes_end_and_json_changes_nothing(block: Any, choices: list[int], drawing: Any, player: Any) -> None:
    definition = drawing(drawn(block))
    traces = []
    for dump in (False, True):
        case = player(definition, {"x": 1, "items": ["i", "j"]}, dump=dump, process="p", at=None)
        traces.append(play_through(case, choices))
        assert not case.waits
    assert traces[0] == traces[1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(block=BLOCKS, choices=st.lists(st.integers(0, 50), max_size=30), seed=st.integers(0, 1000))
def test_random_returns_keep_the_document_sound(block: Any, choices: list[int], seed: int, drawing: Any, player: Any) -> None:
    """A token anywhere may go back to a task of its own scope; the player checks every document on the way."""
    definition = drawing(drawn(block))
    case = player(definition, {"x": 1, "items": ["i", "j"]}, dump=True, process="p", at=None)
    for choice in choices:
        tasks = [wait for wait in case.waits.values() if wait.kind.value == "task"]
        if case.ended or not tasks:
            break
        wait = tasks[choice % len(tasks)]
        node = definition.nodes[wait.element_id]
        siblings = [child for child in definition.nodes[node.parent].children if definition.nodes[child].kind == "userTask"]
        if choice % 2:
            case.step(Move((wait.token,), siblings[(choice + seed) % len(siblings)]))
        else:
            case.do(wait.element_id, x=choice, **{sibling: 2 for sibling in siblings if sibling.startswith("r")})
    if not case.ended:
        case.cancel()
    assert not case.waits
