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
        ("schema_value_invalid", "p", "3"),
        ("schema_attribute_unknown", "s", "4"),
        ("schema_attribute_missing", "f", "5"),
        ("schema_element_instead", "q", "7"),
    ]
    catalogue = Catalogue("engine")
    assert all("colour" in catalogue.tell(findings[1], language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("inner", "code", "zh", "en"),
    [
        ('<usertask id="u"/>', "schema_element_instead", "此处不能有 <usertask>", "<usertask> cannot stand here"),
        ('<task id="t"><extensionElements/>x<outgoing/><incoming/></task>', "schema_element_instead", "<incoming>", "<incoming>"),
        ('<task id="t" nix="1"/>', "schema_attribute_unknown", "<task> 没有属性“nix”", "<task> has no attribute “nix”"),
        ('<boundaryEvent id="b"/>', "schema_attribute_missing", "缺少属性“attachedToRef”", "lacks the attribute “attachedToRef”"),
        (
            '<startEvent id="s" isInterrupting="maybe"/>',
            "schema_value_invalid",
            "“maybe”不能作为 <startEvent isInterrupting> 的值（BPMN 2.0 规范），须为 boolean",
            "“maybe” cannot be the value of <startEvent isInterrupting> (BPMN 2.0 schema): it must be of the type boolean",
        ),
        (
            '<exclusiveGateway id="g" gatewayDirection="Up"/>',
            "schema_value_unlisted",
            "可以是：'Unspecified'",
            "what can: 'Unspecified'",
        ),
        ('<startEvent id="p"/>', "schema_id_twice", "id“p”在此文件中出现了两次", "The id “p” stands twice"),
        ('<startEvent id="9"/>', "schema_value_invalid", "须为 ID", "of the type ID"),
        ("<ioSpecification/>", "schema_child_missing", "<ioSpecification> 中缺少必需的内容", "<ioSpecification> lacks"),
    ],
)
def test_what_the_schema_says_is_told_in_both_languages(inner: str, code: str, zh: str, en: str) -> None:
    head = b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"><process id="p">'
    found = validate_xsd(head + inner.encode() + b"</process></definitions>", "x.bpmn")
    catalogue = Catalogue("engine")
    assert code in {each.code for each in found}
    (each,) = [each for each in found if each.code == code]
    assert zh in catalogue.tell(each, "zh") and en in catalogue.tell(each, "en")
    assert "{http" not in catalogue.tell(each, "en")


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
