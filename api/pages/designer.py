"""Deployed diagrams to look at, and any diagram to be checked. What is to become a version is a draft (`api.pages.drafts`)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, render_template, request, url_for
from lxml import etree

from api.pages.present import process_engine, reader, signed_in, words
from api.settings import MEGABYTE
from engine.definitions import Checked, check_diagram, get_definition, list_definitions
from engine.errors import DefinitionUnknown, Problem
from engine.tables import definition
from workflows.rules import can, require

pages = Blueprint("designer", __name__)
DEFINITIONS = "{http://www.omg.org/spec/BPMN/20100524/MODEL}definitions"
LARGEST_DIAGRAM = 5 * MEGABYTE


class DiagramTooLarge(Problem):
    """The diagram has more bytes than a diagram may have."""


class DiagramAbsent(Problem):
    """Neither a file nor a text was sent."""


@pages.get("/designer")
@signed_in
def list_all() -> str:
    """All deployed definitions, the latest version of each first."""
    require(reader(), "definition.read")
    with process_engine().read(by=reader().id) as work:
        rows = list_definitions(work)
    return render_template("definitions.html", definitions=rows, drafts_open=can(reader(), "notice.review"))


@pages.get("/designer/<definition_id>")
@signed_in
def show_definition(definition_id: str) -> str:
    """One definition in the drawing tool, with the remarks of its deployment."""
    require(reader(), "definition.read")
    with process_engine().read(by=reader().id) as work:
        loaded = get_definition(work, definition_id)
        checked = check_here(loaded.model.xml, loaded.key)
    return render_template(
        "designer.html",
        title=loaded.name,
        name=f"{loaded.key}_v{loaded.version}",
        address=url_for("designer.read_xml", definition_id=definition_id),
        xml=None,
        findings=worded(checked),
        checked=checked,
    )


@pages.get("/definitions/<definition_id>.bpmn")
@signed_in
def read_xml(definition_id: str) -> Response:
    """A deployed diagram as XML: for the viewers of everybody who is logged in (a procedure is no secret), and for download."""
    with process_engine().read(by=reader().id) as work:
        xml: bytes | None = work.connection.execute(
            sa.select(definition.c.xml).where(definition.c.id == definition_id)
        ).scalar_one_or_none()
    if xml is None:
        raise DefinitionUnknown(key=definition_id)
    return Response(xml, mimetype="application/xml", headers={"Cache-Control": "private, max-age=86400, immutable"})


@pages.get("/designer/check")
@signed_in
def new_check() -> str:
    """A diagram can be uploaded or pasted here."""
    require(reader(), "definition.read")
    return render_template("designer_check.html")


@pages.post("/designer/check")
@signed_in
def check_form() -> Any:
    """Check what was uploaded, pasted, or drawn: a page with the findings, or their list as JSON for the drawing tool.

    Raises DiagramAbsent, DiagramTooLarge.
    """
    require(reader(), "definition.read")
    drawn = request.mimetype in ("application/xml", "text/xml")
    if drawn:
        xml, name = request.get_data(cache=False), "diagram.bpmn"
    else:
        upload = request.files.get("file")
        pasted = request.form.get("xml", "").strip()
        name = upload.filename if upload and upload.filename else "diagram.bpmn"
        xml = upload.stream.read(LARGEST_DIAGRAM + 1) if upload and upload.filename else pasted.encode()
    if not xml:
        raise DiagramAbsent()
    if len(xml) > LARGEST_DIAGRAM:
        raise DiagramTooLarge(limit_mb=LARGEST_DIAGRAM // MEGABYTE)
    checked = check_here(xml, name)
    if drawn:
        return jsonify(message=summary(checked), refused=checked.refused, findings=worded(checked))
    return render_template(
        "designer.html",
        title=name,
        name=name.removesuffix(".bpmn"),
        address="",
        xml=xml.decode("utf-8", "replace") if is_drawable(xml) else None,
        findings=worded(checked),
        checked=checked,
    )


def is_drawable(xml: bytes) -> bool:
    """Whether there is a drawing to show: well-formed definitions without a document type, however faulty otherwise."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return root.tag == DEFINITIONS and b"<!DOCTYPE" not in xml


def worded(checked: Checked) -> list[dict[str, str | None]]:
    """The findings as the page and the drawing tool show them, errors first."""
    order = {"error": 0, "warning": 1, "information": 2}
    return [
        {
            "code": found.code,
            "severity": found.severity,
            "label": words().say(f"finding.{found.severity}"),
            "element": found.element,
            "path": found.path,
            "text": words().tell(found),
        }
        for found in sorted(checked.findings, key=lambda found: order[found.severity])
    ]


def summary(checked: Checked) -> str:
    """One sentence about the whole check."""
    count = sum(found.severity == "error" for found in checked.findings)
    if checked.refused:
        return words().say("designer.refused", count=count)
    return (
        words().say("designer.fine_with_remarks", count=len(checked.findings))
        if checked.findings
        else words().say("designer.fine")
    )


def check_here(xml: bytes, name: str) -> Checked:
    """What a deployment on this installation would be told."""
    here = process_engine()
    return check_diagram(xml, name=name, handlers=here.handlers.names(), roles=here.roles, now=here.clock.now())
