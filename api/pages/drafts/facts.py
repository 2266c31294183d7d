"""`notice.yaml` as fields, one part of it at a time; the fields are those of the notice's model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from flask import redirect, render_template, request, url_for

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
from api.pages.drafts.opening import may_edit, tell_findings
from api.pages.errors import STATUS
from api.pages.present import process_engine, reader, tell_next, words
from api.pages.records import (
    ABSENT,
    Listing,
    Named,
    Node,
    Record,
    Sent,
    Showing,
    Slot,
    order_like,
    read_shape,
    shape_of,
    show_shape,
)
from engine.errors import Problem
from workflows.notices import Notice, drafts
from workflows.notices.drafts import Draft
from workflows.notices.source import NOTICE, read_yaml
from workflows.notices.store import write_yaml

NAME = "facts"
"""What the names of the browser's form begin with: a key of the notice must not meet a field of the page."""
GENERAL = "general"
"""The part of the page for what is no mapping or list of its own, and for keys that the model does not know."""
SMALL = frozenset({"diagrams", "texts", "identity", "direct_reporting", "receipts"})
"""Parts that are too small for a page of their own; what is a single value is general anyway."""
FOLDED = frozenset({"text", "words", "reading", "note", "zone", "includes_last_day"})
LAST = frozenset({"source"})


@dataclass(frozen=True, slots=True)
class Part:
    """One tab: how many faults stand in it."""

    name: str
    label: str
    faults: int


def list_slots() -> dict[str, tuple[Slot, ...]]:
    """The model's keys by the part of the page on which they are edited."""
    shape = shape_of(Notice)
    assert isinstance(shape, Record)
    general = tuple(slot for slot in shape.slots if slot.name in SMALL or not isinstance(slot.shape, (Record, Listing, Named)))
    return {GENERAL: general, **{slot.name: (slot,) for slot in shape.slots if slot not in general}}


def choose_part() -> str:
    """The part that the address names, or in which the place `at` lies."""
    slots = list_slots()
    wanted = request.args.get("part") or (request.args.get("at") or "").partition(".")[0].partition("[")[0]
    return wanted if wanted in slots else GENERAL


def show_facts(draft: Draft, content: bytes, typed: dict[str, Any] | None = None, refusal: Refusal | None = None) -> str | None:
    """The page of one part; None when the file cannot be read, so that only its text can be edited."""
    data = typed if typed is not None else read_yaml(content)[0]
    if data is None:
        return None
    part, slots = choose_part(), list_slots()
    texts = fault_texts(draft)
    showing = Showing(label, option, texts, FOLDED, LAST)
    record = Record(slots[part])
    known = {slot.name for group in slots.values() for slot in group}
    shown = {name: value for name, value in data.items() if name in {slot.name for slot in record.slots} or name not in known}
    if part != GENERAL:
        shown = {name: value for name, value in shown.items() if name in known}
    node = show_shape(record, shown, NAME, "", showing)
    places = {each.path: each for each in walk(node)}
    mine = {path: found for path, found in texts.items() if part_of(path, slots) == part}
    return render_template(
        "draft_facts.html",
        draft=draft,
        path=NOTICE,
        part=part,
        parts=[
            Part(name, words().say("record.general") if name == GENERAL else label(name), count_faults(texts, name, slots))
            for name in slots
        ],
        node=node,
        faults=[(places[path].id if path in places else None, path, text) for path, found in mine.items() for text in found],
        conflict=refusal,
        revision=show_revision(draft),
        editable=may_edit(draft),
    )


def save_facts(draft: Draft, content: bytes) -> Any:
    """Keep what was typed into one part, or what its buttons asked for, as the next version.

    What somebody else wrote into other parts meanwhile stays, and is not in the way.
    """
    before = read_yaml(read_seen(draft, NOTICE))[0] or {}
    data = read_yaml(content)[0] or before
    part, slots = choose_part(), list_slots()
    sent = Sent(request.form, request.form.get("op", ""))
    record = Record(slots[part])
    known = {slot.name for group in slots.values() for slot in group}
    replaced = {slot.name for slot in record.slots} | ({name for name in data if name not in known} if part == GENERAL else set())
    typed = read_shape(record, NAME, sent)
    kept = {name: value for name, value in data.items() if name not in replaced}
    changed = order_like({**kept, **{name: value for name, value in typed.items() if value is not ABSENT}}, data)
    mine = content if changed == data else write_yaml(changed)
    untouched = all(before.get(name) == data.get(name) for name in replaced)
    try:
        version = keep(draft, NOTICE, mine, seen=draft.version if untouched else None)
    except Problem as problem:
        if not may_keep(problem):
            raise
        refusal = describe(draft, NOTICE, problem, mine)
        if keeps_itself() and refusal is not None:
            return tell_refused(refusal, problem, "facts_form")
        return show_facts(draft, content, changed, refusal), STATUS[problem.kind]
    if keeps_itself():
        texts = fault_texts(replace(draft, version=version))
        return tell_kept(version, faults=count_faults(texts, part, slots))
    operation = sent.operation.partition(":")[2]
    if not operation:
        tell_next("draft.kept", number=version)
    anchor = "edit_" + operation.replace(".", "_") if operation else None
    return redirect(url_for("drafts.edit", draft_id=draft.id, path=NOTICE, part=part, _anchor=anchor), 303)


def fault_texts(draft: Draft) -> dict[str, list[str]]:
    """Texts of the findings about `notice.yaml`, by place. Only what is found at once: the walks of the diagrams are not made."""
    with process_engine().read(by=reader().id) as work:
        findings = drafts.find_at_once(work, draft, drafts.read_files(work, draft.id, draft.version))
    found: dict[str, list[str]] = {}
    for told in tell_findings(draft, findings):
        file, _, place = (told.path or "").partition(": ")
        if file == NOTICE and place:
            found.setdefault(place, []).append(told.text)
    return found


def part_of(path: str, slots: dict[str, tuple[Slot, ...]]) -> str:
    """The part in which a place lies."""
    head = path.partition(".")[0].partition("[")[0]
    return head if head in slots else GENERAL


def count_faults(texts: dict[str, list[str]], part: str, slots: dict[str, tuple[Slot, ...]]) -> int:
    """How many faults stand in a part."""
    return sum(len(found) for path, found in texts.items() if part_of(path, slots) == part)


def walk(node: Node) -> Iterator[Node]:
    """The node and all within it."""
    yield node
    for part in (*node.parts, *node.more):
        yield from walk(part)


def label(key: str) -> str:
    """What a key is called on the page."""
    return words().say_or(f"key.{key}", key)


def option(word: str) -> str:
    """What one of a field's words is called."""
    return words().say_or(f"option.{word}", words().say_or(f"source.{word}", word))
