"""Safe reading of XML: bounded, and without anything that could reach outside or grow.

A first pass with expat counts and refuses (it stops at the first offence, before a declared entity could be used); only
what passed is built into a tree by lxml, with entities, DTD and network switched off as well.
"""

from __future__ import annotations

from xml.parsers import expat

from lxml import etree

from engine.errors import Finding

MAX_BYTES = 5_000_000
MAX_DEPTH = 100
MAX_ELEMENTS = 100_000


class _Offence(Exception):
    """Stops the first pass."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class _Guard:
    """The first pass: no document type, no processing instruction, not too deep, not too many elements."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.depth = self.count = 0
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.buffer_text = True

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH:
            raise _Offence("diagram_too_deep", limit=MAX_DEPTH)
        if self.count > MAX_ELEMENTS:
            raise _Offence("diagram_too_many_elements", limit=MAX_ELEMENTS)

    def _end(self, tag: str) -> None:
        self.depth -= 1

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise _Offence("diagram_doctype")

    def _instruction(self, target: str, data: str) -> None:
        raise _Offence("diagram_processing_instruction", target=target)


def read_source(xml: bytes) -> etree._Element | Finding:
    """The root element, or the one reason why there is none. `path` of a finding is the line."""
    if len(xml) > MAX_BYTES:
        return Finding("diagram_too_large", values={"limit": MAX_BYTES // 1_000_000, "bytes": len(xml)})
    guard = _Guard()
    try:
        guard.parser.Parse(xml, True)
    except _Offence as offence:
        return Finding(offence.code, path=str(guard.parser.CurrentLineNumber), values=offence.values)
    except expat.ExpatError as error:
        values = {"reason": expat.ErrorString(error.code), "column": error.offset + 1}
        return Finding("diagram_malformed", path=str(error.lineno), values=values)
    except (ValueError, LookupError) as error:  # an encoding that expat does not know
        return Finding("diagram_malformed", path="1", values={"reason": str(error), "column": 1})
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:  # lxml knows a rule that expat does not, such as a namespace without a name
        line, column = error.position
        return Finding("diagram_malformed", path=str(line), values={"reason": error.msg, "column": column})
