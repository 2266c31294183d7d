"""Remarks on a case (意见): what the officials who handle it say to each other, in order.

A remark is never edited. Its author may retract it: the words go, that there was one stays. Experts and applicants neither read
nor write remarks: that a case is reviewed blind, and what its officials think aloud, does not come out by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.forms import clean_text
from workflows.people import Person, list_members
from workflows.rules import CaseSubject, CaseUnknown, RemarkSubject, can, case_subject, require, visible_remarks
from workflows.tables import organisation, person, remark, remark_mention
from workflows.talk.watching import list_watchers

LONGEST = 2_000
"""Characters of a remark."""
EXCERPT = 80
"""Characters of it that a notification shows."""
NAMED = re.compile(r"(?<![A-Za-z0-9._%+-])[@＠]([^\s@＠，。；：、！？,;:!?()（）《》“”\"']{1,40})")
"""A name behind an at sign; not within a mail address."""


class RemarkInvalid(Problem):
    """The remark is empty or too long, or mentions somebody whom it would not reach; `findings` tell which."""


class RemarkUnknown(Problem):
    """There is no such remark, or the person may not read it."""

    kind = "missing"


class RemarkRetracted(Problem):
    """It was retracted already."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark as it is shown. `place` names the office it is for; `text` is empty once it is retracted."""

    id: str
    author_id: str
    author: str
    office: str
    place: str | None
    text: str
    mentions: tuple[str, ...]
    at: datetime
    retracted_at: datetime | None


def add_remark(
    work: Work, author: Person, case_id: str, text: str, *, place_id: str | None = None, mentions: Iterable[str] = ()
) -> str:
    """Say something about a case to all officials who handle it, or only to those of `place_id`, an office of the author's; the
    remark's id. Who is mentioned, by `@name` in the text or by id, and who watches the case is told.

    Raises CaseUnknown, NotPermitted, RemarkInvalid with all faults.
    """
    case = hold_talk(work, author, case_id)
    text = clean_text(text, lines=True)
    subject = RemarkSubject(case, place_id, author.id)
    faults = []
    if not 0 < len(text) <= LONGEST:
        faults.append(Finding("RemarkText", path="text", values={"most": LONGEST, "count": len(text)}))
    if not can(author, "remark.read", subject):
        faults.append(Finding("RemarkPlace", path="place"))
    readers = list_talkers(work, case, place_id)
    chosen = set(mentions)
    found, unknown = find_mentions(text, readers, chosen)
    faults += unknown
    strangers = len(chosen - {each.id for each in readers})
    if strangers:
        faults.append(Finding("MentionStranger", path="mentions", values={"count": strangers}))
    if faults:
        raise RemarkInvalid(findings=faults)
    remark_id = new_id()
    row = {"id": remark_id, "case_id": case.id, "place_id": place_id, "author_id": author.id, "text": text, "at": work.now}
    work.connection.execute(sa.insert(remark).values(row))
    if found:
        named = [{"remark_id": remark_id, "person_id": each} for each in sorted(found)]
        work.connection.execute(sa.insert(remark_mention), named)
    excerpt = text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
    values = {"number": case.number, "text": excerpt, "remark": remark_id}
    tell(work, sorted(found), Told("mention", case.campaign_id, case.id, values=values))
    hearing = {each.id for each in readers} - found
    watching = [each for each in list_watchers(work, case.number) if each in hearing]
    tell(work, watching, Told("remark", case.campaign_id, case.id, values=values))
    return remark_id


def retract_remark(work: Work, author: Person, case_id: str, remark_id: str) -> None:
    """Take one's own remark back: its words go, its trace stays.

    Raises CaseUnknown, RemarkUnknown, NotPermitted, RemarkRetracted.
    """
    case = hold_talk(work, author, case_id)
    query = sa.select(remark).where(remark.c.id == remark_id, remark.c.case_id == case_id).with_for_update()
    row = work.connection.execute(query).one_or_none()
    subject = None if row is None else RemarkSubject(case, row.place_id, row.author_id)
    if row is None or not can(author, "remark.read", subject):
        raise RemarkUnknown()
    require(author, "remark.retract", subject)
    if row.retracted_at is not None:
        raise RemarkRetracted()
    work.connection.execute(sa.update(remark).where(remark.c.id == remark_id).values(text="", retracted_at=work.now))


def list_remarks(work: Work, reader: Person, case_id: str) -> list[Remark]:
    """What was said about the case, in order, as far as the reader may read it; nothing for who may not talk about it."""
    if not can(reader, "case.remark", case_subject(work, case_id)):
        return []
    place = organisation.alias("place")
    query = (
        sa.select(remark, person.c.name, organisation.c.short_name.label("office"), place.c.short_name.label("place"))
        .join(person, person.c.id == remark.c.author_id)
        .join(organisation, organisation.c.id == person.c.organisation_id)
        .outerjoin(place, place.c.id == remark.c.place_id)
        .where(remark.c.case_id == case_id, visible_remarks(reader))
        .order_by(remark.c.at, remark.c.id)
    )
    rows = work.connection.execute(query).all()
    named: dict[str, list[str]] = {}
    if rows:
        told = sa.select(remark_mention.c.remark_id, person.c.name).join(person, person.c.id == remark_mention.c.person_id)
        of_case = sa.select(remark.c.id).where(remark.c.case_id == case_id)
        for row in work.connection.execute(told.where(remark_mention.c.remark_id.in_(of_case)).order_by(person.c.name)):
            named.setdefault(row.remark_id, []).append(row.name)
    return [
        Remark(
            id=row.id,
            author_id=row.author_id,
            author=row.name,
            office=row.office,
            place=row.place,
            text=row.text,
            mentions=tuple(named.get(row.id, ())) if row.retracted_at is None else (),
            at=row.at,
            retracted_at=row.retracted_at,
        )
        for row in rows
    ]


def list_talkers(work: Work, case: CaseSubject, place_id: str | None = None) -> list[Person]:
    """Who may read a remark on the case that is for this office, by name: whom it can mention."""
    offices = [f"auditor@{place}" for place in (case.body_id, case.prefecture_id) if place is not None]
    members = list_members(work, [*offices, f"organiser@{case.organiser_id}"])
    return [each for each in members if can(each, "remark.read", RemarkSubject(case, place_id, ""))]


def list_offices(person: Person, case: CaseSubject) -> list[str]:
    """The ids of the person's own offices to which a remark on the case can be kept."""
    own = person.organisations("auditor") | person.organisations("organiser")
    return sorted(own & {case.body_id, case.prefecture_id, case.organiser_id} - {None})


def find_mentions(text: str, readers: Sequence[Person], chosen: Iterable[str] = ()) -> tuple[set[str], list[Finding]]:
    """The ids of those whom a text names by `@name` (and of `chosen`), and a fault for each name that is nobody's or several
    people's. Chinese is written without spaces: the longest name that the text goes on with is meant."""
    by_name: dict[str, list[str]] = {}
    for each in readers:
        by_name.setdefault(each.name, []).append(each.id)
    found, faults = set(chosen) & {each.id for each in readers}, []
    for behind in NAMED.findall(text):
        meant = max((name for name in by_name if behind.startswith(name)), key=len, default=None)
        if meant is None:
            faults.append(Finding("MentionUnknown", path="text", values={"name": behind[:20]}))
        elif len(by_name[meant]) == 1:
            found.add(by_name[meant][0])
        elif not found & set(by_name[meant]):
            faults.append(Finding("MentionDoubtful", path="text", values={"name": meant, "count": len(by_name[meant])}))
    return found, faults


def hold_talk(work: Work, person: Person, case_id: str) -> CaseSubject:
    """The facts of a case that the person may talk about.

    Raises CaseUnknown, NotPermitted.
    """
    subject = case_subject(work, case_id)
    if not can(person, "case.read", subject):
        raise CaseUnknown()
    require(person, "case.remark", subject)
    return subject
