"""Overlays: the folder of a body's own stage within a notice. It states what differs; the rest is the extended notice's.

An overlay holds `stage.bpmn` (one instance for the body: its sub-campaign) and perhaps a `case.bpmn` for the cases that come
through the body. Those stay cases of the extended notice's campaign, so their diagram takes the same messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import Finding
from engine.model import Definition
from workflows.notices.model import Notice
from workflows.notices.source import NOTICE, read_yaml

EXTENDS = "extends"
INHERITED = (
    "texts", "document", "recipients", "channels", "identity", "demands", "institution_kinds", "directions", "rules",
)  # fmt: skip
"""Parts that an overlay has from the extended notice, but for the entries that it states itself."""

STAGE_MESSAGES = ("list_received", "collection_closed")
"""What the extended notice's campaign tells a stage: its body's list arrived; the collection is over without one."""

STAGE_HANDLERS = ("stages.rank", "stages.seal")
"""Steps without which the body's list would never be ready to be recommended."""


def read_extended(files: Mapping[str, bytes]) -> str | None:
    """The key of the notice that a folder extends; None for a notice of its own, and for what cannot be read."""
    data, _ = read_yaml(files[NOTICE]) if NOTICE in files else (None, [])
    found = data.get(EXTENDS) if data is not None else None
    return found if isinstance(found, str) else None


def inherit(stated: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay as a whole: what it states, with what it has from the extended notice's content."""
    whole = {name: base[name] for name in INHERITED if name in base}
    for name, part in stated.items():
        above = whole.get(name)
        whole[name] = {**above, **part} if isinstance(above, Mapping) and isinstance(part, Mapping) else part
    return whole


def leave_out_inherited(content: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """What an overlay's folder states itself: `inherit` gives the whole again."""
    stated: dict[str, Any] = {}
    for name, part in content.items():
        above = base.get(name)
        if name not in INHERITED or above is None:
            stated[name] = part
        elif isinstance(part, Mapping) and isinstance(above, Mapping):
            own = {key: value for key, value in part.items() if key not in above or above[key] != value}
            stated |= {name: own} if own else {}
        elif part != above:
            stated[name] = part
    return stated


def check_overlay(
    notice: Notice,
    base: Notice,
    diagrams: Mapping[str, Definition],
    base_diagrams: Mapping[str, Definition],
    forms: Iterable[str],
    base_forms: Iterable[str],
) -> Iterator[Finding]:
    """What does not fit between an overlay and the notice that it extends: dates, forms, messages, missing steps."""
    if base.extends is not None:
        yield _tell("OverlayOfOverlay", EXTENDS, base=base.key)
    own, national = notice.dates.get("collection_cutoff"), base.dates.get("collection_cutoff")
    if own is None:
        yield _tell("OverlayDateMissing", "dates.collection_cutoff", name="collection_cutoff")
    for name, date in notice.dates.items():
        last = national.cutoff_at if national is not None else None
        if date.cutoff_at is not None and last is not None and date.cutoff_at >= last:
            # a remark: a campaign's own dates may differ, and whoever opens the stage sets dates that are checked against them
            yield Finding("OverlayDateLate", "warning", path=f"{NOTICE}: dates.{name}", values={"name": name})
        if date.cutoff_at is not None and own is not None and own.cutoff_at is not None and date.cutoff_at < own.cutoff_at:
            yield _tell("OverlayDateEarly", f"dates.{name}", name=name)
    for key in sorted(set(forms) & set(base_forms)):
        yield Finding("OverlayFormTaken", path=f"forms/{key}.form", values={"form": key, "base": base.key})
    stage = notice.diagrams.stage
    if stage is not None and stage in diagrams:
        yield from _find_missing(stage, STAGE_MESSAGES, list_messages(diagrams[stage]))
        named = {name for node in diagrams[stage].nodes.values() for name in node.camunda.listeners.get("complete", ())}
        for handler in STAGE_HANDLERS:
            if handler not in named:
                yield Finding("OverlayStepMissing", path=stage, values={"handler": handler})
    case, above = notice.diagrams.case, base.diagrams.case
    if case is not None and case in diagrams and above is not None and above in base_diagrams:
        yield from check_messages(case, diagrams[case], base_diagrams[above])


def check_messages(file: str, own: Definition, above: Definition) -> Iterator[Finding]:
    """A case's diagram takes every message that the campaign sends to its cases; else it would wait for ever."""
    yield from _find_missing(file, sorted(list_messages(above)), list_messages(own))


def list_messages(definition: Definition) -> set[str]:
    """Names of the messages that a diagram waits for."""
    return {
        event.name
        for node in definition.nodes.values()
        if node.kind in ("intermediateCatchEvent", "boundaryEvent", "startEvent", "receiveTask")
        for event in node.events
        if event.kind == "message" and event.name is not None
    }


def _find_missing(file: str, wanted: Iterable[str], found: set[str]) -> Iterator[Finding]:
    for name in wanted:
        if name not in found:
            yield Finding("OverlayMessageMissing", path=file, values={"message": name})


def _tell(code: str, path: str, **values: Any) -> Finding:
    return Finding(code, path=f"{NOTICE}: {path}", values=values)
