"""Talk about a case, on its own page and on those of its tasks: watching, remarks, copies, urging whom it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, g, redirect, request, url_for

from api.pages import cases
from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from api.pages.task_page import show_task
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import inbox, talk
from workflows.cases import stopping
from workflows.organisations import get_organisation
from workflows.people import Person
from workflows.reminders.waiting import Awaited, list_awaited, urge_awaited
from workflows.rules import CaseUnknown, NotPermitted, can, case_subject
from workflows.talk import Copy, Remark

pages = Blueprint("talk", __name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused of the talk, and what was typed: the page that answers shows both."""

    part: str
    problem: Problem
    typed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said about a case, and what the reader may do there.

    `rests`: it is suspended. `offices` are those that a remark can be kept to.
    """

    case_id: str
    watched: bool
    may_watch: bool
    may_talk: bool
    may_stop: bool = False
    rests: bool = False
    remarks: list[Remark] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    talkers: list[Person] = field(default_factory=list)
    offices: list[tuple[str, str]] = field(default_factory=list)
    awaited: list[Awaited] = field(default_factory=list)


@pages.app_context_processor
def offer() -> dict[str, Any]:
    """Templates of cases and tasks ask for the talk themselves."""
    return {
        "show_talk": show_talk,
        "talk_refused": lambda: g.get("talk_refused"),
        "talk_faults": list_faults,
        "priorities": inbox.PRIORITIES,
    }


def show_talk(case_id: str) -> Talk:
    """The talk about a case as the reader may hear it."""
    who = reader()
    with process_engine().read(by=who.id) as work:
        subject = case_subject(work, case_id)
        watches = can(who, "case.watch", subject)
        talks = can(who, "case.remark", subject)
        if not talks:
            awaited = list_awaited(work, who, case_id)
            rests = stopping.read_rest(work, case_id)
            return Talk(case_id, talk.is_watched(work, who, subject.number), watches, False, rests=rests, awaited=awaited)
        return Talk(
            case_id=case_id,
            watched=talk.is_watched(work, who, subject.number),
            may_watch=watches,
            may_talk=True,
            may_stop=can(who, "case.stop", subject),
            rests=stopping.read_rest(work, case_id),
            remarks=talk.list_remarks(work, who, case_id),
            copies=talk.list_copies(work, who, case_id),
            talkers=[each for each in talk.list_talkers(work, subject) if each.id != who.id],
            offices=[(place, get_organisation(work, place).short_name) for place in talk.list_offices(who, subject)],
            awaited=list_awaited(work, who, case_id),
        )


def list_faults(part: str) -> list[str]:
    """What is wrong with what was sent of this part of the talk, in words."""
    refused: Refused | None = g.get("talk_refused")
    if refused is None or refused.part != part:
        return []
    return [words().tell(each) for each in (*refused.problem.findings,)] or [words().tell(refused.problem)]


@pages.post("/cases/<case_id>/watch")
@signed_in
def watch(case_id: str) -> Any:
    """Watch the case from now on.

    Raises CaseUnknown, NotPermitted.
    """
    return act(case_id, "watch", {}, lambda work: talk.watch_case(work, reader(), case_id), done="talk.watched")


@pages.post("/cases/<case_id>/unwatch")
@signed_in
def unwatch(case_id: str) -> Any:
    """Watch the case no more.

    Raises CaseUnknown.
    """
    return act(case_id, "unwatch", {}, lambda work: talk.unwatch_case(work, reader(), case_id), done="talk.unwatched")


@pages.post("/cases/<case_id>/remarks")
@signed_in
def remark(case_id: str) -> Any:
    """Say something about the case; what is refused comes back with what was typed.

    Raises CaseUnknown, NotPermitted.
    """
    text, place, mentions = request.form.get("text", ""), request.form.get("place", ""), request.form.getlist("mentions")

    def say(work: Work) -> None:
        talk.add_remark(work, reader(), case_id, text, place_id=place or None, mentions=mentions)

    typed = {"text": text, "place": place, "mentions": mentions}
    return act(case_id, "remark", typed, say, done="talk.remarked")


@pages.post("/cases/<case_id>/remarks/<remark_id>/retract")
@signed_in
def retract(case_id: str, remark_id: str) -> Any:
    """Take one's remark back.

    Raises CaseUnknown, RemarkUnknown, NotPermitted, RemarkRetracted.
    """

    def take_back(work: Work) -> None:
        talk.retract_remark(work, reader(), case_id, remark_id)

    return act(case_id, "retract", {"remark": remark_id}, take_back, done="talk.retracted")


@pages.post("/cases/<case_id>/copies")
@signed_in
def copy(case_id: str) -> Any:
    """Show the case to colleagues.

    Raises CaseUnknown, NotPermitted.
    """
    receivers, text, task_id = request.form.getlist("receivers"), request.form.get("text", ""), request.form.get("task") or None

    def send(work: Work) -> None:
        talk.copy_case(work, reader(), case_id, receivers, text, task_id=task_id)

    typed = {"receivers": receivers, "text": text}
    return act(case_id, "copy", typed, send, done="talk.copied")


@pages.post("/cases/<case_id>/urge")
@signed_in
def urge(case_id: str) -> Any:
    """Urge those whom the case waits for.

    Raises CaseUnknown, NotPermitted.
    """
    text = request.form.get("text", "")

    def do(work: Work) -> None:
        urge_awaited(work, reader(), case_id, text)

    return act(case_id, "urge", {"text": text}, do, done="talk.urged")


@pages.post("/cases/<case_id>/priority")
@signed_in
def prioritise(case_id: str) -> Any:
    """An organiser says how urgent a task of the case is that others do.

    Raises CaseUnknown, NotPermitted, TaskUnknown.
    """
    sent = {name: request.form.get(name, "") for name in ("of", "priority")}
    number = int(sent["priority"]) if sent["priority"].isdecimal() and len(sent["priority"]) < 5 else 0

    def keep(work: Work) -> None:
        inbox.prioritise(work, reader(), case_id, sent["of"], number)

    return act(case_id, "prioritise", sent, keep, done="plan.kept")


def act(case_id: str, part: str, typed: Mapping[str, Any], function: Callable[[Work], None], *, done: str) -> Any:
    """Do it once and go back to the page it came from; what is refused is told there."""
    task_id = request.form.get("task") or None

    def run(work: Work) -> dict[str, Any]:
        function(work)
        return {}

    try:
        with process_engine().begin(by=reader().id) as work:
            asked = {"case": case_id, "task": task_id, **typed}
            once(work, read_key(), f"case.{part}", asked, lambda: run(work))
    except (CaseUnknown, NotPermitted):
        raise
    except Problem as problem:
        if problem.kind in ("missing", "internal"):
            raise
        g.talk_refused = Refused(part, problem, typed)
        page = show_task(task_id) if task_id else cases.page(case_id)
        return page, STATUS[problem.kind]
    tell_next(done)
    back = url_for("tasks.show", task_id=task_id) if task_id else url_for("cases.show", case_id=case_id)
    return redirect(f"{back}#talk", 303)
