"""The values of a walk come from the expressions: names, literals, and what they are used for."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from engine.moments import Duration, parse_instant
from engine.opinion.uses import Uses, collect_uses
from engine.opinion.values import Values
from tests.engine.kernel_runs import diagram, read

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def uses_of(*conditions: str, body: str = "") -> Uses:
    """The uses in a process with these conditions (already escaped for XML)."""
    flows = [f"g a {condition}" for condition in conditions]
    elements = '<startEvent id="s"/><userTask id="a"/><exclusiveGateway id="g" default="f1"/>' + body
    return collect_uses(read(diagram(elements, "s g", "g a", *flows)), "p")


def values_of(uses: Uses, name: str, count: int = 300) -> list[Any]:
    """What is chosen for a variable."""
    return [Values(uses, Random(number)).all(NOW)[name] for number in range(count)]


def test_literals_and_something_beside_them() -> None:
    found = values_of(uses_of("x == 'pass'", "x in ['return', 'reject']"), "x")
    assert {"pass", "return", "reject", "something else"} == set(found)


def test_numbers_around_the_border() -> None:
    assert {59, 60, 61} <= set(values_of(uses_of("score &gt;= 60"), "score"))
    assert {-1, 0, 1} <= set(values_of(uses_of("len(x) == 1", "0 == y"), "y"))


def test_truth_values() -> None:
    assert set(values_of(uses_of("not x and y"), "x")) == {True, False}


def test_entries_of_mappings() -> None:
    uses = uses_of("case.result == 'pass' and case['rank'] &lt; 3")
    found = values_of(uses, "case")
    assert all(set(each) == {"result", "rank"} for each in found) and any(each["result"] == "pass" for each in found)


def test_lists_and_what_is_looked_for_in_them() -> None:
    found = values_of(uses_of("'z' in names", "len(names) &gt; 1"), "names")
    assert all(isinstance(each, list) for each in found)
    assert any("z" in each for each in found) and any("z" not in each for each in found) and [] in found
    assert all(all(isinstance(item, int | float) for item in each) for each in values_of(uses_of("sum(n) &gt; 3"), "n"))


def test_timers_get_moments_durations_and_cycles() -> None:
    timer = (
        "<intermediateCatchEvent id='{}'><timerEventDefinition><{}>${{{}}}</{}></timerEventDefinition></intermediateCatchEvent>"
    )
    body = timer.format("t1", "timeDate", "dates.until", "timeDate") + timer.format("t2", "timeDuration", "pause", "timeDuration")
    uses = collect_uses(read(diagram('<startEvent id="s"/>' + body, "s t1", "t1 t2")), "p")
    for each in values_of(uses, "dates", 20):
        assert parse_instant(each["until"]) > datetime(2025, 12, 31, tzinfo=UTC)
    for each in values_of(uses, "pause", 20):
        Duration.parse(each)


def test_items_of_a_collection_have_what_the_item_is_asked_for() -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="${bodies}" camunda:elementVariable="body">'
    loop += "<completionCondition>body.rank == 1</completionCondition></multiInstanceLoopCharacteristics>"
    uses = collect_uses(read(diagram(f'<startEvent id="s"/><userTask id="a">{loop}</userTask>', "s a")), "p")
    found = values_of(uses, "bodies")
    assert all(set(item) == {"rank", "place"} for each in found for item in each) and max(map(len, found)) == 3
    assert "body" not in uses.variables.fields


def test_the_same_random_state_chooses_the_same() -> None:
    uses = uses_of("x == 1", "y &gt; z")
    assert Values(uses, Random(3)).some(NOW) == Values(uses, Random(3)).some(NOW)


@pytest.mark.parametrize("text", ["PT5M", "2026-01-01T00:00:00Z", "R3/PT1H"])
def test_plain_timer_texts_ask_for_nothing(text: str) -> None:
    kind = "timeCycle" if text.startswith("R") else "timeDate" if text.startswith("2") else "timeDuration"
    timer = f'<intermediateCatchEvent id="t"><timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>'
    definition = read(diagram(f'<startEvent id="s"/>{timer}</intermediateCatchEvent>', "s t"))
    assert collect_uses(definition, "p").variables.fields == {}
