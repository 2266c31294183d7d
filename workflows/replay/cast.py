"""The cast: for each kind of task, who does it when and what they answer. Everything goes through the functions of the pages."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import user_task
from workflows import consultations, files, inbox, reviews
from workflows.applications import start_application
from workflows.people import Person
from workflows.replay.report import Submission, in_zone
from workflows.replay.setting import Setting
from workflows.replay.stage import Stage
from workflows.replay.world import CommentPlan, Fate, InstitutionPlan, World
from workflows.tables import case, panel_member, window

SCAN = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
"""What stands for the scan of a sealed form: a PDF without pages."""

PHRASES = (
    "围绕产业需求建立检测方法并形成服务能力",
    "为中小企业提供一站式检测服务",
    "检测周期明显缩短，成本下降",
    "形成可复制、可推广的经验",
    "与上下游单位协同开展技术攻关",
    "数据来自演练，不对应任何真实单位",
)


@dataclass
class Cast:
    """Plays everybody of a world. `submissions` is what the clients saw."""

    stage: Stage
    world: World
    setting: Setting
    cut: int
    submissions: list[Submission] = field(default_factory=list)
    _seen: str = ""
    _plans: dict[str, InstitutionPlan] = field(default_factory=dict)  # by case number
    _audited: set[str] = field(default_factory=set)  # cases that were returned once
    _recused: bool = False
    _dropped: str | None = None
    _visits: dict[tuple[str, str], int] = field(default_factory=dict)
    _consultation: bool = False

    def __post_init__(self) -> None:
        self.stage.notice_new = self.notice_new
        for plan in self.world.institutions:
            self.stage.at(plan.opens_at, lambda plan=plan: self._open_case(plan))  # type: ignore[misc]

    # ---- seeing new tasks --------------------------------------------------------------------------------------------
    def notice_new(self) -> None:
        """Everybody looks into the inbox: each new task is planned once, by who will do it."""
        with self.stage.process_engine.read() as work:
            rows = work.connection.execute(
                sa.select(user_task).where(user_task.c.id > self._seen, user_task.c.state == "open").order_by(user_task.c.id)
            ).all()
        for row in rows:
            self._seen = row.id
            self._plan(row)

    def _plan(self, row: sa.Row[Any]) -> None:
        visit = self._visits.get((row.business_key, row.element_id), 0)
        if row.element_id in ("audit", "correct", "accept", "supplement"):
            self._visits[(row.business_key, row.element_id)] = visit + 1
        plan = self._plans.get(row.business_key)
        dates, now = self.world.dates, self.stage.now
        match row.element_id:
            case "issue_notice":
                self._do(dates.issued_at, row, self.setting.organiser, self._issue)
            case "apply" if plan is not None and plan.fate is not Fate.SILENT:
                self._do(plan.sends_at, row, self._applicant(plan), self._apply, self._record("application", plan))
            case "audit" if plan is not None and plan.body is not None:
                until = self.world.bodies[plan.body].list_at - timedelta(minutes=5)
                moment = self._soon(row, visit, 1, 10, until=until)
                self._do(moment, row, self.setting.auditors[plan.body], lambda view: self._audit(view, plan, visit))
            case "correct" if plan is not None:
                if plan.fate is Fate.LATE_CORRECTION:
                    moment = dates.cutoff_at + timedelta(seconds=3)
                else:
                    moment = self._soon(row, visit, 1, 12)
                self._do(moment, row, self._applicant(plan), self._apply, self._record("correction", plan))
            case "recommend":
                self._plan_list(row)
            case "accept" if plan is not None:
                self._do(self._soon(row, visit, 2, 40), row, self.setting.organiser, lambda view: self._accept(plan, visit))
            case "supplement" if plan is not None:
                moment = self._soon(row, visit, 2, 30)
                self._do(moment, row, self._applicant(plan), self._apply, self._record("supplement", plan))
            case "organise_review":
                self._do(now + timedelta(days=6), row, self.setting.organiser, self._organise, again=timedelta(days=2))
            case "review":
                self._plan_review(row)
            case "select_cases":
                self._do(now + timedelta(days=9), row, self.setting.organiser, self._select)
            case "settle_comments":
                self._do(now + timedelta(days=3), row, self.setting.organiser, self._settle)
            case "publish":
                self._do(dates.published_at, row, self.setting.organiser, self._publish)
        if row.element_id == "settle_comments":
            return
        self._watch_consultation()

    def _soon(self, row: sa.Row[Any], visit: int, least: int, most: int, *, until: datetime | None = None) -> datetime:
        """Some hours from now, by the seed; not after `until` unless that has passed."""
        dice = self.world.chance("delay", row.business_key, row.element_id, visit)
        moment = (self.stage.now + timedelta(hours=least, seconds=dice.randint(0, (most - least) * 3600))).replace(microsecond=0)
        return moment if until is None else max(min(moment, until), self.stage.now)

    # ---- doing -------------------------------------------------------------------------------------------------------
    def _do(
        self,
        moment: datetime,
        row: sa.Row[Any],
        person: Person,
        answer: Callable[[inbox.TaskView], Mapping[str, Any]],
        record: Callable[[datetime, Problem | None], None] | None = None,
        *,
        again: timedelta | None = None,
    ) -> None:
        """Plan to open the task, fill in its form and complete it; a refusal is recorded, or tried `again` later."""

        def act() -> None:
            engine, sent_at = self.stage.process_engine, self.stage.now
            try:
                with engine.begin(by=person.id) as work:
                    view = inbox.open_task(work, person, row.id)
                data = answer(view)
                inbox.complete(engine, person, row.id, data, revision=view.revision, key=uuid.uuid4().hex)
            except Problem as problem:
                if record is not None:
                    record(sent_at, problem)
                elif again is not None:
                    self.stage.at(self.stage.now + again, act)
                else:
                    raise
            else:
                if record is not None:
                    record(sent_at, None)

        self.stage.at(moment, act)

    def _record(self, channel: str, plan: InstitutionPlan) -> Callable[[datetime, Problem | None], None]:
        body = None if plan.body is None else self.world.bodies[plan.body].short_name
        windows = {"application": f"body/{body}" if body else "collection", "correction": "collection", "supplement": ""}
        name = f"{channel}/{plan.number:05d}"
        return lambda sent_at, problem: self._note(name, channel, windows[channel], plan.name, sent_at, problem)

    def _note(self, name: str, channel: str, cutoff: str, subject: str, sent_at: datetime, problem: Problem | None) -> None:
        count = sum(1 for submission in self.submissions if submission.id.rpartition("#")[0] == name)
        self.submissions.append(
            Submission(
                f"{name}#{count + 1}",
                channel,
                cutoff,
                subject,
                in_zone(sent_at),
                "accepted" if problem is None else "refused",
                None if problem is None else problem.code,
                in_zone(self.stage.now),
            )
        )

    def _applicant(self, plan: InstitutionPlan) -> Person:
        return self.setting.applicants[plan.number - 1]
