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
from engine.tasks import list_candidates
from workflows import files, inbox
from workflows.applications import start_application
from workflows.campaigns import get_campaign
from workflows.forms import Form
from workflows.forms.fields import Option
from workflows.people import Person
from workflows.replay.jury import Jury
from workflows.replay.public import Public
from workflows.replay.report import Submission, in_zone
from workflows.replay.setting import People
from workflows.replay.stage import Stage
from workflows.replay.world import Fate, InstitutionPlan, World
from workflows.selection import TieUndecided
from workflows.tables import case

SCAN = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
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
    """Plays everybody of a world. `submissions` is what the clients saw; `tell_answer` is called with each as it is answered."""

    stage: Stage
    world: World
    people: People
    campaign_id: str
    tell_answer: Callable[[Submission], None] = field(default=lambda _: None)
    pace: int = 1  # how many times slower officials are: in a demonstration more waits at every step
    submissions: list[Submission] = field(default_factory=list)
    _key: str = ""
    _seen: str = ""
    plans: dict[str, InstitutionPlan] = field(default_factory=dict)  # by case number
    _visits: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage.notice_new = self.notice_new
        self.jury, self.public = Jury(self), Public(self)
        with self.stage.process_engine.read() as work:
            self._key = get_campaign(work, self.campaign_id).key
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
            if row.business_key == self._key or row.business_key in self.plans:  # other campaigns have their own cast
                self._plan(row)
        self.public.watch_consultation()

    def _plan(self, row: sa.Row[Any]) -> None:
        visit = self._visits.get((row.business_key, row.element_id), 0)
        if row.element_id in ("audit", "correct", "accept", "supplement"):
            self._visits[(row.business_key, row.element_id)] = visit + 1
        plan = self.plans.get(row.business_key)
        dates, now = self.world.dates, self.stage.now
        match row.element_id:
            case "issue_notice":
                self.do(dates.issued_at, row, self.people.organiser, self._issue)
            case "apply" if plan is not None and plan.fate is not Fate.SILENT:
                self.do(plan.sends_at, row, self._applicant(plan), self._apply, self._record("application", plan))
            case "audit" if plan is not None and plan.body is not None:
                until = self.world.bodies[plan.body].list_at - timedelta(minutes=5)
                moment = self._soon(row, visit, 1, 10, until=until)
                self.do(moment, row, self.people.auditors[plan.body], lambda view: self._audit(plan, visit))
            case "correct" if plan is not None:
                if plan.fate is Fate.LATE_CORRECTION:
                    moment = dates.cutoff_at + timedelta(seconds=3)
                else:
                    moment = self._soon(row, visit, 1, 12)
                self.do(moment, row, self._applicant(plan), self._apply, self._record("correction", plan))
            case "recommend":
                self._plan_list(row)
            case "accept" if plan is not None:
                self.do(self._soon(row, visit, 2, 40), row, self.people.organiser, lambda view: self._accept(plan, visit))
            case "supplement" if plan is not None:
                moment = self._soon(row, visit, 2, 30)
                self.do(moment, row, self._applicant(plan), self._apply, self._record("supplement", plan))
            case "organise_review":
                self.do(now + timedelta(days=6), row, self.people.organiser, self._organise, again=timedelta(days=2))
            case "review":
                self.jury.plan_review(row)
            case "select_cases":
                self.do(now + timedelta(days=9), row, self.people.organiser, self._select)
            case "settle_comments":
                self.do(now + timedelta(days=3), row, self.people.organiser, self._settle)
            case "publish":
                self.do(dates.published_at, row, self.people.organiser, self._publish)

    def _soon(self, row: sa.Row[Any], visit: int, least: int, most: int, *, until: datetime | None = None) -> datetime:
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
                data = dict(answer(view))
                try:
                    inbox.complete(engine, person, row.id, data, revision=view.revision, key=uuid.uuid4().hex)
                except TieUndecided as tie:
                    with engine.begin(by=person.id) as work:
                        view = inbox.open_task(work, person, row.id)
                    decided = data | self._decide_tie(tie)
                    inbox.complete(engine, person, row.id, decided, revision=view.revision, key=uuid.uuid4().hex)
            except Problem as problem:
                if record is not None:
                    record(sent_at, problem)
                elif again is not None and self.stage.now < self.world.dates.review_until:
                    self.stage.at(self.stage.now + again, act)
                else:
                    raise
            else:
                if record is not None:
                    record(sent_at, None)

        self.stage.at(moment, act)

    def _decide_tie(self, tie: TieUndecided) -> dict[str, Any]:
        """Cases equal at the cut: a vote of the meeting, by the seed, with its reason."""
        field_key = str(tie.findings[0].path)
        tied = sorted(str(finding.values["case"]) for finding in tie.findings)
        chosen = self.world.chance("tie", *tied).sample(tied, int(tie.values["seats"]))
        return {field_key: sorted(chosen), "reason" if field_key == "decided" else "remark": "并列案例经会议表决确定。"}

    def _record(self, channel: str, plan: InstitutionPlan) -> Callable[[datetime, Problem | None], None]:
        body = None if plan.body is None else self.world.bodies[plan.body].short_name
        windows = {"application": f"body/{body}" if body else "collection", "correction": "collection", "supplement": ""}
        name = f"{channel}/{plan.number:05d}"
        return lambda sent_at, problem: self.note(name, channel, windows[channel], plan.name, sent_at, problem)

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

    def _applicant(self, plan: InstitutionPlan) -> Person:
        return self.people.applicants[plan.number - 1]

    # ---- institutions ------------------------------------------------------------------------------------------------
    def _open_case(self, plan: InstitutionPlan) -> None:
        engine, person = self.stage.process_engine, self._applicant(plan)
        with engine.begin(by=person.id) as work:
            case_id = start_application(
                work,
                person,
                self.campaign_id,
                channel="direct" if plan.body is None else "recommended",
                body_id=None if plan.body is None else self.people.bodies[plan.body],
            )
            number = work.connection.execute(sa.select(case.c.number).where(case.c.id == case_id)).scalar_one()
        self.plans[number] = plan

    def _apply(self, view: inbox.TaskView) -> dict[str, Any]:
        """The application form: prefilled when it is a correction; the scan of the sealed form is uploaded."""
        plan = self.plans[view.task.business_key]
        person = self._applicant(plan)
        with self.stage.process_engine.begin(by=person.id) as work:
            scan = files.store_upload(
                work, person, io.BytesIO(SCAN), name="盖章扫描件.pdf", task_id=view.task.id, field="seal_scan"
            )
        dice = self.world.chance("words", plan.number)

        def words(count: int) -> str:
            return "，".join(dice.choice(PHRASES) for _ in range(count)) + "。"

        return {
            "institution_kind": "third_party_company",
            "contact_name": person.name,
            "contact_phone": f"010-5550{plan.number % 10000:04d}",
            "contact_email": f"{person.login}@example.org",
            "title": f"{plan.trade}检验检测服务产业案例{plan.number:03d}",
            "directions": [dice.choice(("specialised", "small_business", "safety_livelihood", "market_supervision"))],
            "summary": words(2),
            "background": words(3),
            "practice": words(5),
            "results": words(4),
            "indicators": [{"name": "服务企业", "value": str(dice.randint(20, 900)), "unit": "家"}],
            "demonstration": words(2),
            "seal_scan": [scan.id],
            "originality": True,
        }

    # ---- bodies ------------------------------------------------------------------------------------------------------
    def _audit(self, plan: InstitutionPlan, visit: int) -> dict[str, Any]:
        if plan.fate is Fate.REJECTED:
            return {"checks": ["complete"], "result": "reject", "opinion": "内容与征集范围不符。"}
        if plan.returned and visit == 0:
            return {"checks": ["seal"], "result": "return", "opinion": "请补充成效数据的出处。"}
        return {"checks": ["complete", "seal", "authentic", "original"], "result": "pass", "opinion": ""}

    def _plan_list(self, row: sa.Row[Any]) -> None:
        with self.stage.process_engine.read() as work:
            groups = {name for kind, name in list_candidates(work, row.id) if kind == "group"}
        index = next(index for index, body in enumerate(self.people.bodies) if f"auditor@{body}" in groups)
        body = self.world.bodies[index]
        name = f"list/{body.short_name}"
        self.do(
            body.list_at,
            row,
            self.people.auditors[index],
            self._list,
            lambda sent_at, problem: self.note(name, "list", "collection", body.short_name, sent_at, problem),
        )

    def _list(self, view: inbox.TaskView) -> dict[str, Any]:
        """Everything that was audited, in an order of the seed's, but what the plan leaves out."""
        options = _options(view, "ranking")
        with self.stage.process_engine.read() as work:
            ids = [option.value for option in options]
            rows = work.connection.execute(sa.select(case.c.id, case.c.number).where(case.c.id.in_(ids))).all()
        numbers = {row.id: row.number for row in rows if self.plans[row.number].fate is not Fate.UNLISTED}
        order = sorted(numbers, key=lambda case_id: self.world.chance("rank", numbers[case_id]).random())
        return {"ranking": order, "shortfall_reason": "本地申报数量有限。" if len(order) < 3 else "", "remark": ""}

    # ---- the authority -----------------------------------------------------------------------------------------------
    def _issue(self, view: inbox.TaskView) -> dict[str, Any]:
        return {**_given(view), "confirmed": True}

    def _accept(self, plan: InstitutionPlan, visit: int) -> dict[str, Any]:
        if plan.fate is Fate.REJECTED:
            return {"checks": [], "result": "reject", "opinion": "材料不属于本次征集范围。"}
        if plan.returned and visit == 0:
            return {"checks": ["complete"], "result": "return", "opinion": "印章不清晰，请补正。"}
        return {"checks": ["complete", "seal"], "result": "pass", "opinion": ""}

    def _organise(self, view: inbox.TaskView) -> dict[str, Any]:
        options = _options(view, "pool")
        return {**_given(view), "pool": [option.value for option in options], "seed": f"seed-{self.world.seed}"}

    def _select(self, view: inbox.TaskView) -> dict[str, Any]:
        return _given(view)

    def _settle(self, view: inbox.TaskView) -> dict[str, Any]:
        rows = []
        for row in _given(view)["decisions"]:
            upheld = "（成立）" in row["text"]
            answer = "经核查，异议成立。" if upheld else "已研究，说明如下。"
            rows.append({**row, "decision": "adopted" if upheld else "not_adopted", "answer": answer})
        return {"decisions": rows, "remark": ""}

    def _publish(self, view: inbox.TaskView) -> dict[str, Any]:
        return _given(view)


def _form(view: inbox.TaskView) -> Form:
    """The form of a task that has one; all that the cast does have."""
    assert view.form is not None
    return view.form


def _options(view: inbox.TaskView, key: str) -> tuple[Option, ...]:
    """What can be chosen in a field."""
    return _form(view).by_key[key].options or ()


def _given(view: inbox.TaskView) -> dict[str, Any]:
    """What the page shows already, without what cannot be changed."""
    fixed = {field.key for field in _form(view).fields if field.read_only}
    return {key: value for key, value in view.values.items() if key not in fixed and key in _form(view).by_key}
