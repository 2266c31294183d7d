"""The cells of a decision table: FEEL's unary tests, over our own expression language (DMN 1.3, clause 7.3.2 and 10.3.1).

    -    "a", "b"    not("a")    < 5, >= 10    [1..10]    ]1..10[    date("2022-08-10")    contains(?, "x")

`?` is the value of the input. Everything between these signs is an expression of `engine.expressions`: nothing else is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from engine.errors import Finding
from engine.expressions import Expression, parse
from engine.moments import SHANGHAI, MomentInvalid, parse_instant

Value = Callable[[Mapping[str, Any]], Any]
Test = Callable[[Any, Mapping[str, Any]], bool]
"""Whether the value of an input passes, with the variables at hand."""

INPUT = "cellInput"
"""What `?` is called for the expression language; Camunda's name for it."""
_QUESTION = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\?""")
_RANGE = re.compile(r"([\[\](])(.*)([\])\[])", re.DOTALL)
_SIGN = re.compile(r"(<=|>=|!=|<|>|=(?!=))(.*)", re.DOTALL)
_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL)
_DATE = re.compile(r"""(date|date and time)\s*\(\s*["']([^"']*)["']\s*\)""")


class EntryFault(Exception):  # noqa: N818 - a finding on its way
    """A cell, or what is in it, cannot be used; `reason` says why."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.reason = Finding(code, values=values)


def read_test(text: str) -> Test:
    """The test of an input entry.

    Raises EntryFault, ExpressionRefused.
    """
    text = text.strip()
    if text in ("", "-"):
        return lambda given, variables: True
    if (found := _NOT.fullmatch(text)) and _closes(found[1]):
        inner = read_test(found[1])
        return lambda given, variables: not inner(given, variables)
    tests = [_read_one(part.strip()) for part in split_parts(text)]
    return tests[0] if len(tests) == 1 else lambda given, variables: any(test(given, variables) for test in tests)


def read_value(text: str) -> Value:
    """The value of an output entry or of one end of a range: an expression, or a date.

    Raises EntryFault, ExpressionRefused.
    """
    text = text.strip()
    if found := _DATE.fullmatch(text):
        return _read_date(found[1], found[2])
    return parse(text).evaluate


def split_parts(text: str) -> Iterator[str]:
    """The parts between commas that stand neither in quotes nor in brackets."""
    start = 0
    for index, sign, depth in _signs(text):
        if sign == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def _signs(text: str) -> Iterator[tuple[int, str, int]]:
    """(index, character, depth of parentheses and brackets) outside of quotes. `]1..5[` counts as a bracket around, too."""
    quote, depth, index = "", 0, 0
    while index < len(text):
        sign = text[index]
        if quote:
            index += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        else:
            opens = sign in "([{" and not (sign == "[" and depth and _ends_range(text, index))
            opens = opens or (sign == "]" and not depth)
            depth += 1 if opens else -1 if sign in ")]}[" else 0
            yield index, sign, depth
        index += 1


def _ends_range(text: str, index: int) -> bool:
    """Whether a `[` ends an open range: a comma or nothing follows."""
    return re.match(r"\[\s*(,|\)|$)", text[index:]) is not None


def _closes(inner: str) -> bool:
    """Whether the parentheses of a text are in balance at every place: `not(a), not(b)` is not one `not`."""
    return all(depth >= 0 for _, _, depth in _signs(inner))


def _read_one(text: str) -> Test:
    if not text:
        raise EntryFault("decision_part_empty")
    if text == "-":
        raise EntryFault("decision_dash_in_list")
    if (found := _RANGE.fullmatch(text)) and (ends := _split_range(found[2])) is not None:
        low, high = read_value(ends[0]), read_value(ends[1])
        above, below = (">=" if found[1] == "[" else ">"), ("<=" if found[3] == "]" else "<")
        return lambda given, variables: _compare(above, given, low(variables)) and _compare(below, given, high(variables))
    if found := _SIGN.fullmatch(text):
        sign, value = found[1], read_value(found[2])
        return lambda given, variables: _compare(sign, given, value(variables))
    if _DATE.fullmatch(text):
        value = read_value(text)
        return lambda given, variables: _compare("=", given, value(variables))
    replaced = _QUESTION.sub(lambda match: match[1] or INPUT, text)
    return _read_expression(parse(replaced))


def _read_expression(expression: Expression) -> Test:
    """A condition about `?`; else a value to be equal to, or a list of such values."""
    if INPUT in expression.names:
        return lambda given, variables: bool(expression.evaluate({**variables, INPUT: given}))

    def equals(given: Any, variables: Mapping[str, Any]) -> bool:
        value = expression.evaluate(variables)
        return any(_compare("=", given, item) for item in value) if isinstance(value, list) else _compare("=", given, value)

    return equals


def _split_range(text: str) -> tuple[str, str] | None:
    """`1..10` as its two ends."""
    for index, sign, depth in _signs(text):
        if sign == "." and depth == 0 and text[index : index + 2] == "..":
            return text[:index], text[index + 2 :]
    return None


def _read_date(kind: str, text: str) -> Value:
    try:
        value: date | datetime = date.fromisoformat(text) if kind == "date" and len(text) == 10 else parse_instant(text)
    except (ValueError, MomentInvalid):
        raise EntryFault("decision_date", text=text) from None
    return lambda variables: value


def _compare(sign: str, given: Any, value: Any) -> bool:
    """By FEEL: what is null, or of another kind, is neither less nor greater; only numbers, texts and dates have an order.

    Raises EntryFault when a date is compared with what is none.
    """
    if isinstance(value, date) and given is not None:
        given = _as_date(given, whole=not isinstance(value, datetime))
    same = _kind(given) == _kind(value) and given == value
    if sign in ("=", "!="):
        return same if sign == "=" else not same
    if _kind(given) != _kind(value) or _kind(value) not in ("number", "text", "date"):
        return False
    less = given < value
    found: bool = {"<": less, "<=": less or same, ">": not less and not same, ">=": not less}[sign]
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, date):
        return "date"
    return "text" if isinstance(value, str) else type(value).__name__


def _as_date(given: Any, *, whole: bool) -> date | datetime:
    try:
        if whole and isinstance(given, str) and len(given) == 10:
            return date.fromisoformat(given)
        moment = parse_instant(given if isinstance(given, str) else "")
    except (ValueError, MomentInvalid):
        raise EntryFault("decision_no_date", value=repr(given)[:100]) from None
    return moment.astimezone(SHANGHAI).date() if whole else moment
