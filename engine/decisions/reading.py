"""From a `.dmn` file to decisions. Every fault is a finding with the element's id, its line, the rule and the column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from lxml import etree

from engine.decisions.entries import EntryFault, Test, Value, read_test, read_value
from engine.decisions.table import AGGREGATIONS, HIT_POLICIES, Column, Decision, Rule
from engine.errors import Finding, Severity
from engine.expressions import ExpressionRefused
from engine.model.report import line_of
from engine.model.source import read_source

NAMESPACE = "www.omg.org/spec/DMN/"
"""Part of the namespaces of all versions of DMN."""
LANGUAGES = ("feel", "juel", "")
"""Expression languages that a file may claim; what it says is read as ours, which is told where it differs."""
_PLAIN = frozenset(("extensionElements", "DMNDI", "description", "inputData", "question", "allowedAnswers", "variable"))
_LOGIC = frozenset(("decisionTable", "literalExpression"))
_PARTS = frozenset(("informationRequirement", "authorityRequirement"))


@dataclass(frozen=True, slots=True)
class ReadDecisions:
    """What became of a file. `decisions` by their keys, in the order of the file; empty as soon as one finding is an error."""

    decisions: Mapping[str, Decision]
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """Whether it must not be deployed."""
        return any(finding.severity == "error" for finding in self.findings)


@lru_cache(maxsize=64)
def read_decisions(xml: bytes) -> ReadDecisions:
    """Read a DMN file safely. Never raises for a bad one: all faults are findings, `path` is the line."""
    root = read_source(xml)
    if isinstance(root, Finding):
        return ReadDecisions({}, (root,))
    if _local(root) != "definitions":
        return ReadDecisions({}, (Finding("decision_not_dmn", path=str(line_of(root)), values={"found": str(root.tag)[:100]}),))
    reader = _Reader()
    decisions = reader.read(root)
    findings = tuple(reader.findings)
    refused = any(finding.severity == "error" for finding in findings)
    return ReadDecisions(MappingProxyType({} if refused else decisions), findings)


class _Reader:
    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def say(self, code: str, element: etree._Element, severity: Severity = "error", **values: Any) -> None:
        owner = next((each.get("id") for each in (element, *element.iterancestors()) if each.get("id")), None)
        self.findings.append(Finding(code, severity, owner, str(line_of(element)), values))

    def read(self, root: etree._Element) -> dict[str, Decision]:
        found: dict[str, Decision] = {}
        for element in root.iterchildren(etree.Element):
            if _local(element) == "decision":
                decision = self._decision(element)
                if decision.key in found:
                    self.say("decision_twice", element, decision=decision.key)
                found[decision.key] = decision
            elif _local(element) not in _PLAIN:
                self.say("decision_part_unused", element, "warning", what=_local(element))
        if not found:
            self.say("decision_none", root)
        for decision in found.values():
            self._requirements(decision, found, root)
        return found

    def _requirements(self, decision: Decision, found: Mapping[str, Decision], root: etree._Element) -> None:
        element = next(each for each in _children(root, "decision") if each.get("id", "") == decision.key)
        for required in decision.requires:
            if required not in found:
                self.say("decision_requires_unknown", element, reference=required)
        todo, seen = [*decision.requires], set[str]()
        while todo:
            key = todo.pop()
            if key == decision.key:
                self.say("decision_requires_itself", element, decision=key)
                return
            if key in found and key not in seen:
                seen.add(key)
                todo += found[key].requires

    def _decision(self, element: etree._Element) -> Decision:
        key = element.get("id", "")
        if not key:
            self.say("decision_id_missing", element)
        for child in element.iterchildren(etree.Element):
            name = _local(child)
            if name not in _PLAIN | _LOGIC | _PARTS and name:
                self.say("decision_part_unused", child, "warning", what=name)
        required = element.iterfind("{*}informationRequirement/{*}requiredDecision")
        whole: dict[str, Any] = {
            "key": key,
            "name": element.get("name") or key,
            "version_tag": next((value for name, value in element.attrib.items() if str(name).endswith("}versionTag")), None),
            "requires": tuple(each.get("href", "").lstrip("#") for each in required),
            "line": line_of(element),
        }
        table, literal = next(_children(element, "decisionTable"), None), next(_children(element, "literalExpression"), None)
        if table is not None:
            return self._table(table, whole)
        if literal is None:
            self.say("decision_no_logic", element, decision=key)
        variable = next(_children(element, "variable"), None)
        name = (variable.get("name") if variable is not None else None) or key
        value = None if literal is None else self._value(literal, name, 1)
        rule = Rule(key, 1, (), (value,))
        return Decision(**whole, hit_policy="UNIQUE", aggregation=None, inputs=(), outputs=(Column(name),), rules=(rule,))

    def _table(self, table: etree._Element, whole: dict[str, Any]) -> Decision:
        policy, aggregation = table.get("hitPolicy", "UNIQUE"), table.get("aggregation")
        if policy not in HIT_POLICIES:
            self.say("decision_hit_policy", table, policy=policy, known=", ".join(HIT_POLICIES))
        inputs = [self._input(each, place) for place, each in enumerate(_children(table, "input"), 1)]
        outputs = list(_children(table, "output"))
        names = [each.get("name") or (whole["key"] if len(outputs) == 1 else "") for each in outputs]
        if not names or not all(names) or len(set(names)) < len(names):
            self.say("decision_outputs", table)
        if aggregation is not None and (policy != "COLLECT" or aggregation not in AGGREGATIONS or len(names) != 1):
            self.say("decision_aggregation", table, aggregation=aggregation, known=", ".join(AGGREGATIONS))
        rules = [self._rule(each, number, inputs, names) for number, each in enumerate(_children(table, "rule"), 1)]
        if not rules:
            self.say("decision_no_rules", table, "warning")
        columns = tuple(Column(name) for name in names)
        return Decision(
            **whole, hit_policy=policy, aggregation=aggregation, inputs=tuple(inputs), outputs=columns, rules=tuple(rules)
        )

    def _input(self, element: etree._Element, place: int) -> Column:
        expression = next(_children(element, "inputExpression"), None)
        text = "" if expression is None else _text(expression)
        name = element.get("label") or text or str(place)
        if expression is None or not text:
            self.say("decision_input_empty", element, column=name)
            return Column(name)
        return Column(name, self._value(expression, name, 0))

    def _rule(self, element: etree._Element, number: int, inputs: list[Column], names: list[str]) -> Rule:
        cells, results = list(_children(element, "inputEntry")), list(_children(element, "outputEntry"))
        if (len(cells), len(results)) != (len(inputs), len(names)):
            self.say("decision_rule_cells", element, rule=number, inputs=len(inputs), outputs=len(names))
        tests = [self._test(cell, column.name, number) for cell, column in zip(cells, inputs, strict=False)]
        values = [self._value(cell, name, number) for cell, name in zip(results, names, strict=False)]
        return Rule(element.get("id") or str(number), number, tuple(tests), tuple(values))

    def _test(self, cell: etree._Element, column: str, rule: int) -> Test:
        return self._cell(read_test, cell, column, rule) or (lambda given, variables: False)

    def _value(self, cell: etree._Element, column: str, rule: int) -> Value | None:
        return self._cell(read_value, cell, column, rule) if _text(cell) else None

    def _cell(self, read: Any, cell: etree._Element, column: str, rule: int) -> Any:
        language = cell.get("expressionLanguage", "")
        if language.rpartition("/")[2].lower() not in LANGUAGES and "FEEL" not in language:
            self.say("decision_language", cell, rule=rule, column=column, language=language)
        text = _text(cell)
        try:
            return read(text)
        except EntryFault as fault:
            reason: Any = fault.reason
        except ExpressionRefused as refused:
            reason = refused.values["reason"]
        code = "decision_cell" if rule else "decision_input"
        self.say(code, cell, rule=rule, column=column, text=text[:200], reason=reason)
        return None


def _local(element: etree._Element) -> str:
    """The name of an element of a DMN namespace, of any version; empty for all others."""
    namespace, _, name = str(element.tag).removeprefix("{").rpartition("}")
    return name if NAMESPACE in namespace else ""


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element.iterchildren(etree.Element) if _local(child) == name)


def _text(element: etree._Element) -> str:
    found = next(_children(element, "text"), None)
    return "" if found is None else "".join(str(part) for part in found.itertext()).strip()
