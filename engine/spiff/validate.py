"""Diagrams against the BPMN 2.0 schema (OMG formal/2013-12-09, the XSD files that SpiffWorkflow ships)."""

from __future__ import annotations

import copy
import re
from functools import cache
from threading import Lock

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator

from engine.errors import Finding

LOCK = Lock()
LONGEST = 300
NAMESPACE = re.compile(r"\{http[^}]*\}")
ID = re.compile(r"[^\W\d][\w.-]*")
WHERE = r"^Element '(?P<tag>[^']*)'(?:, attribute '(?P<attribute>[^']*)')?: (?:\[facet '\w+'\] )?"
KINDS = tuple(
    (kind, re.compile(WHERE + pattern, re.DOTALL), code)
    for kind, pattern, code in (
        (
            "ELEMENT_CONTENT",
            r"This element is not expected\. Expected is (?:one of )?\( (?P<expected>.*) \)",
            "schema_element_instead",
        ),
        ("ELEMENT_CONTENT", r"This element is not expected\.", "schema_element_unexpected"),
        (
            "ELEMENT_CONTENT",
            r"Missing child element\(s\)\. Expected is (?:one of )?\( (?P<expected>.*) \)",
            "schema_child_missing",
        ),
        ("CVC_COMPLEX_TYPE_3_2", r"The attribute '[^']*' is not allowed\.", "schema_attribute_unknown"),
        ("CVC_COMPLEX_TYPE_4", r"The attribute '(?P<missing>[^']*)' is required but missing\.", "schema_attribute_missing"),
        (
            "CVC_DATATYPE_VALID",
            r"'(?P<value>.*)' is not a valid value of the \w+ type '(?:\w+:)?(?P<type>[^']*)'",
            "schema_value_invalid",
        ),
        (
            "CVC_ENUMERATION_VALID",
            r"The value '(?P<value>.*)' is not an element of the set \{(?P<allowed>.*)\}",
            "schema_value_unlisted",
        ),
    )
)
"""Which kind of libxml2's error, told in which of its words, is which finding of ours; the first that fits."""


def validate_xsd(source: etree._Element | etree._ElementTree | bytes, name: str) -> list[Finding]:
    """Every violation of the schema in one file, in document order; an empty list when there is none.

    A finding's `path` is the line, `name` (the file) is among its values. A tree that is given is not changed. A file that is
    not well-formed, or that declares a document type, gives one finding and is not validated further.
    """
    if isinstance(source, bytes):
        try:
            root = etree.fromstring(source, safe_parser())
        except etree.XMLSyntaxError as error:
            return [Finding("schema_xml_unreadable", path=str(error.lineno or 1), values={"reason": error.msg, "file": name})]
    else:
        root = source if isinstance(source, etree._Element) else source.getroot()
    if getattr(root.getroottree().docinfo, "doctype", None):
        values = {"reason": "a document type declaration is not allowed", "file": name}
        return [Finding("schema_xml_unreadable", path="1", values=values)]
    if not isinstance(source, bytes):
        root = copy.deepcopy(root)  # preprocess renames elements that bpmn-js writes against the schema
    with LOCK:  # a schema object keeps the errors of its last run
        validator = _validator()
        validator.preprocess(root)
        for call in root.iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}callActivity"):
            if "{" in call.get("calledElement", ""):  # an expression, as Camunda writes it; the schema has only names
                call.set("calledElement", "expression")
        if validator.validator.validate(root):
            return []
        return [_violation(root.getroottree(), error, name) for error in validator.validator.error_log]


def safe_parser() -> etree.XMLParser:
    """A parser for files from people: no entities, no network, no DTD, bounded size and depth."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, remove_comments=True
    )


@cache
def _validator() -> BpmnValidator:
    """The schema is compiled once (about 20 ms)."""
    return BpmnValidator()


def _violation(tree: etree._ElementTree, error: etree._LogEntry, name: str) -> Finding:
    """What libxml2 found, by its kind where it is one that people meet; else in libxml2's own (English) words."""
    message = NAMESPACE.sub("", error.message)
    code, values = "schema_violated", {"reason": message}
    for kind, pattern, told in KINDS:
        if error.type_name.startswith(f"SCHEMAV_{kind}") and (match := pattern.search(message)) is not None:
            code, values = told, {key: (value or "")[:LONGEST] for key, value in match.groupdict().items()}
            values["place"] = f"{values['tag']} {values['attribute']}".strip()
            break
    if code == "schema_value_invalid" and values["type"] == "ID" and ID.fullmatch(values["value"]):
        code = "schema_id_twice"
    return Finding(code, element=_nearest_id(tree, error.path), path=str(error.line), values={**values, "file": name})


def _nearest_id(tree: etree._ElementTree, path: str | None) -> str | None:
    """The id of the element that an error is about, or of the innermost element around it that has one."""
    namespaces = {prefix: uri for prefix, uri in tree.getroot().nsmap.items() if prefix}
    try:
        found = tree.xpath(path, namespaces=namespaces) if path else []
    except etree.XPathError:
        return None  # the path uses a prefix that is declared further in
    node = found[0] if isinstance(found, list) and found else None
    while isinstance(node, etree._Element):
        if node.get("id"):
            return node.get("id")
        node = node.getparent()
    return None
