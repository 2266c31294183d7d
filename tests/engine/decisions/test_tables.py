"""Decision tables by themselves: cells, hit policies, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.decisions import NoResult, map_result, read_decisions
from engine.decisions.entries import read_test
from engine.texts import Catalogue
from tests.engine.decisions.tables import HEAD, ask, decision, table

CELLS: list[tuple[str, Any, bool]] = [
    ("-", 5, True),
    ("", None, True),
    ("5", 5, True),
    ("5", "5", False),
    ("1", True, False),
    ("true", True, True),
    ("null", None, True),
    ("5, 6", 6, True),
    ('"a","b"', "b", True),
    ('"a,b"', "a,b", True),
    ('not("a","b")', "b", False),
    ("not(< 5)", 7, True),
    ("< 5", 4, True),
    ("< 5", None, False),
    ("< 5", "4", False),
    ("<5, >10", 11, True),
    (">= limit * 2", 14, True),
    ("!= 3", 3, False),
    ("= 3", 3, True),
    ("[1..10]", 10, True),
    ("[1..10[", 10, False),
    ("]1..10]", 1, False),
    ("(1..10)", 1, False),
    ("(1..10)", 5, True),
    ("[1..3], ]7..9[", 8, True),
    ("]1..3[, [7..9]", 9, True),
    ('["a".."c"]', "b", True),
    ("[1, 2, 3]", 2, True),
    ("limit", 7, True),
    ('contains(?, "?")', "a?b", True),
    ("? > 3 and ? < limit", 5, True),
    ("cellInput % 2 == 0", 4, True),
    ('date("2022-08-10")', "2022-08-10", True),
    ('[date("2022-08-01")..date("2022-08-10")]', "2022-08-10", True),
    ('<= date("2022-08-10")', "2022-08-10T23:30:00+08:00", True),
    ('<= date("2022-08-10")', "2022-08-10T23:30:00Z", False),
    ('< date and time("2022-08-11T00:00:00+08:00")', "2022-08-10T15:59:59Z", True),
]


@pytest.mark.parametrize(("text", "given", "expected"), CELLS, ids=[f"{text} {given!r}" for text, given, _ in CELLS])
def test_cells(text: str, given: Any, expected: bool) -> None:
    assert read_test(text)(given, {"limit": 7}) is expected


def test_unique_gives_one_row_or_none() -> None:
    xml = table('>= 60 | "pass"', '< 60 | "fail"')
    assert [map_result(ask(xml, {"score": score}), "singleEntry") for score in (60, 59, None)] == ["pass", "fail", None]


def test_unique_refuses_two_hits(words: Catalogue) -> None:
    xml = table('>= 60 | "pass"', '>= 90 | "good"', '< 60 | "fail"')
    with pytest.raises(NoResult) as caught:
        ask(xml, {"score": 95})
    assert caught.value.reason.code == "decision_several_hits"
    assert "rules 1, 2" in words.tell(caught.value.reason, "en")


def test_first_takes_the_first() -> None:
    decided = ask(table('>= 60 | "pass"', '>= 90 | "good"', policy="FIRST"), {"score": 95})
    assert (decided.rows, decided.hits) == (({"grade": "pass"},), (1,))


def test_any_takes_equal_outputs_alone() -> None:
    same = table('>= 60 | "pass"', '>= 90 | "pass"', policy="ANY")
    assert ask(same, {"score": 95}).rows == ({"grade": "pass"},)
    with pytest.raises(NoResult) as caught:
        ask(table('>= 60 | "pass"', '>= 90 | "good"', policy="ANY"), {"score": 95})
    assert (caught.value.reason.code, dict(caught.value.reason.values)) == ("decision_outputs_differ", {"rules": "1, 2"})


@pytest.mark.parametrize("policy", ["RULE ORDER", "COLLECT"])
def test_all_rows_in_the_order_of_the_rules(policy: str) -> None:
    decided = ask(table(">= 60 | 1", "< 50 | 2", "- | 3", policy=policy), {"score": 95})
    assert map_result(decided, "collectEntries") == [1, 3]
    assert map_result(decided, "resultList") == [{"grade": 1}, {"grade": 3}]


AGGREGATES = [("SUM", 0.3), ("MIN", 0.1), ("MAX", 0.2), ("COUNT", 2)]


@pytest.mark.parametrize(("aggregation", "expected"), AGGREGATES)
def test_collect_aggregates(aggregation: str, expected: float) -> None:
    xml = table(">= 60 | 0.1", "< 50 | 7", "> 0 | 0.2", policy="COLLECT", aggregation=aggregation)
    assert map_result(ask(xml, {"score": 95}), "singleEntry") == expected
    assert map_result(ask(xml, {"score": None}), "singleEntry") == (0 if aggregation == "COUNT" else None)


def test_aggregates_take_numbers_alone() -> None:
    with pytest.raises(NoResult) as caught:
        ask(table('- | "a"', "- | 1", policy="COLLECT", aggregation="SUM"), {"score": 1})
    assert caught.value.reason.code == "decision_not_numbers"


def test_results_that_do_not_fit_the_mapping() -> None:
    several = ask(table("- | 1", "- | 2", policy="RULE ORDER"), {"score": 1})
    wide = ask(table("- | 1 | 2", outputs="one two"), {"score": 1})
    assert map_result(wide, "singleResult") == {"one": 1, "two": 2}
    codes = []
    for decided, mapping in (
        (several, "singleEntry"),
        (several, "singleResult"),
        (wide, "singleEntry"),
        (wide, "collectEntries"),
    ):
        with pytest.raises(NoResult) as caught:
            map_result(decided, mapping)
        codes.append(caught.value.reason.code)
    assert codes == ["decision_several_rows", "decision_several_rows", "decision_several_outputs", "decision_several_outputs"]


def test_a_required_decision_comes_first() -> None:
    inner = decision(">= 60 | true", "< 60 | false", key="passes", outputs="passed")
    outer = decision('true | 1 | "yes"', 'true | 2 | "again"', 'false | - | "no"', inputs="passed turn", requires="passes")
    xml = f"{HEAD}{inner}{outer}</definitions>".encode()
    assert [map_result(ask(xml, {"score": score, "turn": 2}), "singleEntry") for score in (70, 50)] == ["again", "no"]


def test_a_literal_expression_is_a_decision() -> None:
    xml = (
        f'{HEAD}<decision id="grading"><variable name="bonus"/><literalExpression><text>score * 2</text></literalExpression>'
        "</decision></definitions>"
    ).encode()
    assert ask(xml, {"score": 4}).rows == ({"bonus": 8},)


def test_a_missing_variable_is_named(words: Catalogue) -> None:
    for xml in (table("> 1 | 1"), table("> limit | 1", inputs="1")):
        with pytest.raises(NoResult) as caught:
            ask(xml, {})
        assert ("score" if xml == table("> 1 | 1") else "limit") in words.tell(caught.value.reason, "zh")


def test_all_faults_are_told_at_once_with_rule_and_column(words: Catalogue) -> None:
    xml = table("> | 1", '< 5 || 3 | "a', 'date("tomorrow") | 2', "1,,2 | 3", "1, - | __import__('os')", policy="PRIORITY")
    read = read_decisions(xml)
    assert read.decisions == {}
    assert [(found.code, found.element) for found in read.findings] == [
        ("decision_hit_policy", "grading_table"),
        ("decision_cell", "inputEntry_1_0"),
        ("decision_cell", "inputEntry_2_0"),
        ("decision_cell", "outputEntry_2_1"),
        ("decision_cell", "inputEntry_3_0"),
        ("decision_cell", "inputEntry_4_0"),
        ("decision_cell", "inputEntry_5_0"),
        ("decision_cell", "outputEntry_5_1"),
    ]
    for found in read.findings:
        assert "{" not in words.tell(found, "zh") + words.tell(found, "en")
    assert "rule 2, column “score”" in words.tell(read.findings[2], "en")


WRONG: list[tuple[str, str]] = [
    ("decision_not_dmn", "<a/>"),
    ("diagram_malformed", HEAD),
    ("diagram_doctype", f"<!DOCTYPE a>{HEAD}</definitions>"),
    ("decision_none", f"{HEAD}</definitions>"),
    ("decision_id_missing", f"{HEAD}<decision><literalExpression><text>1</text></literalExpression></decision></definitions>"),
    ("decision_no_logic", f'{HEAD}<decision id="a"/></definitions>'),
    ("decision_part_unused", f'{HEAD}<decision id="a"><context/></decision></definitions>'),
    ("decision_twice", f"{HEAD}{decision('- | 1')}{decision('- | 1')}</definitions>"),
    ("decision_requires_unknown", f"{HEAD}{decision('- | 1', requires='other')}</definitions>"),
    ("decision_requires_itself", f"{HEAD}{decision('- | 1', requires='b')}"
     f"{decision('- | 1', key='b', requires='grading')}</definitions>"),
    ("decision_aggregation", table("- | 1", aggregation="SUM").decode()),
    ("decision_outputs", table("- | 1 | 2", outputs="a a").decode()),
    ("decision_no_rules", table().decode()),
    ("decision_rule_cells", table("- | 1 | 2").decode()),
    ("decision_input", table("- | 1", inputs="a?b").decode()),
    ("decision_input_empty", table("- | 1").decode().replace("<text>score</text>", "<text/>")),
    ("decision_language", table("- | 1").decode().replace("<outputEntry", '<outputEntry expressionLanguage="javascript"')),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), WRONG, ids=[code for code, _ in WRONG])
def test_what_is_refused(code: str, text: str, words: Catalogue) -> None:
    read = read_decisions(text.encode())
    found = next(found for found in read.findings if found.code == code)
    assert (found.severity == "error") == (code not in ("decision_part_unused", "decision_no_rules"))
    assert all("{" not in words.tell(found, language) for language in ("zh", "en"))  # type: ignore[arg-type]
