"""The BPMN schema: every violation is found with its line and element, nothing unsafe is read, the file stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.spiff import validate_xsd
from engine.texts import LANGUAGES, Catalogue
from tests.engine.kernel_runs import diagram

GOOD = diagram('<startEvent id="s"/><endEvent id="e"/>', "s e")
BAD = b"""<?xml version="1.0"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
  <process id="p" isExecutable="perhaps">
    <startEvent id="s" colour="red"/>
    <sequenceFlow id="f" sourceRef="s"/>
    <subProcess id="q">
      <unknownThing/>
    </subProcess>
  </process>
</definitions>"""


def test_a_valid_file_has_no_findings() -> None:
    assert validate_xsd(GOOD, "good.bpmn") == []


@pytest.mark.parametrize("path", sorted(Path("bpmn").glob("*/*.bpmn")), ids=str)
def test_our_own_diagrams_are_valid(path: Path) -> None:
    assert validate_xsd(path.read_bytes(), path.name) == []


def test_every_violation_with_its_line_and_element() -> None:
    findings = validate_xsd(BAD, "bad.bpmn")
    assert [(found.code, found.element, found.path) for found in findings] == [
        ("schema_violated", "p", "3"),
        ("schema_violated", "s", "4"),
        ("schema_violated", "f", "5"),
        ("schema_violated", "q", "7"),
    ]
    assert "colour" in findings[1].values["reason"] and "{http" not in findings[1].values["reason"]
    catalogue = Catalogue("engine")
    assert all("colour" in catalogue.tell(findings[1], language) for language in LANGUAGES)


@pytest.mark.parametrize("tree", [True, False])
def test_a_tree_is_validated_like_its_text_and_not_changed(tree: bool) -> None:
    root = etree.fromstring(BAD)
    before = etree.tostring(root)
    found = validate_xsd(root.getroottree() if tree else root, "bad.bpmn")
    assert found == validate_xsd(BAD, "bad.bpmn") and etree.tostring(root) == before


@pytest.mark.parametrize("text, line", [(b"", "1"), (b"no xml", "1"), (b"<a>\n<b>\n</a>", "3"), (b"\xff\xfe\x00", "1")])
def test_what_is_no_xml_is_one_finding(text: bytes, line: str) -> None:
    (finding,) = validate_xsd(text, "x.bpmn")
    assert (finding.code, finding.path) == ("schema_xml_unreadable", line)


def test_a_document_type_is_refused_and_its_entities_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("very secret")
    text = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode()
    for source in (text, etree.fromstring(text, etree.XMLParser(resolve_entities=False))):
        (finding,) = validate_xsd(source, "x.bpmn")
        assert finding.code == "schema_xml_unreadable" and "secret" not in str(finding.values)


def test_a_bomb_of_depth_is_no_crash() -> None:
    (finding,) = validate_xsd(b"<a>" * 100_000 + b"</a>" * 100_000, "x.bpmn")
    assert finding.code == "schema_xml_unreadable"


def test_correlation_as_bpmn_js_writes_it_is_accepted() -> None:
    """bpmn-js writes `formalExpression` where the schema wants `messagePath`; the library renames it on its copy."""
    prefix = (
        b'<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"><b:message id="M"/>'
    )
    middle = b'<b:correlationProperty id="c"><b:correlationPropertyRetrievalExpression messageRef="M">%s'
    end = b"</b:correlationPropertyRetrievalExpression></b:correlationProperty></b:definitions>"
    assert validate_xsd(prefix + middle % b"<b:formalExpression>x</b:formalExpression>" + end, "x.bpmn") == []
    assert validate_xsd(prefix + middle % b"<b:other>x</b:other>" + end, "x.bpmn") != []
