"""The cast: everybody looks into the inbox, and does in time what a new task asks for, through the functions of the pages.

Who acts when, and what they answer, is told by parts (`parts`): each names the handlers that it plays, as the diagrams name them,
so that a step is played wherever a diagram draws it. A step that no part knows is done by whoever may do it, some hours later,
with a form that is filled in as it asks.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import user_task
from engine.tasks import list_candidates
from workflows import files, inbox
from workflows.campaigns import get_campaign
from workflows.forms.fields import Field
from workflows.inbox.preparing import find_handlers
from workflows.people import Person, get_person, list_members
from workflows.replay.cadences import in_zone
from workflows.replay.filling import fill_form
from workflows.replay.report import Submission
from workflows.replay.setting import People
from workflows.replay.stage import Stage
from workflows.replay.world import World
from workflows.tables import report

SCAN = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>endobj\n"
    b"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n5 0 obj<</Length 70>>stream\n"
    b"BT /F 24 Tf 72 770 Td (Demonstration: the scan of a sealed form) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
"""What stands for the scan of a sealed form: a PDF of one page that says so."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A new task, as the parts see it. `visit` counts how often this step of this instance was seen before."""

    row: sa.Row[Any]
    handler: str
    visit: int


Answer = Callable[[inbox.TaskView], Mapping[str, Any]]
"""What is filled in by somebody who sees the task; the rest of the form is made up."""
Record = Callable[[datetime, Problem | None], None]
"""Told of what was sent when, and how it was refused."""


class Part:
    """Plays some of the cast. `acts` are its plans, by the handler that a task's completion calls."""

    acts: Mapping[str, Callable[[Duty], None]] = {}

    def watch(self) -> None:
        """Called after everything that happened: a part plans here what begins without a task of its own."""


@dataclass
class Cast:
    """Plays everybody of a world. `submissions` is what the clients saw; `tell_answer` is called with each as it is answered."""

    stage: Stage
    world: World
    people: People
    campaign_id: str
    tell_answer: Callable[[Submission], None] = field(default=lambda _: None)
    pace: int = 1  # how many times slower officials are: in a demonstration more waits at every step
    parts: Callable[[Cast], Sequence[Part]] = lambda _: ()
    confirms: bool = True  # whether an official confirms unknown dates
    submissions: list[Submission] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)  # business keys of instances that belong to this cast
    _seen: str = ""
    _visits: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage.notice_new = self.notice_new
        with self.stage.process_engine.read() as work:
            self.numbers.add(get_campaign(work, self.campaign_id).key)
        self._parts = self.parts(self)
        self._acts = {name: act for part in self._parts for name, act in part.acts.items()}

    # ---- seeing new tasks --------------------------------------------------------------------------------------------
    def notice_new(self) -> None:
        """Everybody looks into the inbox: each new task is planned once, by who will do it."""
        with self.stage.process_engine.read() as work:
            rows = work.connection.execute(
                sa.select(user_task).where(user_task.c.id > self._seen, user_task.c.state == "open").order_by(user_task.c.id)
            ).all()
            if rows:  # reports are begun by timers, so nobody was told their numbers
                numbers = sa.select(report.c.number).where(report.c.campaign_id == self.campaign_id)
                self.numbers.update(work.connection.execute(numbers).scalars())
            found = [(row, find_handlers(work, row)) for row in rows if row.business_key in self.numbers]
        if rows:
            self._seen = rows[-1].id
        for row, handlers in found:  # other campaigns have their own cast
            self.plan(row, handlers)
        for part in self._parts:
            part.watch()

    def plan(self, row: sa.Row[Any], handlers: Sequence[str]) -> None:
        """Plan one task."""
        visit = self._visits.get((row.business_key, row.element_id), 0)
        self._visits[(row.business_key, row.element_id)] = visit + 1
        known = next((name for name in handlers if name in self._acts), None)
        if known is not None:
            self._acts[known](Duty(row, known, visit))
        else:
            self.do(self.soon(row, visit, 1, 12), row, self.who(row), lambda view: view.values)

    def who(self, row: sa.Row[Any]) -> Person:
        """Who does a task: whose it is, else the first (by log-in) of those who may claim it.

        Raises LookupError when nobody may: the diagram gives the task to a group without members.
        """
        with self.stage.process_engine.read() as work:
            if row.assignee is not None:
                return get_person(work, row.assignee)
            candidates = list_candidates(work, row.id)
            people = list_members(work, [name for kind, name in candidates if kind == "group"])
            people += [get_person(work, name) for kind, name in candidates if kind == "user"]
        if not people:
            raise LookupError(f"nobody may do {row.element_id} of {row.business_key}")
        return min(people, key=lambda person: (len(person.login), person.login))

    def soon(self, row: sa.Row[Any], visit: int, least: int, most: int, *, until: datetime | None = None) -> datetime:
        """Some hours from now, by the seed; not after `until` unless that has passed."""
        dice = self.world.chance("delay", row.business_key, row.element_id, visit)
        delay = timedelta(hours=least, seconds=dice.randint(0, (most - least) * 3600)) * self.pace
        moment = (self.stage.now + delay).replace(microsecond=0)
        return moment if until is None else max(min(moment, until), self.stage.now)

    # ---- doing -------------------------------------------------------------------------------------------------------
    def do(
        self,
        moment: datetime,
        row: sa.Row[Any],
        person: Person,
        answer: Answer,
        record: Record | None = None,
        *,
        again: timedelta | None = None,
        until: datetime | None = None,
        mend: Callable[[Problem], Mapping[str, Any] | None] = lambda _: None,
    ) -> None:
        """Plan to open the task, fill in its form and complete it.

        A refusal is answered by what `mend` adds to the form, else recorded, else tried `again` later, but not after `until`.
        """

        def act() -> None:
            sent_at = self.stage.now
            try:
                added: Mapping[str, Any] | None = {}
                while added is not None:
                    try:
                        self._complete(row, person, answer, added)
                        break
                    except Problem as problem:
                        added = mend(problem)
                        if added is None:
                            raise
            except Problem as problem:
                if record is not None:
                    record(sent_at, problem)
                elif again is not None and (until is None or self.stage.now < until):
                    self.stage.at(self.stage.now + again, act)
                else:
                    raise
            else:
                if record is not None:
                    record(sent_at, None)

        self.stage.at(moment, act)

    def _complete(self, row: sa.Row[Any], person: Person, answer: Answer, added: Mapping[str, Any]) -> None:
        engine = self.stage.process_engine
        with engine.read(by=person.id) as work:
            view = inbox.open_task(work, person, row.id)
        data = self.fill(view, person, {**answer(view), **added})
        inbox.complete(engine, person, row.id, data, revision=view.revision, key=uuid.uuid4().hex)

    def fill(self, view: inbox.TaskView, person: Person, given: Mapping[str, Any]) -> dict[str, Any]:
        """A task's whole form: what is given, and the rest made up."""
        if view.form is None:
            return dict(given)
        dice, today = self.world.chance("form", view.task.business_key, view.task.element_id), self.stage.now.date()

        def upload(field: Field) -> str:
            return self._upload(view.task, person, field, again=bool(view.values.get(field.key)))

        return fill_form(view.form, given, dice=dice, today=today, upload=upload)

    def _upload(self, row: inbox.Task, person: Person, field: Field, *, again: bool) -> str:
        """The scan of a sealed paper, uploaded for a field; of what was corrected it is `again` another paper."""
        name, content = ("盖章扫描件（补正）.pdf", SCAN + b"%again\n") if again else ("盖章扫描件.pdf", SCAN)
        with self.stage.process_engine.begin(by=person.id) as work:
            scan = files.store_upload(work, person, io.BytesIO(content), name=name, task_id=row.id, field=field.key)
        return scan.id

    def note(self, name: str, channel: str, cutoff: str, subject: str, sent_at: datetime, problem: Problem | None) -> None:
        """Write down what a client sent, and what it was answered."""
        count = sum(1 for submission in self.submissions if submission.id.rpartition("#")[0] == name)
        submission = Submission(
            f"{name}#{count + 1}",
            channel,
            cutoff,
            subject,
            in_zone(sent_at),
            "accepted" if problem is None else "refused",
            None if problem is None else problem.code,
            in_zone(self.stage.now),
        )
        self.submissions.append(submission)
        self.tell_answer(submission)


def given_values(view: inbox.TaskView) -> dict[str, Any]:
    """What the page shows already, without what cannot be changed."""
    form = view.form
    if form is None:
        return {}
    return {key: value for key, value in view.values.items() if key in form.by_key and not form.by_key[key].read_only}
