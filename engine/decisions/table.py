"""Decision tables as values, and how they decide (DMN 1.3, clauses 8.2.8 to 8.2.11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from engine.decisions.entries import EntryFault, Test, Value
from engine.errors import Finding, Problem

Row = dict[str, Any]
"""What one rule gives: values by the names of the outputs."""

HIT_POLICIES = ("UNIQUE", "FIRST", "ANY", "RULE ORDER", "COLLECT")
AGGREGATIONS = ("SUM", "MIN", "MAX", "COUNT")


class NoResult(Exception):  # noqa: N818 - a finding on its way
    """The decision has no result; `reason` says why, and where in the table."""

    def __init__(self, reason: Finding) -> None:
        super().__init__(reason.code)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """An input or output: what it is called, and for an input how its value comes about."""

    name: str
    value: Value | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row, numbered from 1; an output of None is an empty cell."""

    id: str
    number: int
    tests: tuple[Test, ...]
    outputs: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One decision table. A literal expression is a table of one rule without inputs.

    `requires` are the decisions of the same file whose results its rules may name.
    """

    key: str
    name: str
    version_tag: str | None
    hit_policy: str
    aggregation: str | None
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rules: tuple[Rule, ...]
    requires: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """A result: `rows` of the rules `hits` (numbers), in their order; of an aggregation one row."""

    rows: tuple[Row, ...]
    hits: tuple[int, ...]


def decide(decisions: Mapping[str, Decision], key: str, variables: Mapping[str, Any]) -> Decided:
    """The result of a decision of a file, with those that it requires.

    Raises NoResult.
    """
    decision = decisions[key]
    seen = dict(variables)
    for required in decision.requires:
        rows = decide(decisions, required, variables).rows
        for column in decisions[required].outputs:
            found = [row[column.name] for row in rows]
            seen[column.name] = found[0] if len(found) == 1 else found
    given = [_value(column.value, seen, 0, column.name) for column in decision.inputs]
    hits = []
    for rule in decision.rules:
        if _matches(decision, rule, given, seen):
            hits.append(rule)
            if decision.hit_policy == "FIRST":
                break
    numbers = tuple(rule.number for rule in hits)
    if decision.hit_policy == "UNIQUE" and len(hits) > 1:
        raise NoResult(Finding("decision_several_hits", values={"rules": _say(numbers)}))
    rows = tuple(_row(decision, rule, seen) for rule in hits)
    if decision.hit_policy == "ANY" and rows:
        if any(row != rows[0] for row in rows):
            raise NoResult(Finding("decision_outputs_differ", values={"rules": _say(numbers)}))
        rows = rows[:1]
    if decision.aggregation is not None:
        rows = ({decision.outputs[0].name: _aggregate(decision, rows)},)
    return Decided(rows, numbers)


def map_result(decided: Decided, mapping: str) -> Any:
    """What a task takes over of a result: one value, one row, the values of one output, or all rows.

    Raises NoResult when the result has more in it than that.
    """
    rows = list(decided.rows)
    if mapping == "resultList":
        return rows
    if mapping in ("singleEntry", "collectEntries") and any(len(row) != 1 for row in rows):
        raise NoResult(Finding("decision_several_outputs", values={"mapping": mapping}))
    if mapping == "collectEntries":
        return [next(iter(row.values())) for row in rows]
    if len(rows) > 1:
        raise NoResult(Finding("decision_several_rows", values={"mapping": mapping, "rules": _say(decided.hits)}))
    if not rows:
        return None
    return rows[0] if mapping == "singleResult" else next(iter(rows[0].values()))


def _matches(decision: Decision, rule: Rule, given: list[Any], variables: Mapping[str, Any]) -> bool:
    cells = zip(rule.tests, given, decision.inputs, strict=True)
    return all(_guard(partial(test, value, variables), rule.number, column.name) for test, value, column in cells)


def _row(decision: Decision, rule: Rule, variables: Mapping[str, Any]) -> Row:
    columns = zip(rule.outputs, decision.outputs, strict=True)
    return {column.name: _value(cell, variables, rule.number, column.name) for cell, column in columns}


def _value(cell: Value | None, variables: Mapping[str, Any], rule: int, column: str) -> Any:
    """The value of a cell; dates as ISO 8601 texts, as all JSON values."""
    value = None if cell is None else _guard(partial(cell, variables), rule, column)
    return value.isoformat() if isinstance(value, date) else value


def _guard(function: Callable[[], Any], rule: int, column: str) -> Any:
    try:
        return function()
    except (EntryFault, Problem) as fault:
        reason = fault.reason if isinstance(fault, EntryFault) else fault
        code = "decision_cell_failed" if rule else "decision_input_failed"
        raise NoResult(Finding(code, values={"rule": rule, "column": column, "reason": reason})) from fault


def _aggregate(decision: Decision, rows: tuple[Row, ...]) -> Any:
    """COUNT counts the rules, the others take the values that are not null; of none there is null."""
    if decision.aggregation == "COUNT":
        return len(rows)
    values = [value for row in rows for value in row.values() if value is not None]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise NoResult(Finding("decision_not_numbers", values={"aggregation": decision.aggregation}))
    if not values:
        return None
    if decision.aggregation != "SUM":
        return min(values) if decision.aggregation == "MIN" else max(values)
    total = sum((Decimal(str(value)) for value in values), Decimal())  # as they are written: 0.1 + 0.2 is 0.3
    return int(total) if total == total.to_integral_value() and all(isinstance(each, int) for each in values) else float(total)


def _say(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
