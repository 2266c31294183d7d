"""A form edited component by component, beside what people will see of it."""

from __future__ import annotations

import json
from typing import Any

from flask import redirect, render_template, request, url_for

from api.pages.drafts import components
from api.pages.drafts.facts import label, option, walk
from api.pages.drafts.keeping import (
    Refusal,
    describe,
    keep,
    keeps_itself,
    may_keep,
    read_seen,
    show_revision,
    tell_kept,
    tell_refused,
)
from api.pages.drafts.opening import may_edit, name_file, open_file, pages
from api.pages.errors import STATUS
from api.pages.fields import Filling, show_form
from api.pages.present import read_revision, reader, signed_in, tell_next, words
from api.pages.records import Sent, Showing, order_like, read_shape, show_shape
from engine.errors import Problem
from workflows.forms import Form, FormRefused, Kind
from workflows.forms.components import MODELS
from workflows.notices.drafts import Draft
from workflows.rules import require

FOLDED = frozenset(
    [
        "id",
        "layout",
        "conditional",
        "versionTag",
        "disabled",
        "readonly",
        "defaultValue",
        "searchable",
        "increment",
        "serializeToString",
        "isRepeating",
        "allowAddRemove",
        "defaultRepetitions",
        "showOutline",
        "verticalAlignment",
        "disableCollapse",
        "nonCollapsedItems",
        "valuesKey",
        "personal",
        "blind",
        "required_if",
        "other_of",
        "criterion",
        "widget",
        "max_files",
        "max_bytes",
        "max_rows",
        "text_en",
    ]
)
"""Keys that few forms need; `label_en` and `description_en` stay in sight."""
LAST = frozenset({"properties"})
NAME = "component"


def show_editor(draft: Draft, path: str, content: bytes, typed: Any = None, refusal: Refusal | None = None) -> str | None:
    """The editor's page; None when the file is no JSON object, so that only its text can be edited."""
    form = typed if typed is not None else read_json(content)
    if form is None:
        return None
    lines = components.list_components(form)
    at = find_place(form, request.values.get("at", ""))
    findings = list_faults(form, path)
    texts: dict[str, list[str]] = {}
    for place, text in findings:
        texts.setdefault(place, []).append(text)
    node = None
    if (found := components.find(form, at)) is not None and isinstance(found[0][found[1]], dict):
        showing = Showing(label, option, texts, FOLDED, LAST)
        node = show_shape(components.component_shape(), components.open_component(found[0][found[1]]), NAME, at, showing)
    places = {each.path: each.id for each in walk(node)} if node else {}
    return render_template(
        "draft_form.html",
        draft=draft,
        path=path,
        name=name_file(path),
        lines=lines,
        at=at,
        node=node,
        types=[(name, option(name)) for name in MODELS],
        faulty={find_place(form, place) for place, _text in findings},
        faults=[(places.get(place), find_place(form, place), place, text) for place, text in findings],
        conflict=refusal,
        revision=show_revision(draft),
        editable=may_edit(draft),
        **show_preview(form),
    )


def save_editor(draft: Draft, path: str, content: bytes) -> Any:
    """Keep the component that was edited, then do what the button asked for, as the next version.

    The component's place is that in the version which the page showed.
    """
    before = read_json(read_seen(draft, path))
    if before is None:
        return redirect(url_for("drafts.edit", draft_id=draft.id, path=path, raw=1), 303)
    form, at = read_edited(before), request.form.get("at", "")
    operation = request.form.get("op", "")
    kind = request.form.get("new_type", "")
    if operation == "add_component" and kind in MODELS:
        at = components.add(form, at, kind, inside=request.form.get("where") == "inside")
    elif operation == "remove_component":
        at = components.remove(form, at)
    elif operation in ("up_component", "down_component"):
        at = components.move(form, at, -1 if operation == "up_component" else 1)
    mine = write_json(form)
    try:
        version = read_revision() if form == before else keep(draft, path, mine)
    except Problem as problem:
        if not may_keep(problem):
            raise
        refusal = describe(draft, path, problem, mine)
        if keeps_itself() and refusal is not None:
            return tell_refused(refusal, problem, "component_form")
        return show_editor(draft, path, content, form, refusal), STATUS[problem.kind]
    if keeps_itself():
        return tell_kept(version, faults=len(list_faults(form, path)))
    if not operation:
        tell_next("draft.kept", number=version)
    return redirect(url_for("drafts.edit", draft_id=draft.id, path=path, at=at, _anchor="component"), 303)


@pages.post("/drafts/<draft_id>/preview/<path:path>")
@signed_in
def preview(draft_id: str, path: str) -> str:
    """The form as people would see it with what is typed into the editor now; nothing is kept.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    require(reader(), "notice.edit")
    _draft, content = open_file(draft_id, path)
    form = read_json(content)
    return render_template("draft_preview.html", **show_preview(read_edited(form) if form is not None else None))


def read_edited(before: dict[str, Any]) -> dict[str, Any]:
    """The form with the component at `at` as it was sent."""
    form: dict[str, Any] = json.loads(json.dumps(before))
    found = components.find(form, request.form.get("at", ""))
    if found is not None and f"{NAME}.type" in request.form:
        owner, number = found
        old = components.open_component(owner[number])
        sent = Sent(request.form, request.form.get("op", ""))
        shown = read_shape(components.component_shape(), NAME, sent)
        closed = components.close_component(order_like(shown, old), owner[number])
        owner[number] = order_like(closed, owner[number])
    return form


def show_preview(form: Any) -> dict[str, Any]:
    """What the preview needs: the fields as a page shows them, or what is wrong with the form."""
    try:
        loaded = Form.load(form or {}, name="")
    except FormRefused as refused:
        return {"shown_parts": (), "preview_faults": [f"{found.path}：{words().tell(found)}" for found in refused.findings]}
    rows: dict[str, Any] = {field.key: [{}] for field in loaded.fields if field.kind is Kind.TABLE and not field.fixed_rows}
    filling = Filling({**rows, **loaded.defaults}, words().language)
    return {"shown_parts": show_form(loaded, filling), "preview_faults": []}


def list_faults(form: Any, path: str) -> list[tuple[str, str]]:
    """What is wrong with the form: (place, text)."""
    found = []
    try:
        Form.load(form, name="")
    except FormRefused as refused:
        found = [(finding.path or "", words().tell(finding)) for finding in refused.findings]
    return found


def find_place(form: Any, path: str) -> str:
    """The innermost component that a path leads into."""
    place = ""
    for part in path.split("."):
        step = f"{place}.{part}" if place else part
        if components.PLACE.fullmatch(part) is None or components.find(form, step) is None:
            break
        place = step
    return place


def read_json(content: bytes) -> dict[str, Any] | None:
    """The form as data, if it is an object."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def write_json(form: Any) -> bytes:
    """The form as a file."""
    return (json.dumps(form, ensure_ascii=False, indent=2) + "\n").encode()
