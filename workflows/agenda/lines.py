"""The lines of an agenda before anybody has looked at the clock: dates of campaigns, cut-offs of places, own tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from workflows.activities import SETTLED
from workflows.agenda.entries import Entry, Kind
from workflows.agenda.facts import Facts
from workflows.agenda.scope import Parts, Scope
from workflows.campaigns.creating import CUTOFF
from workflows.campaigns.windows import BODY, COLLECTION, INSTITUTION
from workflows.deadlines import Bilingual, DateValue, Unknown, expand, last_day, load_date, repeats_until
from workflows.extensions.series import MARK
from workflows.inbox import TaskLine
from workflows.notices.parts import Item

WHO: Mapping[str, frozenset[str]] = {
    "cutoff": frozenset({"applicant", "auditor"}),
    "body": frozenset({"applicant", "auditor"}),
    "institution": frozenset({"applicant"}),
    "round": frozenset({"auditor", "organiser"}),
    "report": frozenset({"auditor"}),
    "milestone": frozenset({"auditor"}),
    "activity": frozenset({"auditor"}),
}
"""Who acts by a date of this kind, beside those whom the diagrams' steps name; by what nobody else acts, its organiser does."""


def list_dates(row: Any, parts: Parts, facts: Facts, until: date, today: date) -> Iterator[Entry]:
    """The dates of a campaign as lines, also the candidates of unknown ones, and the activities of its notice."""
    for name, stored in row.dates.items():
        value = load_date(stored)
        kind, titles = _name(name, parts)
        roles = (WHO.get(kind, frozenset()) | facts.roles.get((row.notice_id, name), frozenset())) or frozenset({"organiser"})
        given: dict[str, Any] = {"campaign_title": row.title, "title": titles, "roles": roles, "demo": row.demo}
        given |= {"changed_at": row.created_at}
        if isinstance(value, Unknown):
            of = Entry(
                f"{row.id}:{name}", kind, row.id, name=name, first=today, last=today, state="unknown", value=value,
                candidates=value.candidates, **given,
            )  # fmt: skip
            yield of
            for each in value.candidates:
                first, last = _days(each)
                yield replace(of, id=f"{of.id}:{each.key}", first=first, last=last, state="possible", value=each, candidates=())
            continue
        windows = [each for each in facts.windows if each.campaign_id == row.id and each.name == COLLECTION]
        for single in _expand(value, until):
            first, last = _days(single)
            cutoff_at = windows[0].cutoff_at if name == CUTOFF and windows else single.cutoff_at
            if cutoff_at is not None and cutoff_at != single.cutoff_at:
                first = last = last_day(cutoff_at)
            line = Entry(
                f"{row.id}:{name}:{single.key}" if single is not value else f"{row.id}:{name}",
                kind, row.id, name=name, first=first, last=last, state="coming", value=single, cutoff_at=cutoff_at,
                occurrence=single.key or "" if single is not value else "", **given,
            )  # fmt: skip
            yield from _with_move(_tell_open(line, parts, facts), None, facts)
    for activity in parts.activities:
        for single in _expand(activity.date, until):
            first, last = _days(single)
            said = facts.progress.get((row.id, activity.key, single.key or ""))
            state = "coming" if said is None else "called_off" if said.state == "cancelled" else said.state
            yield Entry(
                f"{row.id}:activity:{activity.key}:{single.key}", "activity", row.id, row.title, activity.key, first, last,
                "done" if state == "done" else "called_off" if state == "called_off" else "coming",
                title=Bilingual(zh=activity.zh, en=activity.en), occurrence=single.key or "", value=single,
                places=tuple(each.name for each in activity.organisers), roles=WHO["activity"],
                open=0 if said is not None and said.state in SETTLED else 1, unit="activities", demo=row.demo,
                sequence=0 if said is None else 1, changed_at=row.created_at if said is None else said.at,
            )  # fmt: skip


def _name(name: str, parts: Parts) -> tuple[Kind, Bilingual | None]:
    """What a date of a campaign is, and what the notice calls it."""
    rounds = [each for each in parts.rounds if each.date == name]
    milestones = [each for each in parts.milestones if each.date == name]
    if any(name in plan.due for plan in parts.reports):
        return "report", _join(milestones or [plan for plan in parts.reports if name in plan.due])
    if rounds:
        return "round", _join(rounds)
    if milestones:
        return "milestone", _join(milestones)
    return ("cutoff" if name == CUTOFF else "date"), None


def _join(items: list[Any]) -> Bilingual:
    named: list[Item] = items
    return Bilingual(zh="、".join(each.zh for each in named), en="; ".join(each.en for each in named))


def _tell_open(line: Entry, parts: Parts, facts: Facts) -> Entry:
    """What is still to be done by a date, as far as the reader is told; rounds are rolled up or not."""
    if line.cutoff_at is None:
        return line
    place = (line.campaign_id, line.cutoff_at)
    if line.kind == "report" and place in facts.missing:
        return replace(line, open=facts.missing[place], unit="reports")
    if line.kind == "round":
        plans = [each.key for each in parts.rounds if each.date == line.name]
        rolled = all((line.campaign_id, plan, line.occurrence) in facts.closed for plan in plans)
        return replace(line, state="done") if rolled else line
    return replace(line, open=facts.work[place]) if facts.work[place] else line


def list_cutoffs(scope: Scope, facts: Facts) -> list[Entry]:
    """Cut-offs of bodies and institutions, those of one moment together, and the ends of consultations."""
    grouped: dict[tuple[str, str, datetime], list[Any]] = {}
    for row in facts.windows:
        if row.name != COLLECTION:
            grouped.setdefault((row.campaign_id, row.name, row.cutoff_at), []).append(row)
    lines: list[Entry] = []
    for (campaign_id, name, cutoff_at), rows in grouped.items():
        kind: Kind = "body" if name == BODY else "institution" if name == INSTITUTION else "comments"
        campaign, day = scope.campaigns[campaign_id], last_day(cutoff_at)
        undone = sum(facts.undone.get((campaign_id, row.organisation_id), 0) for row in rows)
        counted = facts.work[campaign_id, cutoff_at]
        line = Entry(
            f"{campaign_id}:{name}:{min(row.organisation_id or '' for row in rows)}",
            kind, campaign_id, campaign.title, name, day, day, "coming", cutoff_at=cutoff_at, demo=campaign.demo,
            places=tuple(row.short_name for row in rows if row.short_name), roles=WHO.get(kind, frozenset({"organiser"})),
            open=counted or undone or None, unit="tasks" if counted else "cases", changed_at=campaign.created_at,
        )  # fmt: skip
        whose = rows[0].organisation_id if len(rows) == 1 else None
        lines += _with_move(line, whose, facts)
    return lines


def _with_move(line: Entry, organisation_id: str | None, facts: Facts) -> Iterator[Entry]:
    """The line, and one where it stood before it moved."""
    if line.cutoff_at is None:
        yield line
        return
    of_series = f"{line.name}{MARK}{line.occurrence}" if line.occurrence else line.name
    name = of_series if organisation_id is None else CUTOFF
    move = facts.moves.get((line.campaign_id, organisation_id, name, line.cutoff_at))
    if move is None:
        yield line
        return
    moved = replace(line, moved_from=move.old, sequence=move.count, changed_at=move.at)
    yield moved
    day = last_day(move.old)
    yield replace(
        moved, id=f"{line.id}:before", first=day, last=day, cutoff_at=move.old, moved_to=line.cutoff_at, state="moved", open=None
    )


def list_own_tasks(scope: Scope, lines: list[TaskLine], *, done: bool) -> list[Entry]:
    """The reader's own tasks; what they are about is the inbox's to tell."""
    found = []
    for each in lines:
        if each.due_at is None or each.campaign_id not in scope.campaigns:
            continue
        day = last_day(each.due_at)
        title = Bilingual(zh=f"{each.name} {each.number or ''}".strip(), en=f"{each.name} {each.number or ''}".strip())
        found.append(
            Entry(
                f"task:{each.id}",
                "task",
                each.campaign_id,
                each.campaign_title,
                each.element_id,
                day,
                day,
                "done" if done else "coming",
                title=title,
                cutoff_at=each.due_at,
                open=None if done else 1,
                target=each.id,
                demo=each.demo,
                sequence=int(done),
                changed_at=each.closed_at if done else each.created_at,
            )  # fmt: skip
        )
    return found


def _expand(value: DateValue, until: date) -> tuple[DateValue, ...]:
    """The single dates of a date; of a series without an end those that are due by `until`."""
    endless = value.cutoff_at is None and not repeats_until(value)
    return expand(value, until if endless else None)


def _days(single: DateValue) -> tuple[date, date]:
    """The days of a date: what is named, or the one day until which it is permitted."""
    days, due = single.days, single.due_on
    assert days is not None and due is not None  # series are expanded
    return (days[0], days[1]) if single.kind == "range" else (due, due)
