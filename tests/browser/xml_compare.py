"""BPMN files compared element by element and attribute by attribute, the drawing included; only two things may differ.

Prefixes of namespaces, and the order in which a plane lists its shapes: it says what is painted over what, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def differences(before: bytes, after: bytes) -> list[str]:
    """Every place at which the two files do not say the same."""
    return list(_compare(etree.fromstring(before), etree.fromstring(after), ""))


def _compare(old: etree._Element, new: etree._Element, place: str) -> Iterator[str]:
    here = f"{place}/{old.get('id') or old.get('bpmnElement') or etree.QName(old).localname}"
    if old.tag != new.tag:
        yield f"{here}: {old.tag} is {new.tag}"
        return
    first, second = _attributes(old), _attributes(new)
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            yield f"{here}@{name}: {first.get(name)!r} is {second.get(name)!r}"
    if (old.text or "").strip() != (new.text or "").strip():
        yield f"{here}: text {(old.text or '').strip()!r} is {(new.text or '').strip()!r}"
    left, right = _children(old), _children(new)
    if [child.tag for child in left] != [child.tag for child in right]:
        yield f"{here}: children {[_name(child) for child in left]} are {[_name(child) for child in right]}"
        return
    for mine, theirs in zip(left, right, strict=True):
        yield from _compare(mine, theirs, here)


def _children(element: etree._Element) -> list[etree._Element]:
    found = [child for child in element if isinstance(child.tag, str)]
    return sorted(found, key=_name) if etree.QName(element).localname == "BPMNPlane" else found


def _attributes(element: etree._Element) -> dict[str, str]:
    found = {}
    for name, value in element.attrib.items():
        if name == XSI_TYPE:  # the value is a name with a prefix of this file
            prefix, _, local = str(value).rpartition(":")
            value = f"{{{element.nsmap.get(prefix or None)}}}{local}"
        found[str(name)] = _number(str(value))
    return found


def _number(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _name(element: etree._Element) -> str:
    return element.get("id") or etree.QName(element).localname
