"""The institutions: each opens its case, sends it, corrects and supplements it, as its fate in the world says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from workflows import inbox
from workflows.applications import list_open_channels, start_application
from workflows.campaigns.windows import COLLECTION, CollectionEnded, find_window
from workflows.people import Person
from workflows.replay.cast import Cast, Duty, Part, Record
from workflows.replay.filling import amend_case, describe_case
from workflows.replay.world import Fate, InstitutionPlan
from workflows.tables import case


class Institutions(Part):
    """Plays the applicants of a cast; `plans` are those of its cases, by number."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.plans: dict[str, InstitutionPlan] = {}
        self.acts = {
            "applications.submit": self.plan_submission,
            "applications.correct": self.plan_correction,
            "applications.supplement": self.plan_supplement,
        }
        with cast.stage.process_engine.read() as work:
            self.bounded = find_window(work, cast.campaign_id, COLLECTION) is not None
            self.recommended = "recommended" in list_open_channels(work, cast.campaign_id)
        for plan in cast.world.institutions:
            cast.stage.at(plan.opens_at, lambda plan=plan: self._open_case(plan))  # type: ignore[misc]

    def plan_submission(self, duty: Duty) -> None:
        """The first version; who is silent never sends it."""
        plan = self.plans[duty.row.business_key]
        if plan.fate is not Fate.SILENT:
            self.cast.do(plan.sends_at, duty.row, self.applicant(plan), self._apply, self._record("application", plan))

    def plan_correction(self, duty: Duty) -> None:
        """What was returned comes back soon, or too late."""
        plan = self.plans[duty.row.business_key]
        moment = self.cast.soon(duty.row, duty.visit, 1, 12)
        if plan.fate is Fate.LATE_CORRECTION:
            moment = self.cast.world.dates.cutoff_at + timedelta(seconds=3)
        self.cast.do(moment, duty.row, self.applicant(plan), self._amend, self._record("correction", plan))

    def plan_supplement(self, duty: Duty) -> None:
        """What the organiser asks for on top."""
        plan = self.plans[duty.row.business_key]
        moment = self.cast.soon(duty.row, duty.visit, 2, 30)
        self.cast.do(moment, duty.row, self.applicant(plan), self._amend, self._record("supplement", plan))

    def applicant(self, plan: InstitutionPlan) -> Person:
        """Who applies for an institution."""
        return self.cast.people.applicants[plan.number - 1]

    def _open_case(self, plan: InstitutionPlan) -> None:
        engine, person = self.cast.stage.process_engine, self.applicant(plan)
        body = plan.body if self.recommended else None
        try:
            with engine.begin(by=person.id) as work:
                case_id = start_application(
                    work,
                    person,
                    self.cast.campaign_id,
                    channel="direct" if body is None else "recommended",
                    body_id=None if body is None else self.cast.people.bodies[body],
                )
                number = work.connection.execute(sa.select(case.c.number).where(case.c.id == case_id)).scalar_one()
        except CollectionEnded as ended:  # who comes after the organiser ended it
            self._record("application", plan)(self.cast.stage.now, ended)
            return
        self.plans[number] = plan
        self.cast.numbers.add(number)

    def _apply(self, view: inbox.TaskView) -> dict[str, Any]:
        """What an application says, as far as the form asks for it."""
        return self.answer(self.plans[view.task.business_key])

    def _amend(self, view: inbox.TaskView) -> dict[str, Any]:
        """What it says once it was returned."""
        plan = self.plans[view.task.business_key]
        return amend_case(self.answer(plan), self.cast.world.chance("amended", plan.number))

    def answer(self, plan: InstitutionPlan) -> dict[str, Any]:
        """The same for an institution."""
        person = self.applicant(plan)
        return describe_case(
            self.cast.world.chance("words", plan.number),
            title=f"{plan.trade}检验检测服务产业案例{plan.number:03d}",
            contact=person.name,
            phone=f"010-5550{plan.number % 10000:04d}",
            email=f"{person.login}@example.org",
        )

    def _record(self, channel: str, plan: InstitutionPlan) -> Record:
        body = None if plan.body is None else self.cast.world.bodies[plan.body].short_name
        windows = {"application": f"body/{body}" if body else "collection", "correction": "collection", "supplement": ""}
        name = f"{channel}/{plan.number:05d}"
        window = windows[channel] if self.bounded else ""

        def record(sent_at: Any, problem: Problem | None) -> None:
            self.cast.note(name, channel, window, plan.name, sent_at, problem)

        return record
