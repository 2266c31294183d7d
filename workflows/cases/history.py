"""A case's history for a page: lines ready for words, with as much of who did it as the reader may know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from engine.instances import instance_positions
from engine.states import definition_of
from engine.work import Work
from workflows.people import Person
from workflows.rules import CaseSubject, can
from workflows.tables import organisation, person


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a `person` by name, an `organisation` by its short name, an `expert` without a name, or the `system`."""

    kind: Literal["person", "organisation", "expert", "system"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One row of the chain. `kind` is a word of the catalogue (`history.completed`); `detail` holds what may be shown."""

    seq: int
    at: datetime
    kind: str
    element_id: str | None
    element_name: str | None
    who: Actor
    detail: Mapping[str, Any]
    hash: str
    on_behalf_of: Actor | None = None  # for whom, who was away


@dataclass(frozen=True, slots=True)
class Marks:
    """What the case's diagram shows: elements that are done, and those where the case stands now."""

    definition_id: str
    done: tuple[str, ...]
    current: tuple[str, ...]


_SHOWN = ("reason", "due_at", "message", "error", "code")
"""Of a row's detail; ids of tasks, tokens and persons stay inside."""


def read_history(
    work: Work, reader: Person, case: CaseSubject, instance_id: str, entries: Sequence[sa.Row[Any]]
) -> list[HistoryLine]:
    """The rows of the chain as `reader`, who may see the history, may see them. What experts did is told to organisers only."""
    all_names = can(reader, "case.scores", case)
    actors = Actors(work, reader, entries, experts=case.experts, all_names=all_names)
    lines = read_lines(work, instance_id, entries, actors)
    return [line for line in lines if all_names or line.who.kind != "expert"]


def read_lines(work: Work, instance_id: str, entries: Sequence[sa.Row[Any]], actors: Actors) -> list[HistoryLine]:
    """The rows of a chain as lines: steps by their names, people as `actors` shows them."""
    model = definition_of(work, instance_id).model
    names = {element_id: node.name for element_id, node in model.nodes.items()}
    lines = []
    for entry in entries:
        detail = {key: entry.detail[key] for key in _SHOWN if entry.detail.get(key) is not None}
        if "to" in entry.detail and entry.kind == "returned":
            detail["to"] = names.get(entry.detail["to"]) or entry.detail["to"]
        if entry.kind == "deadline_moved":
            moved = entry.detail.get("own") or entry.detail["dates"][0]
            number = entry.detail["document_number"]
            detail["facts"] = {"document_number": number, "before": moved["old"], "until": moved["new"]}
        if entry.detail.get("opened"):
            detail["next"] = list(dict.fromkeys(names.get(opened) or opened for opened in entry.detail["opened"]))
        element_name = None if entry.element_id is None else names.get(entry.element_id) or entry.element_id
        who = actors.find(entry.by)
        away = None if entry.on_behalf_of is None else actors.find(entry.on_behalf_of)
        line = HistoryLine(entry.seq, entry.at, entry.kind, entry.element_id, element_name, who, detail, entry.hash, away)
        lines.append(line)
    return lines


def read_marks(work: Work, instance_id: str, entries: Sequence[sa.Row[Any]]) -> Marks:
    """Where the instance stands in its diagram."""
    current = list(dict.fromkeys(element_id for _token, element_id in instance_positions(work, instance_id)))
    done = dict.fromkeys(element for entry in entries for element in entry.detail.get("passed", ()))
    return Marks(definition_of(work, instance_id).id, tuple(each for each in done if each not in current), tuple(current))


_ACTORS = (
    sa.select(person.c.id, person.c.name, person.c.organisation_id, organisation.c.short_name)
    .join(organisation, organisation.c.id == person.c.organisation_id)
    .where(person.c.id.in_(sa.bindparam("persons", expanding=True)))
)


class Actors:
    """The people of one history, each shown as the reader may know them: by name those of the reader's own organisations (and
    everybody with `all_names`), others by their organisation, `experts` without a name."""

    def __init__(
        self,
        work: Work,
        reader: Person,
        entries: Sequence[sa.Row[Any]],
        *,
        experts: frozenset[str] = frozenset(),
        all_names: bool = False,
    ) -> None:
        ids = sorted({each for entry in entries for each in (entry.by, entry.on_behalf_of) if each})
        self.rows = {row.id: row for row in work.connection.execute(_ACTORS, {"persons": ids})}
        self.experts = experts
        self.own = reader.offices
        self.all_names = all_names

    def find(self, person_id: str | None) -> Actor:
        """Who it is; None is the clock."""
        if person_id is None:
            return Actor("system")
        row = self.rows.get(person_id)
        if person_id in self.experts:
            return Actor("expert", row.name if row is not None and self.all_names else None)
        if row is None:
            return Actor("system")
        if self.all_names or row.organisation_id in self.own:
            return Actor("person", row.name)
        return Actor("organisation", row.short_name)
