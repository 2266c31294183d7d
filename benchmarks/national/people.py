"""One person acts, through the functions that the pages call: looks into the inbox, opens a task, fills it in, completes it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.national.timing import Tally
from benchmarks.national.world import SEED
from engine.work import ProcessEngine
from workflows import files, inbox
from workflows.applications import start_application
from workflows.forms import Form, Kind
from workflows.inbox.listing import TaskLine, View
from workflows.people import get_person
from workflows.replay.cast import SCAN, given_values
from workflows.replay.filling import fill_form
from workflows.replay.world import chance

Answer = Callable[[inbox.TaskView], Mapping[str, Any]]
PAGE = 50
"""Tasks of one page of the inbox."""


class People:
    """Lets people act, and takes the time of each operation."""

    def __init__(self, process_engine: ProcessEngine) -> None:
        self.process_engine = process_engine
        self.tally = Tally()
        self._templates: dict[str, dict[str, Any]] = {}

    def open_case(self, person_id: str, campaign_id: str) -> None:
        """An applicant begins an application through the recommending body above."""
        with self.tally.time("open a case"), self.process_engine.begin(by=person_id) as work:
            start_application(work, get_person(work, person_id), campaign_id, channel="recommended")

    def list_tasks(self, person_id: str, view: View) -> tuple[TaskLine, ...]:
        """The first page of the inbox."""
        with self.tally.time("inbox"), self.process_engine.read(by=person_id) as work:
            return inbox.list_tasks(work, get_person(work, person_id), view=view, limit=PAGE).rows

    def do(self, person_id: str, task: TaskLine, answer: Answer) -> inbox.Receipt:
        """Open a task, fill it in and complete it.

        Raises what completing raises.
        """
        with self.tally.time(f"open {task.element_id}"), self.process_engine.read(by=person_id) as work:
            person = get_person(work, person_id)
            view = inbox.open_task(work, person, task.id)
        data = self.fill(view, person_id, answer(view))
        with self.tally.time(f"complete {task.element_id}"):
            return inbox.complete(self.process_engine, person, task.id, data, revision=view.revision, key=uuid.uuid4().hex)

    def fill(self, view: inbox.TaskView, person_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The whole form: what is given, the scans that it asks for, and the rest as the first of its kind was filled in."""
        form = view.form
        if form is None:
            return dict(given)
        upload = lambda field: self._upload(view.task.id, person_id, field.key)  # noqa: E731
        made = self._templates.get(view.task.element_id)
        if made is None:
            today = self.process_engine.clock.now().date()
            dice = chance(SEED, "form", view.task.element_id)
            filled = fill_form(form, {**given_values(view), **given}, dice=dice, today=today, upload=upload)
            self._templates[view.task.element_id] = {key: value for key, value in filled.items() if key not in given}
            return filled
        return {**made, **given, **{key: [upload(form.by_key[key])] for key in made if form.by_key[key].kind is Kind.FILE}}

    def _upload(self, task_id: str, person_id: str, field: str) -> str:
        with self.tally.time("upload"), self.process_engine.begin(by=person_id) as work:
            person = get_person(work, person_id)
            return files.store_upload(work, person, io.BytesIO(SCAN), name="盖章扫描件.pdf", task_id=task_id, field=field).id


def options_of(form: Form | None, key: str) -> list[str]:
    """The values that a field offers."""
    assert form is not None
    return [option.value for option in form.by_key[key].options or ()]
