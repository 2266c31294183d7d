"""The bodies that report, and the organiser who examines, concludes, confirms unknown dates and chooses among the cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from workflows import inbox
from workflows.campaigns.forms import campaign_notice
from workflows.deadlines import Unknown
from workflows.replay.cast import Cast, Duty, Part, given_values
from workflows.replay.filling import PHRASES
from workflows.reports import start_report
from workflows.reports.plans import list_plans, list_reporters
from workflows.tables import report

NEVER, LATE, ON_TIME, LAST_SECOND, RETURNED = range(5)
"""What befalls the first bodies in the seed's order, for each report; the others report early."""
PATIENCE = timedelta(days=5)
"""How long after a due date the organiser waits for late reports."""
NOTE = "演示确认"
"""The source note of a made-up official."""


class Reporters(Part):
    """Plays who reports, and who receives."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.acts = {
            "reports.submit": self.plan_report,
            "reports.examine": self.plan_examination,
            "reports.conclude": self.plan_conclusion,
            "dates.confirm": self.plan_confirmation,
            "selection.choose": self.plan_choice,
        }
        with cast.stage.process_engine.read() as work:
            plans = [plan for plan in list_plans(work, cast.campaign_id) if plan.unscheduled]
            places = {plan.key: [each.place - 1 for each in list_reporters(work, cast.campaign_id, plan)] for plan in plans}
        for plan in plans:
            dice = cast.world.chance("unscheduled", plan.key)
            for place in dice.sample(places[plan.key], min(2, len(places[plan.key]))):
                moment = cast.world.dates.issued_at + timedelta(days=dice.randint(5, 40), hours=dice.randint(0, 8))
                cast.stage.at(moment, lambda key=plan.key, place=place: self._start(key, place))  # type: ignore[misc]

    def plan_report(self, duty: Duty) -> None:
        """A report, or its correction: early, in the last second, late, or never, as the seed says."""
        row = self._read(duty)
        fate = self._fate(row)
        if row.state == "returned":
            moment = self.cast.soon(duty.row, duty.visit, 2, 30)
        elif row.due_at is None:
            moment = self.cast.soon(duty.row, duty.visit, 1, 6)
        elif fate == NEVER:
            return
        else:
            moment = self._moment(row, fate)

        def record(sent_at: datetime, problem: Problem | None) -> None:
            self.cast.note(f"report/{row.number}", "report", "", row.number, sent_at, problem)

        self.cast.do(moment, duty.row, self.cast.who(duty.row), lambda view: self._write(view, row), record)

    def plan_examination(self, duty: Duty) -> None:
        """Within two days; some are returned once."""
        row = self._read(duty)
        returned = duty.visit == 0 and row.due_at is not None and self._returns(row)

        def answer(_: inbox.TaskView) -> dict[str, Any]:
            if returned:
                return {"result": "return", "opinion": "请补充数据。"}
            return {"result": "accept", "opinion": ""}

        self.cast.do(self.cast.soon(duty.row, duty.visit, 2, 40), duty.row, self.cast.who(duty.row), answer)

    def plan_conclusion(self, duty: Duty) -> None:
        """Some days after the due date: who has sent nothing by then never does."""
        self.cast.do(self.cast.stage.now + PATIENCE, duty.row, self.cast.who(duty.row), lambda _: {"remark": ""})

    def plan_confirmation(self, duty: Duty) -> None:
        """One of the candidates that leave time to report; nobody confirms anything where the run is to stay without."""
        if not self.cast.confirms:
            return
        moment = self.cast.soon(duty.row, duty.visit, 48, 120)

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            value = view.context["date"]
            assert isinstance(value, Unknown)
            enough = self.cast.stage.now + timedelta(days=10)
            keys = [each.key for each in value.candidates if each.cutoff_at is not None and each.cutoff_at > enough]
            chosen = self.cast.world.chance("confirm", view.context["date_name"]).choice(keys)
            return {"candidate": chosen, "source_note": NOTE}

        self.cast.do(moment, duty.row, self.cast.who(duty.row), answer)

    def plan_choice(self, duty: Duty) -> None:
        """As many as were chosen in truth, where a source says so; else the better half."""
        with self.cast.stage.process_engine.read() as work:
            targets = campaign_notice(work, self.cast.campaign_id).notice.targets
        told = [each.reached.value for each in targets if each.reached and each.counted and each.counted.cases]

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            assert view.form is not None
            options = [option.value for option in view.form.by_key["chosen"].options or ()]
            labels = {option.value: option.label["zh"] for option in view.form.by_key["chosen"].options or ()}
            order = sorted(options, key=lambda each: self.cast.world.chance("choice", labels[each]).random())
            return {**given_values(view), "chosen": order[: told[0] if told else (len(order) + 1) // 2]}

        self.cast.do(self.cast.stage.now + timedelta(days=9), duty.row, self.cast.who(duty.row), answer)

    # ---- what the seed says ------------------------------------------------------------------------------------------
    def _read(self, duty: Duty) -> sa.Row[Any]:
        with self.cast.stage.process_engine.read() as work:
            return work.connection.execute(sa.select(report).where(report.c.number == duty.row.business_key)).one()

    def _order(self, row: sa.Row[Any]) -> list[int]:
        order = list(range(len(self.cast.people.bodies)))
        self.cast.world.chance("report", row.plan, row.period).shuffle(order)
        return order

    def _fate(self, row: sa.Row[Any]) -> int:
        return self._order(row).index(self.cast.people.bodies.index(row.reporter_id))

    def _returns(self, row: sa.Row[Any]) -> bool:
        return self._fate(row) == RETURNED or self.cast.world.chance("returned", row.number).random() < 0.15

    def _moment(self, row: sa.Row[Any], fate: int) -> datetime:
        dice = self.cast.world.chance("reports", row.number)
        due_at: datetime = row.due_at
        if fate == LATE:
            return due_at + timedelta(hours=dice.randint(1, 60))
        if fate == ON_TIME:
            return due_at  # the first moment that is late
        if fate == LAST_SECOND:
            return due_at - timedelta(seconds=dice.randint(1, 9))
        start = self.cast.stage.now + timedelta(hours=2)
        return (start + (due_at - timedelta(hours=1) - start) * dice.random()).replace(microsecond=0)

    def _write(self, view: inbox.TaskView, row: sa.Row[Any]) -> dict[str, Any]:
        """Tables with a few rows and figures of a modest size; the texts are made up by whoever fills in forms."""
        dice = self.cast.world.chance("figures", row.number)
        body = self.cast.world.bodies[self.cast.people.bodies.index(row.reporter_id)].short_name
        given: dict[str, Any] = {key: value for key, value in given_values(view).items() if value not in (None, "", [])}
        assert view.form is not None
        for field in view.form.fields:
            if field.kind.value == "number":
                given[field.key] = dice.randint(0, 40)
            elif field.kind.value == "table":
                given[field.key] = [
                    {
                        column.key: dice.randint(20, 400)
                        if column.kind.value == "number"
                        else dice.choice([option.value for option in column.options])
                        if column.options
                        else f"{body}{column.label['zh']}{number}"
                        for column in field.columns
                    }
                    for number in range(1, dice.randint(2, 5))
                ]
            elif field.kind.value == "long_text":
                given[field.key] = dice.choice(PHRASES) + "。"
        return given

    def _start(self, plan_key: str, place: int) -> None:
        person = self.cast.people.auditors[place]
        with self.cast.stage.process_engine.begin(by=person.id) as work:
            start_report(work, person, self.cast.campaign_id, plan_key)
