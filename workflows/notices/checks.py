"""What concerns several parts of a notice at once: references between `notice.yaml`, the diagrams and the forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from engine.errors import Finding
from engine.model import Definition, MultiInstance, Node
from engine.starts import list_unwatched
from workflows.deadlines import repeats_until
from workflows.forms import OTHER, Form
from workflows.notices.model import Notice, Setting
from workflows.notices.parts import Sourced
from workflows.notices.source import NOTICE

SETTINGS = (
    "body_lead_days",
    "correction_window",
    "experts_per_case",
    "score_method",
    "disagreement_range",
    "comment_minimum",
    "cut",
    "consultation_work_days",
    "supplement_days",
    "duplicate_titles",
    "late_submissions",
    "grace_minutes",
    "late_days",
    "archive_after_days",
    "score_maximum",
    "paper_in_time_by",
)
"""Names that mean something to the software; the last two record a reading of the text. Others may be read by a diagram."""

_SETTING_NAME = re.compile(r"\bsettings\.([A-Za-z_]\w*)")
_DATE_NAME = re.compile(r"\bdates\.([A-Za-z_]\w*)")
_STAGE_DATE_NAME = re.compile(r"\bstage_dates\.([A-Za-z_]\w*)")


def check_notice(notice: Notice, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """What does not fit together within `notice.yaml`, and files that it names and that are missing."""
    yield from _check_sources(notice)
    yield from _check_keys(notice)
    weights = [demand.weight.value for demand in notice.demands if demand.weight is not None]
    if weights and (sum(weights) != 100 or len(weights) != len(notice.demands)):
        yield tell("NoticeWeightsWrong", "demands", sum=sum(weights))
    yield from _check_rounds(notice)
    if notice.recipients.total.value != len(notice.recipients.bodies):
        yield tell(
            "NoticeBodiesCount", "recipients.bodies", total=notice.recipients.total.value, count=len(notice.recipients.bodies)
        )
    for name, found in (("institution_kinds", notice.institution_kinds), ("directions", notice.directions)):
        if found is not None and found.open.value and OTHER not in {item.key for item in found.items}:
            yield tell("NoticeOtherMissing", f"{name}.items")
    for name, setting in notice.settings.items():
        yield from _check_setting(name, setting)
    content = notice.model_dump()
    for place, question in enumerate(notice.open_questions):
        if question.setting not in notice.settings and not _leads_somewhere(content, question.setting):
            yield tell("NoticeReferenceUnknown", f"open_questions[{place}].setting", value=question.setting)
    letters = {letter.key for letter in notice.letters}
    for place, reminder in enumerate(notice.reminders):
        if reminder.letter not in letters:
            yield tell("NoticeReferenceUnknown", f"reminders[{place}].letter", value=reminder.letter)
    needed = ("campaign", "case") if notice.extends is None else ("stage",)
    allowed = ("campaign", "case", "report") if notice.extends is None else ("stage", "case")
    for name in needed:
        if name not in notice.diagrams.by_role:
            yield tell("KeyMissing", f"diagrams.{name}", key=name)
    for name, file in notice.diagrams.by_role.items():
        if name not in allowed:
            yield tell("NoticeDiagramUnfitting", f"diagrams.{name}", role=name)
        if file not in files:
            yield tell("NoticeFileMissing", f"diagrams.{name}", file=file)
    for place, part in enumerate(notice.reconstructed):
        for which, file in enumerate(part.what):
            if file not in files:
                yield tell("NoticeFileMissing", f"reconstructed[{place}].what[{which}]", file=file)


def check_settings(notice: Notice, diagrams: Mapping[str, Definition]) -> Iterator[Finding]:
    """Settings that nothing reads (perhaps misspelt), and those that a diagram reads and the notice does not have."""
    read = dict.fromkeys(SETTINGS)
    for file, definition in diagrams.items():
        for node in definition.nodes.values():
            for name in sorted({name for text in _expressions(node) for name in _SETTING_NAME.findall(text)}):
                read[name] = None
                if name not in notice.settings:
                    yield Finding("NoticeSettingMissing", element=node.id, path=file, values={"name": name, "element": node.id})
    for name in notice.settings:
        if name not in read:
            near = get_close_matches(name, [other for other in read if other not in notice.settings], n=1, cutoff=0.75)
            code = "NoticeSettingMisspelt" if near else "NoticeSettingUnread"
            values = {"name": name, "suggestion": near[0] if near else ""}
            yield Finding(code, "warning", path=f"{NOTICE}: settings.{name}", values=values)


def _expressions(node: Node) -> Iterator[str]:
    """The texts of all expressions at a node and on the flows out of it."""
    camunda = node.camunda
    single = (camunda.assignee, camunda.due_date, camunda.follow_up_date, camunda.priority, camunda.form_key, node.completion)
    several = (*camunda.candidate_groups, *camunda.candidate_users, *(camunda.inputs or {}).values())
    yield from (each.text for each in (*single, *several, *(camunda.outputs or {}).values()) if each is not None)
    yield from (flow.condition.text for flow in node.outgoing if flow.condition is not None)
    for event in node.events:
        yield from (each.text for each in (event.timer, event.condition) if each is not None)
    if isinstance(node.loop, MultiInstance):
        loop = node.loop
        yield from (each.text for each in (loop.cardinality, loop.collection, loop.completion) if each is not None)
    elif node.loop is not None and node.loop.condition is not None:
        yield node.loop.condition.text
    yield node.script or ""


def check_diagrams(notice: Notice, diagrams: Mapping[str, Definition], base: Notice | None = None) -> Iterator[Finding]:
    """What the diagrams and `notice.yaml` say of each other: process ids, dates, tasks with reminders.

    Cases of an overlay know the dates of the notice that it extends (`base`), and those of the stage as `stage_dates`.
    """
    for role, file in notice.diagrams.by_role.items():
        if file in diagrams and f"{notice.key}_{role}" not in diagrams[file].processes:
            found = ", ".join(diagrams[file].processes)
            yield Finding("NoticeProcessMissing", path=file, values={"process": f"{notice.key}_{role}", "found": found})
        elif file in diagrams:
            for start in list_unwatched(diagrams[file], [f"{notice.key}_{role}"]):
                yield replace(start, path=f"{file}:{start.path}")
    named = set(notice.diagrams.by_role.values())
    for file in sorted(set(diagrams) - named):
        yield Finding("NoticeDiagramUnused", path=file, values={"file": file})
    for file, definition in diagrams.items():
        of_case = base is not None and file == notice.diagrams.case
        known = {_DATE_NAME: base.dates if base is not None and of_case else notice.dates}
        known |= {_STAGE_DATE_NAME: notice.dates} if of_case else {}
        for node in definition.nodes.values():
            texts = [template.text for template in (node.camunda.due_date, node.camunda.follow_up_date) if template is not None]
            texts += [event.timer.text for event in node.events if event.timer is not None]
            missing = {
                name for pattern, dates in known.items() for text in texts for name in pattern.findall(text) if name not in dates
            }
            for name in sorted(missing):
                yield Finding("NoticeDateMissing", element=node.id, path=file, values={"name": name, "element": node.id})
    tasks = {node.id for definition in diagrams.values() for node in definition.nodes.values() if node.kind == "userTask"}
    for place, reminder in enumerate(notice.reminders):
        if len(diagrams) >= len(named) and reminder.task not in tasks:
            yield tell("NoticeReferenceUnknown", f"reminders[{place}].task", value=reminder.task)


def check_form_keys(diagrams: Mapping[str, Definition], forms: Iterable[str]) -> Iterator[Finding]:
    """Form keys in the diagrams without a form."""
    known = set(forms)
    for file, definition in diagrams.items():
        for node in definition.nodes.values():
            form_key = node.camunda.form_key
            if form_key is None or not form_key.literal:
                continue  # an expression's forms are those that `reports` names
            key = form_key.text
            if key not in known:
                yield Finding("NoticeFormMissing", element=node.id, path=file, values={"form": key, "element": node.id})


def check_bindings(diagrams: Mapping[str, Definition]) -> Iterator[Finding]:
    """Tasks that would follow a decision table which another notice deploys under the same key."""
    for file, definition in diagrams.items():
        for node in definition.nodes.values():
            if node.camunda.decision is not None and node.camunda.decision.binding == "latest":
                values = {"element": node.id, "decision": node.camunda.decision.reference.text}
                yield Finding("NoticeDecisionUnbound", "warning", element=node.id, path=f"{file}:{node.line}", values=values)


def check_forms(notice: Notice, forms: Mapping[str, Form]) -> Iterator[Finding]:
    """Options and scores that differ from the notice's lists and demands."""
    lists = {"directions": notice.directions, "institution_kind": notice.institution_kinds}
    for key, form in forms.items():
        for field in form.fields:
            listed = lists.get(field.key)
            if listed is None or field.options is None or field.options == ():
                continue
            expected, found = {item.key for item in listed.items}, {option.value for option in field.options}
            if expected != found:
                differ = ", ".join(sorted(expected ^ found))
                yield Finding("NoticeOptionsDiffer", path=f"forms/{key}.form", values={"field": field.key, "differ": differ})
        scored = {field.criterion for field in form.fields if field.criterion is not None}
        demands = {demand.key for demand in notice.demands}
        if scored and scored != demands:
            differ = ", ".join(sorted(scored ^ demands))
            yield Finding("NoticeCriteriaDiffer", path=f"forms/{key}.form", values={"differ": differ})


def _check_sources(notice: Notice) -> Iterator[Finding]:
    for path, part in _walk_sourced(notice, ""):
        if part.text is not None and part.text not in notice.texts:
            yield tell("NoticeReferenceUnknown", f"{path}.text", value=part.text)
        if part.text is not None and part.source != "notice":
            yield tell("NoticeTextOfOthers", f"{path}.text", source=part.source)
        if part.words is not None and part.source == "ours":
            yield tell("NoticeWordsOfOurs", f"{path}.words")


def _walk_sourced(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All parts that name a source, dates among them, with their paths."""
    if isinstance(part, BaseModel):
        if isinstance(part, Sourced) or hasattr(part, "source"):
            yield path, part
        for name in type(part).model_fields:
            yield from _walk_sourced(getattr(part, name), f"{path}.{name}" if path else name)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            yield from _walk_sourced(value, f"{path}.{name}")
    elif isinstance(part, tuple):
        for place, value in enumerate(part):
            yield from _walk_sourced(value, f"{path}[{place}]")


def _check_rounds(notice: Notice) -> Iterator[Finding]:
    for place, each in enumerate(notice.rounds):
        date = notice.dates.get(each.date)
        if date is None:
            yield tell("NoticeReferenceUnknown", f"rounds[{place}].date", value=each.date)
        elif date.key is not None or not repeats_until(date):
            yield tell("NoticeRoundEndless", f"rounds[{place}].date", value=each.date)
    for place, activity in enumerate(notice.activities):
        if activity.date.key is None and not repeats_until(activity.date):
            yield tell("NoticeRoundEndless", f"activities[{place}].date", value=activity.key)


def _check_keys(notice: Notice) -> Iterator[Finding]:
    lists: dict[str, Iterable[Any]] = {
        "recipients.bodies": notice.recipients.bodies,
        "demands": notice.demands,
        "channels": notice.channels,
        "open_questions": notice.open_questions,
        "letters": notice.letters,
        "rounds": notice.rounds,
        "activities": notice.activities,
        "reports": notice.reports,
        "milestones": notice.milestones,
        "targets": notice.targets,
    }
    if notice.institution_kinds is not None:
        lists["institution_kinds.items"] = notice.institution_kinds.items
    if notice.directions is not None:
        lists["directions.items"] = notice.directions.items
    for path, items in lists.items():
        seen: set[str] = set()
        for place, item in enumerate(items):
            if item.key in seen:
                yield tell("NoticeKeyTwice", f"{path}[{place}].key", key=item.key)
            seen.add(item.key)


def _check_setting(name: str, setting: Setting) -> Iterator[Finding]:
    value = setting.value
    if setting.choices and value not in setting.choices:
        yield tell("NoticeSettingOutside", f"settings.{name}.value", value=str(value), allowed=", ".join(setting.choices))
    bounded = setting.minimum is not None or setting.maximum is not None
    if bounded and (isinstance(value, (str, bool)) or value is None):
        yield tell("ValueNotNumber", f"settings.{name}.value", key="value")
    elif isinstance(value, int) and not isinstance(value, bool):
        low, high = setting.minimum, setting.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            allowed = f"{'' if low is None else low}–{'' if high is None else high}"
            yield tell("NoticeSettingOutside", f"settings.{name}.value", value=str(value), allowed=allowed)


def _leads_somewhere(content: Mapping[str, Any], path: str) -> bool:
    found: Any = content
    for part in path.split("."):
        if not isinstance(found, Mapping) or found.get(part) is None:
            return False
        found = found[part]
    return True


def tell(code: str, path: str, **values: Any) -> Finding:
    """A finding at a place in `notice.yaml`."""
    return Finding(code, path=f"{NOTICE}: {path}", values=values)
