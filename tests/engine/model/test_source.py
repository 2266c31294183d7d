"""Hostile and broken files: one clear finding with the line, never an exception, never a long wait."""

from __future__ import annotations

import time

import pytest

from engine.model import read_diagram
from engine.model.source import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS

BOMB = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10 if level else "lol"}">' for level in range(12))


@pytest.mark.parametrize(("xml", "code", "line"), [
    (b"", "diagram_malformed", "1"),
    (b"not xml", "diagram_malformed", "1"),
    (b"\xff\xfe\x00\x00", "diagram_malformed", "1"),
    (b"<a>\n<b></a>", "diagram_malformed", "2"),
    (b"<a>\n\x00</a>", "diagram_malformed", "2"),
    (b"<a/><b/>", "diagram_malformed", "1"),
    (b'<?xml version="1.0" encoding="no-such"?><a/>', "diagram_malformed", "1"),
    (b"<x:a/>", "diagram_malformed", "1"),
    (b"<a>&undefined;</a>", "diagram_malformed", "1"),
    (b"<!DOCTYPE a><a/>", "diagram_doctype", "1"),
    (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "diagram_doctype", "1"),
    (b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>', "diagram_doctype", "1"),
    (f"<!DOCTYPE a [{BOMB}]><a>&l11;</a>".encode(), "diagram_doctype", "1"),
    (f"<!DOCTYPE a [{BOMB}]><a>&l11;</a>".encode("utf-16"), "diagram_doctype", "1"),
    (b'<?xml version="1.0"?>\n<?xml-stylesheet href="x"?><a/>', "diagram_processing_instruction", "2"),
    (b"<a>" * (MAX_DEPTH + 1), "diagram_too_deep", "1"),
    (b"<a>" * 1_000_000, "diagram_too_deep", "1"),
    (b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>", "diagram_too_many_elements", "1"),
    (b"<a>" + b" " * MAX_BYTES + b"</a>", "diagram_too_large", None),
    (b"<definitions/>", "diagram_not_bpmn", "1"),
    (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">\n</definitions>', "diagram_no_process", "1"),
])  # fmt: skip
def test_bad_files_are_refused_with_their_line(xml: bytes, code: str, line: str | None) -> None:
    begun = time.perf_counter()
    result = read_diagram(xml, name="bad")
    assert time.perf_counter() - begun < 3
    assert result.definition is None
    assert [(finding.code, finding.path) for finding in result.findings] == [(code, line)]


def test_comments_and_other_encodings_are_read() -> None:
    xml = (
        '<?xml version="1.0" encoding="UTF-16"?><!-- a --><definitions '
        'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><!-- b --><process id="p" isExecutable="true">'
        '<!-- c --><userTask id="a" name="申报"/></process></definitions>'
    ).encode("utf-16")
    result = read_diagram(xml, name="good")
    assert result.definition is not None
    assert result.definition.nodes["a"].name == "申报"
    assert result.definition.xml == xml


@pytest.mark.parametrize("position", range(0, 318, 6))
def test_cut_files_never_raise(position: int) -> None:
    xml = (
        b'<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" '
        b'isExecutable="true"><startEvent id="s"><timerEventDefinition><timeDate>${x}</timeDate></timerEventDefinition>'
        b'</startEvent><userTask id="a"/><sequenceFlow id="f" sourceRef="s" targetRef="a"/></process></definitions>'
    )
    assert read_diagram(xml[:position], name="cut").definition is None
