"""Those who keep cadences: bureaus that report case by case, the team that reviews and publishes, second channels."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from workflows import inbox
from workflows.applications import first_task, start_application
from workflows.arrivals import list_channels, record_arrival
from workflows.campaigns import get_campaign
from workflows.replay.cast import Cast, Duty, Part, given_values
from workflows.replay.institutions import Institutions
from workflows.replay.world import Fate, InstitutionPlan
from workflows.rounds import Plan, find_occurrence, read_plans
from workflows.tables import case

GRADES = ("strong", "good", "fair", "weak")


class Rounds(Part):
    """Plays what only campaigns with rounds, reports onward and continuous publication ask for."""

    def __init__(self, cast: Cast, institutions: Institutions) -> None:
        self.cast, self.institutions = cast, institutions
        self.acts = {
            "audits.report": self.plan_report,
            "audits.assess": self.plan_assessment,
            "publications.publish_next": lambda duty: self._later(duty, 3),
            "rounds.publicise": self.plan_publicity,
            "rounds.place_rest": self.plan_rest,
            "forwardings.record": self.plan_forwarding,
        }
        with cast.stage.process_engine.read() as work:
            self.plans: dict[str, Plan] = read_plans(work, cast.campaign_id)
            self.channels = [channel.key for channel in list_channels(work, cast.campaign_id)]
            self.recorded_once = get_campaign(work, cast.campaign_id).settings.get("duplicate_titles") == "refuse"

    # ---- bureaus -----------------------------------------------------------------------------------------------------
    def plan_report(self, duty: Duty) -> None:
        """Soon, in the last second of a round, just after a round's end, or after the end of all."""
        row = duty.row
        plan = self.institutions.plans[row.business_key]
        bureau = "" if plan.body is None else self.cast.world.bodies[plan.body].short_name
        returns = plan.returned and duty.visit == 0
        passes = plan.fate is not Fate.REJECTED and not returns
        moment = self._report_at(duty, plan) if passes else self.cast.soon(row, duty.visit, 1, 10)

        def answer(_: inbox.TaskView) -> dict[str, Any]:
            if returns:
                return {"checks": ["seal"], "result": "return", "opinion": "请补充成效数据的出处。"}
            if plan.fate is Fate.REJECTED:
                return {"checks": [], "result": "reject", "opinion": "内容与征集范围不符。"}
            return {"checks": ["complete", "seal", "authentic"], "result": "pass", "opinion": ""}

        def record(sent_at: datetime, problem: Problem | None) -> None:
            if passes:
                self.cast.note(f"report/{plan.number:05d}", "report", "collection", bureau, sent_at, problem)
                if problem is None and plan.number % 6 == 1 and self.recorded_once and self.channels:
                    moment = self.cast.stage.now + timedelta(hours=3)
                    self.cast.stage.at(moment, lambda: self._come_again(plan, row.business_key))
            elif problem is not None:
                raise problem

        self.cast.do(moment, row, self.cast.who(row), answer, record)

    def _report_at(self, duty: Duty, plan: InstitutionPlan) -> datetime:
        soon = self.cast.soon(duty.row, duty.visit, 1, 60)
        dice = self.cast.world.chance("report", plan.number)
        rounds = next((each.occurrences for each in self.plans.values() if each.round.takes.value == "received"), ())
        end = find_occurrence(rounds, self.cast.stage.now + timedelta(seconds=5))
        if plan.fate is Fate.UNLISTED and rounds:
            return self.cast.world.dates.cutoff_at + timedelta(seconds=2)
        draw = dice.random()
        if end is None or draw > 0.5:
            return soon
        if draw < 0.25 or end is rounds[-1]:
            return end.cutoff_at - timedelta(seconds=dice.randint(1, 3))
        return end.cutoff_at + timedelta(seconds=dice.randint(0, 3))

    def _come_again(self, plan: InstitutionPlan, number: str) -> None:
        """The same case by a second channel: refused online, and its e-mail noted with the first."""
        engine, person = self.cast.stage.process_engine, self.institutions.applicant(plan)
        if self.cast.stage.now >= self.cast.world.dates.cutoff_at:
            return
        with engine.begin(by=person.id) as work:
            case_id = start_application(work, person, self.cast.campaign_id, channel="direct")
            task_id = first_task(work, case_id)
            first = work.connection.execute(sa.select(case).where(case.c.number == number)).one()
        assert task_id is not None
        sent_at, problem = self.cast.stage.now, None
        try:
            with engine.begin(by=person.id) as work:
                view = inbox.open_task(work, person, task_id)
            data = self.cast.fill(view, person, {**self.institutions.answer(plan), "title": f"《{first.title}》"})
            inbox.complete(engine, person, task_id, data, revision=view.revision, key=uuid.uuid4().hex)
        except Problem as found:
            problem = found
        self.cast.note(f"duplicate/{plan.number:05d}", "duplicate", "", plan.name, sent_at, problem)
        official = self.cast.people.organiser
        with engine.begin(by=official.id) as work:
            record_arrival(work, official, first.id, channel=self.channels[0], received_at=sent_at, note="与在线报送为同一案例。")
        self.cast.note(f"arrival/{plan.number:05d}", "arrival", "", plan.name, sent_at, None)

    # ---- the team ----------------------------------------------------------------------------------------------------
    def plan_assessment(self, duty: Duty) -> None:
        """Within some days; what was sent directly may be returned once, and some of it is not accepted."""
        plan = self.institutions.plans[duty.row.business_key]
        dice = self.cast.world.chance("grades", plan.number)
        grades = {name: dice.choice(GRADES[:3]) for name in ("innovation", "effectiveness", "typicality")}
        result = "pass"
        if plan.body is None and plan.returned and duty.visit == 0:
            result = "return"
        elif plan.fate is Fate.REJECTED or plan.quality < 60:
            result = "reject"

        def answer(_: inbox.TaskView) -> dict[str, Any]:
            return {**grades, "result": result, "opinion": "" if result == "pass" else "请补充成效。"}

        self.cast.do(self.cast.soon(duty.row, duty.visit, 2, 90), duty.row, self.cast.who(duty.row), answer)

    def plan_publicity(self, duty: Duty) -> None:
        """A week after the batch."""
        self.cast.do(
            self.cast.stage.now + timedelta(days=7), duty.row, self.cast.who(duty.row), lambda _: {"publicity": "专题报道。"}
        )

    def plan_rest(self, duty: Duty) -> None:
        """The first half of what no batch took goes into the last one."""

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            assert view.form is not None
            rest = [option.value for option in view.form.by_key["joined"].options or ()]
            return {"joined": rest[: (len(rest) + 1) // 2], "reason": "并入下半年宣传。"}

        self.cast.do(self.cast.stage.now + timedelta(days=2), duty.row, self.cast.who(duty.row), answer)

    def plan_forwarding(self, duty: Duty) -> None:
        """Every third case goes to a department and a local government."""
        plan = self.institutions.plans[duty.row.business_key]
        sent = {"decision": "forward", "departments": "省经济和信息化厅", "governments": "演练市人民政府"}
        answer = sent if plan.number % 3 == 0 else {"decision": "none"}
        self.cast.do(self.cast.soon(duty.row, duty.visit, 5, 100), duty.row, self.cast.who(duty.row), lambda _: answer)

    def _later(self, duty: Duty, days: int) -> None:
        self.cast.do(self.cast.stage.now + timedelta(days=days), duty.row, self.cast.who(duty.row), given_values)
