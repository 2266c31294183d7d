"""What the language says yes and no to, and in which words."""

import ast
import re
from functools import cache
from importlib import resources

import pytest

from engine.errors import Finding
from engine.expressions import ExpressionFailed, ExpressionRefused, VariableMissing, parse
from engine.texts import Catalogue

VARIABLES = {
    "result": "return",
    "price": 12,
    "half": 0.5,
    "ready": True,
    "nothing": None,
    "bodies": ["a", "b", "c"],
    "dates": {"collection_cutoff": "2022-08-10T24:00:00+08:00", "__class__": "a key", "deep": {"er": 1}},
    "名称": "合格",
}


@cache
def catalogue() -> Catalogue:
    return Catalogue("engine")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("result == 'return'", True),
        ('result == "pass"', False),
        ("'return' == result", True),
        ("result != 'pass' and price > 10", True),
        ("${result == 'return'}", True),
        ("#{ result == 'return' }", True),
        ("  price  ", 12),
        ("result == 'return'\n  and price == 12", True),
        ("ready == true and nothing == null and not false", True),
        ("ready == True and nothing == None and not False", True),
        ("dates.collection_cutoff", "2022-08-10T24:00:00+08:00"),
        ("dates['collection_cutoff']", "2022-08-10T24:00:00+08:00"),
        ("dates['__class__']", "a key"),
        ("dates.deep.er", 1),
        ("bodies[0] + bodies[-1]", "ac"),
        ("'b' in bodies and 'x' not in bodies", True),
        ("'deep' in dates", True),
        ("contains(result, 'ret')", True),
        ("contains(bodies, 'b')", True),
        ("1 < price <= 12 < 13", True),
        ("1 < price < 12 < nothing", False),
        ("price * 2 + 1 - 3 / 2", 23.5),
        ("7 // 2, 7 % 2, -7 // 2", [3, 1, -4]),
        ("len(bodies) >= 3", True),
        ("sum([1, 2, 3.5])", 6.5),
        ("min(3, 1, 2), max([3, 1])", [1, 3]),
        ("any([false, 1]) and all([])", True),
        ("round(half), round(2.567, 2), abs(-3)", [0, 2.57, 3]),
        ("str(price) + '/' + str(half) + '/' + str(ready)", "12/0.5/true"),
        ("int(' 12 '), int(2.9), int(true)", [12, 2, 1]),
        ("lower('AbC') + upper('x')", "abcX"),
        ("'yes' if ready else missing", "yes"),
        ("ready or missing", True),
        ("nothing and missing", None),
        ("[price, 'a', {'k': ready}]", [12, "a", {"k": True}]),
        ("(1, 2) == [1, 2]", True),
        ("名称 == '合格'", True),
        (r"'it\'s \\ #{' + '}'", "it's \\ #{}"),
        ("'${'", "${"),
        ("1_000 + 1.5e3 + .5", 2500.5),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_value(text: str, value: object) -> None:
    result = parse(text).evaluate(VARIABLES)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("", 1, "expression_empty_text"),
        ("  ${  }", 7, "expression_empty_text"),
        ("${a", 1, "expression_not_closed"),
        ("${a} == ${b}", 5, "expression_wrapped_in_part"),
        ("price * 'x'", 9, "expression_only_numbers"),
        ("'%s' % price", 1, "expression_only_numbers"),
        ("(1, 2) * 3", 1, "expression_only_numbers"),
        ("a # b", 3, "expression_comment"),
        ("a == 'x' + # 'y'\n 'z'", 12, "expression_comment"),
        (r"'\d'", 2, "expression_escape"),
        (r"'\x41'", 2, "expression_escape"),
        ("1or 2", 1, "expression_number"),
        ("0x10", 1, "expression_number"),
        ("9223372036854775808", 1, "expression_number_too_large"),
        ("1e999", 1, "expression_number_too_large"),
        ("a.__class__", 1, "expression_underscore"),
        ("_a", 1, "expression_underscore"),
        ("sum", 1, "expression_function_name"),
        ("名称 == eval('1')", 7, "expression_function_unknown"),
        ("a.size()", 1, "expression_method"),
        ("a()()", 1, "expression_method"),
        ("len(*a)", 1, "expression_plain_arguments"),
        ("min(a, key=b)", 1, "expression_plain_arguments"),
        ("len()", 1, "expression_argument_count"),
        ("{1: 2}", 2, "expression_mapping_key"),
        ("{**a}", 4, "expression_mapping_key"),
        ("[*a]", 2, "expression_not_allowed"),
        ("lambda: 1", 1, "expression_not_allowed"),
        ("[x for x in a]", 1, "expression_not_allowed"),
        ("(x for x in a)", 1, "expression_not_allowed"),
        ("{x: 1 for x in a}", 1, "expression_not_allowed"),
        ("(a := 1)", 2, "expression_not_allowed"),
        ("await a", 1, "expression_not_allowed"),
        ("b''", 1, "expression_not_allowed"),
        ("1j", 1, "expression_number"),
        ("...", 1, "expression_not_allowed"),
        ("a << 1000000", 1, "expression_not_allowed"),
        ("a @ b", 1, "expression_not_allowed"),
        ("-" * 60 + "1", 42, "expression_too_deep"),
        ("[" + "1," * 500 + "]", 800, "expression_too_long"),
        ("a" * 2001, 2001, "expression_too_long"),
    ],
)
def test_refused(text: str, position: int, code: str) -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse(text)
    problem = refusal.value
    assert (problem.values["reason"].code, problem.values["position"]) == (code, position)
    assert problem.values["text"] == text


@pytest.mark.parametrize("text", ["a == ", "a b", "(" * 900 + "1" + ")" * 900, "'\ud800'", "a\0", "b + ｟a｠", "(a", "a)", "'a"])
def test_unreadable_is_refused_somewhere_in_the_text(text: str) -> None:
    """Where exactly differs between versions of Python's parser."""
    with pytest.raises(ExpressionRefused) as refusal:
        parse(text)
    assert refusal.value.values["reason"].code == "expression_not_readable"
    assert 1 <= refusal.value.values["position"] <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("a && b", "and"),
        ("a || b", "or"),
        ("!a", "not"),
        ("a eq 'x'", "=="),
        ("a ne 'x'", "!="),
        ("a lt 1", "<"),
        ("a ge 1", ">="),
        ("a mod 2", "%"),
        ("not empty a", "len(x) == 0"),
        ("a === b", "=="),
        ("a <> b", "!="),
        ("a = 'x && y'", "=="),
        ("= a", "=="),
        ("a => 1", ">="),
        ("a AND b", "and"),
        ("a ? b : c", "b if a else c"),
        ("a is None", "=="),
        ("a is not None", "!="),
        ("a & b", "and"),
        ("a | b", "or"),
        ("~a", "not"),
        ("a ** 2", "a * a"),
        ("{1, 2}", "[…]"),
        ("a[1:2]", "[index]"),
        ("f'{a}'", "'…' + str(x)"),
    ],
)
def test_says_what_to_write_instead(text: str, instead: str) -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse(text)
    reason = refusal.value.values["reason"]
    assert (reason.code, reason.values["instead"]) == ("expression_instead", instead)
    for language in ("zh", "en"):
        assert instead in catalogue().tell(refusal.value, language)


@pytest.mark.parametrize("character", "，（）‘’“”：＝　")
def test_full_width_characters_are_named(character: str) -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse(f"a == {character}x")
    assert refusal.value.values["reason"] == Finding("expression_full_width", values={"written": character})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("price + result", "expression_operands"),
        ("result * 3", "expression_operands"),
        ("bodies * 3", "expression_operands"),
        ("result % price", "expression_operands"),
        ("price < result", "expression_operands"),
        ("1 < price < nothing", "expression_operands"),
        ("price in result", "expression_operands"),
        ("1 in dates", "expression_operands"),
        ("'a' in price", "expression_operands"),
        ("-result", "expression_operand"),
        ("price / 0", "expression_division_by_zero"),
        ("price // 0.0", "expression_division_by_zero"),
        ("9223372036854775807 + 1", "expression_number_too_large"),
        ("9223372036854775807 * 9223372036854775807", "expression_number_too_large"),
        ("1e308 * 10", "expression_number_too_large"),
        ("round(1e308)", "expression_number_too_large"),
        ("round(5, -1000000000)", "expression_places"),
        ("round(5, true)", "expression_places"),
        ("bodies[3]", "expression_index_outside"),
        ("bodies['a']", "expression_index_not_number"),
        ("bodies[true]", "expression_index_not_number"),
        ("dates[0]", "expression_key_not_text"),
        ("price[0]", "expression_no_items"),
        ("result.lower", "expression_no_mapping"),
        ("nothing.x", "expression_no_mapping"),
        ("len(price)", "expression_argument"),
        ("sum(result)", "expression_argument"),
        ("sum(bodies)", "expression_operands"),
        ("any(dates)", "expression_argument"),
        ("max(price, result)", "expression_argument"),
        ("max([])", "expression_empty"),
        ("int('1e3')", "expression_argument"),
        ("int('99999999999999999999')", "expression_argument"),
        ("int(9.3e18)", "expression_number_too_large"),
        ("str(bodies)", "expression_no_text"),
        ("str(nothing)", "expression_no_text"),
        ("upper(price)", "expression_argument"),
        ("abs(result)", "expression_argument"),
    ],
)
def test_failed(text: str, code: str) -> None:
    with pytest.raises(ExpressionFailed) as failure:
        parse(text).evaluate(VARIABLES)
    assert failure.value.values["reason"].code == code
    assert not isinstance(failure.value, VariableMissing)


@pytest.mark.parametrize(
    ("text", "name", "position"),
    [
        ("result == reslut", "reslut", 11),
        ("${ missing }", "missing", 4),
        ("dates.cutoff > 1", "dates.cutoff", 1),
        ("名称 == dates.deep.missing.more", "dates.deep.missing", 7),
        ("1 + dates['x']", "dates['x']", 5),
    ],
)
def test_missing_variable_is_named(text: str, name: str, position: int) -> None:
    with pytest.raises(VariableMissing) as failure:
        parse(text).evaluate(VARIABLES)
    assert (failure.value.values["name"], failure.value.values["position"]) == (name, position)
    assert f"“{name}”" in catalogue().tell(failure.value, "zh")


def test_names_are_the_free_variables() -> None:
    assert parse("len(a) > 1 and b.c[d] == true or e in ['f', x]").names == {"a", "b", "d", "e", "x"}
    assert parse("len('a') == null").names == frozenset()


def test_deep_data_do_not_overturn_the_stack() -> None:
    left: list[object] = []
    right: list[object] = []
    for _ in range(100_000):
        left, right = [left], [right]
    with pytest.raises(ExpressionFailed) as failure:
        parse("a == b").evaluate({"a": left, "b": right})
    assert failure.value.values["reason"].code == "expression_too_deep"
    while left:  # or freeing them would be as deep
        left, right = left[0], right[0]  # type: ignore[assignment]


def test_same_text_is_compiled_once() -> None:
    assert parse("result == 'once'") is parse("result == 'once'")


def test_every_reason_has_a_text() -> None:
    codes: set[str] = set()
    for source in resources.files("engine.expressions").iterdir():
        if source.name.endswith(".py"):
            strings = [node.value for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Constant)]
            codes |= {value for value in strings if isinstance(value, str) and re.fullmatch(r"expression_\w+", value)}
    assert len(codes) > 30
    known = {code for code in catalogue().entries if code.startswith("expression_")}
    assert codes == known


def test_refusal_is_told_in_both_languages() -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse("a && b")
    told = catalogue().tell(refusal.value, "zh")
    assert told == "表达式“a && b”第 3 个字符处有误：不支持“&&”，请写“and”"
    assert str(refusal.value) == "ExpressionRefused: 'a && b' at 3: expression_instead (written='&&', instead='and')"
