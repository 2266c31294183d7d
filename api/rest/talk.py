"""`/cases/{id}/remarks`, `/copies`, `/watch`, `/urge`, `/stop`: what the officials of a case say and do beside its tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.cases import see_case
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Told
from engine.errors import TaskAlreadyCompleted
from engine.work import Work
from workflows import inbox, talk
from workflows.cases.stopping import LONGEST_REASON, StopTooLate, StopUnfit, stop_case
from workflows.reminders.urging import LONGEST_REMARK
from workflows.reminders.waiting import UrgedLately, urge_awaited
from workflows.rules import require
from workflows.talk import RemarkRetracted
from workflows.talk.copying import LONGEST as LONGEST_COPY
from workflows.talk.copying import MOST
from workflows.talk.remarks import LONGEST

resource = Resource("talk")


class RemarkTold(Told):
    """A remark; `place` names the office whose officials alone read it, `text` is empty once it is retracted."""

    id: str
    author: str
    office: str
    place: str | None
    text: str
    mentions: list[str]
    at: datetime
    retracted_at: datetime | None


class RemarksTold(Told):
    """What was said about a case, in order, as far as the caller may read it; for whoever may not talk about it nothing."""

    items: list[RemarkTold]


class RemarkAsked(Asked):
    """A remark: `@name` in the text and `mentions` (ids of persons) tell people of it, `place` (an organisation) keeps it."""

    text: Annotated[str, StringConstraints(max_length=LONGEST)]
    mentions: Annotated[list[Id], Field(max_length=MOST)] = []
    place: Id | None = None


class RemarkMade(Told):
    """It is said."""

    remark: str


class CopyAsked(Asked):
    """To whom the case is shown, with a line of text."""

    receivers: Annotated[list[Id], Field(max_length=MOST)]
    text: Annotated[str, StringConstraints(max_length=LONGEST_COPY)] = ""


class CopiesMade(Told):
    """How many got it."""

    copies: int


class WatchAsked(Asked):
    """Whether the caller watches the case from now on."""

    watch: bool


class WatchTold(Told):
    """Whether the caller watches the case."""

    watch: bool


class UrgeAsked(Asked):
    """A sentence to add."""

    remark: Annotated[str, StringConstraints(max_length=LONGEST_REMARK)] = ""


class UrgeTold(Told):
    """How many tasks were urged, and letters written."""

    tasks: int
    letters: int


class PriorityAsked(Asked):
    """How urgent the task is: low, usual, high, very high."""

    priority: Literal[25, 50, 75, 100]


class PriorityTold(Told):
    """It is kept."""

    task: str
    priority: int


class StopAsked(Asked):
    """Suspend, resume or terminate, and why."""

    how: Literal["suspend", "resume", "terminate"]
    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON)]


class StopTold(Told):
    """It is done."""

    how: str


@resource.get("/cases/<case_id>/remarks", RemarksTold)
def list_all(case_id: str) -> Any:
    """What the officials of a case said about it.

    Raises CaseUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        require(reader(), "case.remark", see_case(work, case_id))
        return RemarksTold(items=[RemarkTold.model_validate(each) for each in talk.list_remarks(work, reader(), case_id)])


@resource.post("/cases/<case_id>/remarks", RemarkMade, takes=RemarkAsked, status=201)
def say(case_id: str, body: RemarkAsked, key: str) -> Any:
    """Say something about a case to its officials.

    Raises CaseUnknown, NotPermitted, RemarkInvalid.
    """

    def add(work: Work) -> RemarkMade:
        made = talk.add_remark(work, reader(), case_id, body.text, place_id=body.place, mentions=body.mentions)
        return RemarkMade(remark=made)

    return act(key, "case.remark", {"case": case_id, **body.model_dump()}, add)


@resource.post("/cases/<case_id>/remarks/<remark_id>/retract", RemarkMade, raises=(RemarkRetracted,))
def retract(case_id: str, remark_id: str, key: str) -> Any:
    """Take one's own remark back; its trace stays.

    Raises CaseUnknown, RemarkUnknown, NotPermitted, RemarkRetracted.
    """

    def take_back(work: Work) -> RemarkMade:
        talk.retract_remark(work, reader(), case_id, remark_id)
        return RemarkMade(remark=remark_id)

    return act(key, "case.retract", {"case": case_id, "remark": remark_id}, take_back)


@resource.post("/cases/<case_id>/copies", CopiesMade, takes=CopyAsked, status=201)
def copy(case_id: str, body: CopyAsked, key: str) -> Any:
    """Show a case to colleagues.

    Raises CaseUnknown, NotPermitted, CopyInvalid.
    """

    def send(work: Work) -> CopiesMade:
        return CopiesMade(copies=talk.copy_case(work, reader(), case_id, body.receivers, body.text))

    return act(key, "case.copy", {"case": case_id, **body.model_dump()}, send)


@resource.post("/cases/<case_id>/watch", WatchTold, takes=WatchAsked)
def watch(case_id: str, body: WatchAsked, key: str) -> Any:
    """Watch a case, or watch it no more.

    Raises CaseUnknown, NotPermitted.
    """

    def change(work: Work) -> WatchTold:
        (talk.watch_case if body.watch else talk.unwatch_case)(work, reader(), case_id)
        return WatchTold(watch=body.watch)

    return act(key, "case.watch", {"case": case_id, **body.model_dump()}, change)


@resource.post("/cases/<case_id>/urge", UrgeTold, takes=UrgeAsked, raises=(UrgedLately,))
def urge(case_id: str, body: UrgeAsked, key: str) -> Any:
    """Urge those whom a case waits for; each task once in 24 hours.

    Raises CaseUnknown, NotPermitted, NobodyChosen, UrgedLately.
    """

    def do(work: Work) -> UrgeTold:
        done = urge_awaited(work, reader(), case_id, body.remark)
        return UrgeTold(tasks=done.tasks, letters=done.letters)

    return act(key, "case.urge", {"case": case_id, **body.model_dump()}, do)


@resource.post("/cases/<case_id>/tasks/<task_id>/priority", PriorityTold, takes=PriorityAsked, raises=(TaskAlreadyCompleted,))
def prioritise(case_id: str, task_id: str, body: PriorityAsked, key: str) -> Any:
    """Say how urgent an open task of a case is, whoever does it.

    Raises CaseUnknown, NotPermitted, TaskUnknown, TaskAlreadyCompleted.
    """

    def do(work: Work) -> PriorityTold:
        inbox.prioritise(work, reader(), case_id, task_id, body.priority)
        return PriorityTold(task=task_id, priority=body.priority)

    return act(key, "case.prioritise", {"case": case_id, "task": task_id, **body.model_dump()}, do)


@resource.post("/cases/<case_id>/stop", StopTold, takes=StopAsked, raises=(StopTooLate, StopUnfit))
def stop(case_id: str, body: StopAsked, key: str) -> Any:
    """Suspend, resume or terminate a case.

    Raises CaseUnknown, NotPermitted, StopInvalid, StopTooLate, StopUnfit.
    """

    def do(work: Work) -> StopTold:
        stop_case(work, reader(), case_id, body.how, body.reason)
        return StopTold(how=body.how)

    return act(key, "case.stop", {"case": case_id, **body.model_dump()}, do)
