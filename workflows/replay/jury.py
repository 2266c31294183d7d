"""The jury: experts who review, one who drops out and is replaced, one who declares an interest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.tables import user_task
from workflows import inbox, reviews
from workflows.people import Person
from workflows.replay.cast import Cast, Duty, Part
from workflows.replay.institutions import Institutions

UNTIL = timedelta(days=30)
"""How long experts take where the notice names no day."""


class Jury(Part):
    """Plays the experts of a cast."""

    def __init__(self, cast: Cast, institutions: Institutions) -> None:
        self.cast, self.institutions = cast, institutions
        self.acts = {"reviews.record": self.plan_review}
        self._recused = False
        self._dropped: str | None = None
        self._transferred: set[tuple[str, str]] = set()

    def plan_review(self, duty: Duty) -> None:
        """Who reviews this task, when; the expert who drops never does, the organiser then replaces him."""
        row = duty.row
        index = next(index for index, person in enumerate(self.cast.people.experts) if person.id == row.assignee)
        plan, now = self.cast.world.experts[index], self.cast.stage.now
        left = (self.cast.world.dates.review_until or now + UNTIL) - now
        if plan.drops:
            if self._dropped is None:
                self._dropped = row.assignee
                self.cast.stage.at((now + left * 0.4).replace(microsecond=0), self._drop)
            return
        person = self.cast.people.experts[index]
        dice = self.cast.world.chance("review", row.business_key, plan.number)
        moment = (now + left * (0.05 + 0.85 * dice.random())).replace(microsecond=0)
        if plan.recuses and not self._recused:
            self._recused = True
            self.cast.stage.at(moment, lambda: self._recuse(row, person))
            return
        case_plan = self.institutions.plans[row.business_key]

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            assert view.form is not None
            criteria = [field for field in view.form.fields if field.criterion is not None]
            most = [int(field.maximum or 100) for field in criteria]
            points = [case_plan.quality + plan.severity + dice.randint(-5, 5) for _ in criteria]
            scores = {
                field.key: str(min(top, max(0, value * top // 100)))
                for field, top, value in zip(criteria, most, points, strict=True)
            }
            return {"no_conflict": True, **scores, "comment": "材料完整，做法清楚，成效有数据支撑，具有推广价值。"}

        self.cast.do(moment, row, person, answer)

    def _recuse(self, row: sa.Row[Any], person: Person) -> None:
        with self.cast.stage.process_engine.begin(by=person.id) as work:
            reviews.declare_conflict(work, person, row.id, reason="曾参与该案例的咨询工作")
        self._see_transfers()

    def _drop(self) -> None:
        organiser, expert = self.cast.people.organiser, self._dropped
        assert expert is not None
        with self.cast.stage.process_engine.begin(by=organiser.id) as work:
            reviews.drop_expert(work, organiser, self.cast.campaign_id, expert, reason="因公务不能参加评审")
        self._see_transfers()

    def _see_transfers(self) -> None:
        """Tasks that were given to somebody else are planned again, by their new expert."""
        with self.cast.stage.process_engine.read() as work:
            rows = work.connection.execute(
                sa.select(user_task)
                .where(user_task.c.element_id == "review", user_task.c.state == "open", user_task.c.revision > 1)
                .order_by(user_task.c.business_key, user_task.c.id)
            ).all()
        for row in rows:
            if row.business_key in self.institutions.plans and (row.id, row.assignee) not in self._transferred:
                self._transferred.add((row.id, row.assignee))
                self.plan_review(Duty(row, "reviews.record", 1))
