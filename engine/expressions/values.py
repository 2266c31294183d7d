"""What the operators and functions of the language do to JSON values, and how large anything may become.

Python's own meaning wherever it applies; refused are the ways to make much out of little: repetition of sequences, string
formatting, powers, integers beyond 64 bits (JSON stores on both databases keep no larger ones).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_SOURCE = 2_000
"""Characters of one expression."""
MAX_TEMPLATE = 10_000
"""Characters of one attribute text."""
MAX_NODES = 400
"""Nodes of the syntax tree of one expression."""
MAX_DEPTH = 40
"""Levels of nesting of one expression."""
MAX_INTEGER = 2**63 - 1
"""Largest magnitude of an integer."""
MAX_TEXT = 100_000
"""Characters of a text that an expression makes."""
MAX_ITEMS = 100_000
"""Items of a list that an expression makes."""
MAX_PLACES = 15
"""Decimal places for `round`: what a double can hold."""

_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")


class Fault(Exception):  # noqa: N818  (never leaves the room; a fact, like `Problem`)
    """An operation cannot be done with these values; the caller adds the place and raises `ExpressionFailed`."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def name_kind(value: Any) -> str:
    """JSON's word for the kind of a value, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "list"
    return "mapping" if isinstance(value, Mapping) else type(value).__name__


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return True
    return isinstance(value, int) and -MAX_INTEGER <= value <= MAX_INTEGER


def _check_number(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Fault("expression_number_too_large")
    elif not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise Fault("expression_number_too_large")
    return value


def _calculate(sign: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def calculate(left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            raise Fault("expression_operands", sign=sign, left=name_kind(left), right=name_kind(right))
        try:
            return _check_number(function(left, right))
        except ZeroDivisionError:
            raise Fault("expression_division_by_zero") from None
        except OverflowError:
            raise Fault("expression_number_too_large") from None

    return calculate


_add_numbers = _calculate("+", operator.add)


def add(left: Any, right: Any) -> Any:
    """Sum of numbers; two texts or two lists joined."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise Fault("expression_result_too_large", limit=MAX_TEXT)
        return left + right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if len(left) + len(right) > MAX_ITEMS:
            raise Fault("expression_result_too_large", limit=MAX_ITEMS)
        return [*left, *right]
    return _add_numbers(left, right)


subtract = _calculate("-", operator.sub)
multiply = _calculate("*", operator.mul)
divide = _calculate("/", operator.truediv)
divide_whole = _calculate("//", operator.floordiv)
remainder = _calculate("%", operator.mod)


def negate(value: Any) -> Any:
    """The number with the other sign."""
    if not _is_number(value):
        raise Fault("expression_operand", sign="-", kind=name_kind(value))
    return _check_number(-value)


def affirm(value: Any) -> Any:
    """The number itself."""
    if not _is_number(value):
        raise Fault("expression_operand", sign="+", kind=name_kind(value))
    return +value


def contains(container: Any, item: Any) -> bool:
    """Whether a list has the item, a text the part, a mapping the key."""
    if isinstance(container, str):
        if not isinstance(item, str):
            raise Fault("expression_operands", sign="in", left=name_kind(item), right="text")
        return item in container
    if isinstance(container, (list, tuple)):
        return item in container
    if isinstance(container, Mapping):
        if not isinstance(item, str):
            raise Fault("expression_operands", sign="in", left=name_kind(item), right="mapping")
        return item in container
    raise Fault("expression_operands", sign="in", left=name_kind(item), right=name_kind(container))


def subscript(container: Any, key: Any) -> Any:
    """The item of a list or text at an index, or of a mapping under a key.

    Raises KeyError when the mapping lacks the key.
    """
    if isinstance(container, Mapping):
        if not isinstance(key, str):
            raise Fault("expression_key_not_text", kind=name_kind(key))
        return container[key]
    if isinstance(container, (list, tuple, str)):
        if isinstance(key, bool) or not isinstance(key, int):
            raise Fault("expression_index_not_number", kind=name_kind(key))
        try:
            return container[key]
        except IndexError:
            raise Fault("expression_index_outside", index=key, length=len(container)) from None
    raise Fault("expression_no_items", kind=name_kind(container))


def to_text(value: Any) -> str:
    """A text, number or truth value as text (`true` and `false` as JSON writes them).

    A value that is null, a list or a mapping is a fault: it would silently become part of a name or an address.
    """
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if _is_number(value):
        return str(value)
    raise Fault("expression_no_text", kind=name_kind(value))


# ---- functions -------------------------------------------------------------------------------------------------------
def _items(name: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise Fault("expression_argument", name=name, kind=name_kind(value))
    return value


def _length(value: Any) -> int:
    if not isinstance(value, (str, list, tuple, Mapping)):
        raise Fault("expression_argument", name="len", kind=name_kind(value))
    return len(value)


def _sum(value: Any) -> Any:
    total: Any = 0
    for item in _items("sum", value):
        total = _add_numbers(total, item)
    return total


def _extreme(name: str, function: Callable[[Any], Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        items = values if len(values) > 1 else _items(name, values[0])
        if not items:
            raise Fault("expression_empty", name=name)
        try:
            return function(items)
        except TypeError:
            kinds = sorted({name_kind(item) for item in items})
            raise Fault("expression_argument", name=name, kind=" + ".join(kinds)) from None

    return extreme


def _any(value: Any) -> bool:
    return any(_items("any", value))


def _all(value: Any) -> bool:
    return all(_items("all", value))


def _round(value: Any, places: Any = None) -> Any:
    if not _is_number(value):
        raise Fault("expression_argument", name="round", kind=name_kind(value))
    if places is None:
        try:
            return _check_number(round(value))
        except (OverflowError, ValueError):
            raise Fault("expression_number_too_large") from None
    # Python would compute 10**places first: an exhaustion with one short argument
    if isinstance(places, bool) or not isinstance(places, int) or not -MAX_PLACES <= places <= MAX_PLACES:
        raise Fault("expression_places", limit=MAX_PLACES)
    try:
        return _check_number(round(value, places))
    except OverflowError:
        raise Fault("expression_number_too_large") from None


def _abs(value: Any) -> Any:
    if not _is_number(value):
        raise Fault("expression_argument", name="abs", kind=name_kind(value))
    return abs(value)


def _int(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(_check_number(int(value)))
    if isinstance(value, float) and math.isfinite(value):
        return int(_check_number(int(value)))
    if isinstance(value, int) and _is_number(value):
        return int(value)
    raise Fault("expression_argument", name="int", kind=name_kind(value))


def _case(name: str, function: Callable[[str], str]) -> Callable[[Any], str]:
    def change(value: Any) -> str:
        if not isinstance(value, str):
            raise Fault("expression_argument", name=name, kind=name_kind(value))
        if len(value) > MAX_TEXT:
            raise Fault("expression_result_too_large", limit=MAX_TEXT)
        return function(value)

    return change


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "len": (_length, 1, 1),
    "sum": (_sum, 1, 1),
    "min": (_extreme("min", min), 1, 20),
    "max": (_extreme("max", max), 1, 20),
    "any": (_any, 1, 1),
    "all": (_all, 1, 1),
    "round": (_round, 1, 2),
    "abs": (_abs, 1, 1),
    "str": (to_text, 1, 1),
    "int": (_int, 1, 1),
    "lower": (_case("lower", str.lower), 1, 1),
    "upper": (_case("upper", str.upper), 1, 1),
    "contains": (contains, 2, 2),
}
"""The functions of the language: what they do, and with how many arguments at least and at most."""
