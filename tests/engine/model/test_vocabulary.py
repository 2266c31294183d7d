"""The vocabulary knows every name of the standard's schema, and what is told about them is told once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import SpiffWorkflow
from lxml import etree

from engine.model import Read
from engine.model.vocabulary import read_vocabulary

XSD = "{http://www.w3.org/2001/XMLSchema}"
SCHEMA = Path(SpiffWorkflow.__file__).parent / "bpmn" / "parser" / "schema" / "Semantic.xsd"
ABSTRACT = {
    *(
        "activity",
        "artifact",
        "baseElement",
        "baseElementWithMixedContent",
        "callableElement",
        "catchEvent",
        "choreographyActivity",
    ),
    *(
        "conversationNode",
        "dataAssociation",
        "eventDefinition",
        "expression",
        "flowElement",
        "flowNode",
        "formalExpression",
        "gateway",
    ),
    *("loopCharacteristics", "rootElement", "throwEvent"),
}
"""Types that the schema declares as elements and that no diagram holds by these names."""
INSIDE = {
    *("assignment", "resourceAssignmentExpression", "resourceParameterBinding"),
}
"""Elements inside of others that are told as a whole."""
STATES = {"run", "people", "idle", "missed", "refused"}


def test_every_element_of_the_schema_is_known() -> None:
    root = etree.parse(SCHEMA).getroot()
    declared = {element.get("name") for element in root.findall(XSD + "element")}
    assert declared - ABSTRACT - INSIDE - read_vocabulary()["elements"].keys() == set()


def test_every_attribute_that_is_named_is_of_the_schema() -> None:
    root = etree.parse(SCHEMA).getroot()
    attributes = {each.get("name") for each in root.iter(XSD + "attribute")}
    attributes |= {"targetNamespace", "exporter", "exporterVersion", "expressionLanguage", "typeLanguage"}
    for name, entry in read_vocabulary()["elements"].items():
        for state in entry.keys() - {"state"}:
            assert {each.partition("=")[0] for each in entry[state]} <= attributes, name


@pytest.mark.parametrize("part", ["elements", "camunda", "camunda_elements"])
def test_states_are_words_of_the_vocabulary(part: str) -> None:
    for name, entry in read_vocabulary()[part].items():
        assert entry["state"] in STATES, name
        assert entry.keys() <= {"state", "at", "people", "idle", "missed"}, name


def test_a_name_without_effect_is_told_once_and_its_default_never(read_body: Callable[..., Read]) -> None:
    body = (
        '<startEvent id="s"/><userTask id="a" camunda:assignee="x" camunda:asyncBefore="true" implementation="##unspecified"/>'
        '<userTask id="b" camunda:assignee="x" camunda:asyncBefore="true"><auditing/><ioSpecification><inputSet/><outputSet/>'
        '</ioSpecification></userTask><sequenceFlow id="f" sourceRef="s" targetRef="a"/>'
        '<sequenceFlow id="g" sourceRef="a" targetRef="b"/>'
    )
    told = [(found.code, found.element, found.values["name"]) for found in read_body(body).findings]
    assert told == [("diagram_unused_extension", "a", "asyncBefore"), ("diagram_unused_element", "b", "auditing")]


def test_processes_that_are_not_executed_are_not_looked_at(read_body: Callable[..., Read]) -> None:
    top = '<process id="theirs" isExecutable="false"><userTask id="z"><potentialOwner/></userTask></process>'
    assert read_body('<startEvent id="s"/>', top=top).findings == ()
