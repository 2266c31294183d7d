"""Attribute texts: literal parts and expressions."""

import pytest

from engine.expressions import ExpressionFailed, ExpressionRefused, VariableMissing, parse_template

VARIABLES = {"body": "b1", "count": 3, "ready": True, "nothing": None, "bodies": ["a"], "o": {"id": "x"}}


@pytest.mark.parametrize(
    ("text", "value", "names"),
    [
        ("", "", set()),
        ("applicant", "applicant", set()),
        ("  kept as it is ", "  kept as it is ", set()),
        ("auditor@${body}", "auditor@b1", {"body"}),
        ("auditor@${body}, organiser@${ o.id }!", "auditor@b1, organiser@x!", {"body", "o"}),
        ("${bodies}", ["a"], {"bodies"}),
        (" ${nothing} ", None, {"nothing"}),
        ("#{count}", 3, {"count"}),
        ("${count}${ready}", "3true", {"count", "ready"}),
        ("${'}' + body}", "}b1", {"body"}),
        ("${{'a': body}['a']}@", "b1@", {"body"}),
        ("$ # { } $body 100%", "$ # { } $body 100%", set()),
    ],
)
def test_value(text: str, value: object, names: set[str]) -> None:
    template = parse_template(text)
    assert template.evaluate(VARIABLES) == value
    assert template.names == names
    assert template.literal is (not names)


def test_literal_says_that_nothing_is_computed() -> None:
    assert parse_template("applicant").literal
    assert not parse_template("a${1}").literal


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("auditor@${body", 9, "expression_not_closed"),
        ("auditor@${body && x}", 16, "expression_instead"),
        ("  ${a}${b.c()}", 9, "expression_method"),
        (" ${}", 4, "expression_empty_text"),
        ("x" * 10_001, 10_001, "expression_too_long"),
    ],
)
def test_refused_with_the_place_in_the_whole_text(text: str, position: int, code: str) -> None:
    with pytest.raises(ExpressionRefused) as refusal:
        parse_template(text)
    assert refusal.value.values["reason"].code == code
    assert refusal.value.values["text"] == text[:2001]
    assert refusal.value.values["position"] == position


@pytest.mark.parametrize("name", ["nothing", "bodies", "o"])
def test_a_hole_in_a_text_fails(name: str) -> None:
    with pytest.raises(ExpressionFailed) as failure:
        parse_template("auditor@${" + name + "}").evaluate(VARIABLES)
    assert failure.value.values["reason"].code == "expression_no_text"


def test_missing_variable_is_named() -> None:
    with pytest.raises(VariableMissing) as failure:
        parse_template("auditor@${organisation}").evaluate(VARIABLES)
    assert failure.value.values["name"] == "organisation"


def test_result_is_bounded() -> None:
    template = parse_template("${a}${a}")
    with pytest.raises(ExpressionFailed):
        template.evaluate({"a": "x" * 60_000})
