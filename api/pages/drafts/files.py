"""The files of a draft: read, saved while drawing, added and taken out."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Response, jsonify, redirect, request, url_for

from api.pages.drafts.opening import open_draft, pages, refuse
from api.pages.drafts.versions import read_number
from api.pages.errors import STATUS
from api.pages.present import PageIncomplete, process_engine, read_key, read_revision, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows.notices import drafts
from workflows.notices.drafts import DraftChanged, DraftFileUnknown
from workflows.notices.source import LARGEST_FILE
from workflows.rules import require

TYPES = {"bpmn": "application/xml", "dmn": "application/xml", "form": "application/json", "yaml": "text/plain; charset=utf-8"}
KEY = re.compile(r"[a-z0-9_]{1,60}")
EMPTY_DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" \
id="definitions_{key}" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{key}" name="{name}" isExecutable="true">
    <bpmn:startEvent id="start" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram">
    <bpmndi:BPMNPlane id="plane" bpmnElement="{key}">
      <bpmndi:BPMNShape id="start_di" bpmnElement="start"><dc:Bounds x="160" y="100" width="36" height="36" /></bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""
EMPTY_TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="definitions_{key}" name="{name}" \
namespace="http://bpmn.io/schema/dmn">
  <decision id="{key}" name="{name}">
    <decisionTable id="table" hitPolicy="UNIQUE">
      <input id="input"><inputExpression id="input_expression" typeRef="string"><text>outcome</text></inputExpression></input>
      <output id="output" name="result" typeRef="string" />
      <rule id="rule_1">
        <inputEntry id="rule_1_input"><text>-</text></inputEntry>
        <outputEntry id="rule_1_output"><text>""</text></outputEntry>
      </rule>
    </decisionTable>
  </decision>
</definitions>
"""


class FileKeyRefused(Problem):
    """A new file's name is badly written or taken. Value: `key`."""


@pages.get("/drafts/<draft_id>/files/<path:path>")
@signed_in
def read_file(draft_id: str, path: str) -> Response:
    """One file as it stands in a version (`version`, the latest if not said).

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    asked = request.args.get("version", "")
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, read_number(asked) if asked else draft.version)
    if path not in files:
        raise DraftFileUnknown(path=path)
    headers = {"Content-Disposition": f'attachment; filename="{path.rpartition("/")[2]}"'}
    return Response(files[path], content_type=TYPES.get(path.rpartition(".")[2], "text/plain"), headers=headers)


@pages.put("/drafts/<draft_id>/files/<path:path>")
@signed_in
def write_file(draft_id: str, path: str) -> Any:
    """Keep a file while it is drawn. `If-Match` holds the version that the page knows; the answer names the one it is in now.

    When somebody changed this file since, nothing is written: 409 with who and the latest version.
    Raises NotPermitted, DraftUnknown, DraftClosed, DraftFileRefused, PageIncomplete.
    """
    require(reader(), "notice.edit")
    mark = request.headers.get("If-Match", "").strip().strip('"')
    if not (mark.isascii() and mark.isdigit() and len(mark) < 10):
        raise PageIncomplete()
    content = request.stream.read(LARGEST_FILE + 1)
    try:
        with process_engine().begin(by=reader().id) as work:
            number = drafts.save_file(work, reader(), draft_id, path, content, seen=int(mark), kind="autosaved")
            at = work.now
    except DraftChanged as changed:
        latest = changed.values["number"]
        look = url_for("drafts.compare", draft_id=draft_id, before=mark, after=latest)
        return jsonify(message=words().tell(changed), code=changed.code, version=latest, compare=look), STATUS[changed.kind]
    return jsonify(version=number, message=words().say("draft.saved_at", number=number, at=words().exact(at)))


@pages.post("/drafts/<draft_id>/files")
@signed_in
def add_file(draft_id: str) -> Any:
    """Add a form (`kind` `form`, a copy of `copy` or empty), a diagram (`diagram`) or a decision table (`decision`),
    named by `name`; then edit it.

    Raises NotPermitted, DraftUnknown, PageIncomplete.
    """
    require(reader(), "notice.edit")
    kind, name, copy = request.form.get("kind", ""), request.form.get("name", "").strip(), request.form.get("copy", "")
    seen = read_revision()
    path = {"form": f"forms/{name}.form", "decision": f"{name}.dmn"}.get(kind, f"{name}.bpmn")

    def add(work: Work) -> dict[str, int]:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, draft.version)
        if not KEY.fullmatch(name) or path in files:
            raise FileKeyRefused(key=name[:60])
        if kind == "form":
            content = make_form(name, files.get(copy))
        else:
            empty = EMPTY_TABLE if kind == "decision" else EMPTY_DIAGRAM
            content = empty.format(key=f"{draft.key}_{name}", name=name).encode()
        return {"version": drafts.save_file(work, reader(), draft_id, path, content, seen=seen)}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "draft.add", {"draft": draft_id, "path": path, "copy": copy, "seen": seen}, lambda: add(work))
    except Problem as problem:
        if problem.kind not in ("conflict", "invalid"):
            raise
        return refuse(problem, draft_id)
    return redirect(url_for("drafts.edit", draft_id=draft_id, path=path), 303)


@pages.post("/drafts/<draft_id>/remove/<path:path>")
@signed_in
def remove_file(draft_id: str, path: str) -> Any:
    """Take a file out.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    seen = read_revision()

    def remove(work: Work) -> dict[str, int]:
        return {"version": drafts.remove_file(work, reader(), draft_id, path, seen=seen)}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "draft.remove", {"draft": draft_id, "path": path, "seen": seen}, lambda: remove(work))
    except Problem as problem:
        if problem.kind not in ("conflict", "invalid"):
            raise
        return refuse(problem, draft_id)
    tell_next("draft.removed", path=path)
    return redirect(url_for("drafts.show", draft_id=draft_id), 303)


def make_form(key: str, copied: bytes | None) -> bytes:
    """A form of this key: a copy of another one, or an empty one."""
    form: dict[str, Any] = {"components": [], "type": "default", "id": key, "schemaVersion": 19}
    if copied is not None:
        try:
            form = {**json.loads(copied), "id": key}
        except (ValueError, TypeError):
            return copied  # a copy of what cannot be read is as faulty as it
    return (json.dumps(form, ensure_ascii=False, indent=2) + "\n").encode()
