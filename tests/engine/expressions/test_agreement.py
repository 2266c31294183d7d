"""On what the language allows, it means what Python means."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.expressions import ExpressionFailed, ExpressionRefused, parse
from engine.expressions.values import MAX_INTEGER


class Mapping(dict[str, Any]):
    """Python's stand-in for `a.b` on mappings."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


PYTHON = {
    "__builtins__": {
        **{function.__name__: function for function in (len, sum, min, max, any, all, round, abs, str, int)},
        "lower": str.lower,
        "upper": str.upper,
        "contains": lambda container, item: item in container,
        "true": True,
        "false": False,
        "null": None,
    }
}

numbers = st.one_of(st.integers(-5, 5), st.sampled_from([0.5, 2.0, 1e300, 2**62, -(2**63) + 1]))
texts = st.sampled_from(["", "a", "ab", "合格", "B'c"])
values = st.fixed_dictionaries(
    {
        "n": numbers,
        "m": numbers,
        "s": texts,
        "t": texts,
        "b": st.booleans(),
        "x": st.lists(numbers, max_size=3),
        "y": st.lists(texts, max_size=3),
        "o": st.fixed_dictionaries({"n": numbers, "s": texts}).map(Mapping),
    }
)


def _join(*parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def _grow(depth: int) -> tuple[st.SearchStrategy[str], ...]:
    """Texts of expressions that are numbers, texts, truth values, lists of numbers and lists of texts."""
    number = st.one_of(st.sampled_from(["n", "m", "o.n", "o['n']", "1", "0", "-2", "0.5", "3"]))
    text = st.one_of(st.sampled_from(["s", "t", "o.s", "'a'", '"合格"', "''"]))
    truth = st.sampled_from(["b", "true", "False"])
    numbers_, texts_ = st.sampled_from(["x", "[]", "[1, n]"]), st.sampled_from(["y", "['a', s]"])
    for _ in range(depth):
        sign = st.sampled_from([" + ", " - ", " * ", " / ", " // ", " % "])
        compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
        number, text, truth, numbers_, texts_ = (
            st.one_of(
                number,
                _join("(", number, sign, number, ")"),
                _join(number, sign, number, sign, number),
                _join("-", number),
                _join(number, " if ", truth, " else ", number),
                _join(st.sampled_from(["min", "max", "sum"]), "(", numbers_, ")"),
                _join("max(", number, ", ", number, ")"),
                _join("round(", number, ", ", st.sampled_from(["0", "1", "-1"]), ")"),
                _join(st.sampled_from(["abs", "round", "int"]), "(", number, ")"),
                _join("len(", st.one_of(text, numbers_, texts_), ")"),
                _join(numbers_, "[", st.sampled_from(["0", "1", "-1", "len(y) - 1"]), "]"),
            ),
            st.one_of(
                text,
                _join("(", text, " + ", text, ")"),
                _join(st.sampled_from(["lower", "upper"]), "(", text, ")"),
                _join("str(", number, ")"),
                _join(text, "[", st.sampled_from(["0", "-1", "5"]), "]"),
                _join("(", text, " or ", text, ")"),
            ),
            st.one_of(
                truth,
                _join("(", number, compare, number, compare, number, ")"),
                _join("(", text, compare, text, ")"),
                _join("(", truth, st.sampled_from([" and ", " or "]), truth, ")"),
                _join("(not ", st.one_of(truth, number, text, numbers_), ")"),
                _join("(", text, st.sampled_from([" in ", " not in "]), st.one_of(text, texts_), ")"),
                _join("(", number, " in ", numbers_, ")"),
                _join("contains(", texts_, ", ", text, ")"),
                _join(st.sampled_from(["any", "all"]), "(", st.one_of(numbers_, texts_), ")"),
                _join("(", numbers_, compare, numbers_, ")"),
            ),
            st.one_of(numbers_, _join("(", numbers_, " + ", numbers_, ")"), _join("[", number, ", ", number, "]")),
            st.one_of(texts_, _join("(", texts_, " + ", texts_, ")"), _join("[", text, "]")),
        )
    return number, text, truth, numbers_, texts_


typed = st.one_of(*_grow(2))


def _too_large(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int) and abs(value) > MAX_INTEGER


@settings(max_examples=300, deadline=None)
@given(typed, values)
def test_well_typed_expressions_have_pythons_value(text: str, variables: dict[str, Any]) -> None:
    try:
        value = parse(text).evaluate(variables)
    except ExpressionFailed as failure:
        reason = failure.values["reason"]
        if reason.code == "expression_number_too_large":
            return  # Python goes on with infinity or more than 64 bits; a part of the expression may have
        try:
            expected = eval(text, PYTHON, variables)
        except (ZeroDivisionError, IndexError, ValueError, OverflowError):
            return
        raise AssertionError(f"{text} is {expected!r} in Python, here {reason.code}") from failure
    expected = eval(text, PYTHON, variables)
    assert type(value) is type(expected)
    assert value == expected
    assert not _too_large(value)


operands = st.sampled_from(["n", "s", "b", "x", "y", "o", "null", "1", "'a'", "[]", "(1, 'a')", "{'k': n}", "o.s"])
functions = st.sampled_from(["len", "sum", "min", "any", "round", "abs", "int", "upper"])
operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", "in", "not in", "and", "or"])
mixed = st.recursive(
    operands,
    lambda inner: st.one_of(
        st.tuples(inner, operators, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(functions, inner).map("{0[0]}({0[1]})".format),
        st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format),
    ),
    max_leaves=6,
)


def _plain(value: Any) -> Any:
    """Tuples as lists: JSON has no other."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@settings(max_examples=300, deadline=None)
@given(mixed, values)
def test_a_value_of_any_expression_is_pythons(text: str, variables: dict[str, Any]) -> None:
    """Where types do not fit the language may refuse more than Python, but it never says something else."""
    try:
        value = parse(text).evaluate(variables)
    except (ExpressionRefused, ExpressionFailed):
        return
    if "(1, 'a')" in text:  # Python's tuples differ from lists
        text = text.replace("(1, 'a')", "[1, 'a']")
    assert _plain(eval(text, PYTHON, variables)) == value
