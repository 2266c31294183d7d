"""The recommending bodies: they audit their institutions' cases, and send their ranked lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.tasks import list_candidates
from workflows import inbox
from workflows.replay.cast import Cast, Duty, Part
from workflows.replay.institutions import Institutions
from workflows.replay.world import Fate
from workflows.tables import case


class Bodies(Part):
    """Plays the auditors of a cast."""

    def __init__(self, cast: Cast, institutions: Institutions) -> None:
        self.cast, self.institutions = cast, institutions
        self.acts = {"audits.record": self.plan_audit, "recommendations.submit": self.plan_list}
        self._first: dict[str, str] = {}  # the step that audits a case first, by its number

    def plan_audit(self, duty: Duty) -> None:
        """Within some hours, and before the body's list is sent. The first step that audits a case decides its fate."""
        row = duty.row
        plan = self.institutions.plans[row.business_key]
        first = self._first.setdefault(row.business_key, row.element_id) == row.element_id
        until = None if plan.body is None else self.cast.world.bodies[plan.body].list_at - timedelta(minutes=5)

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            if first and plan.fate is Fate.REJECTED:
                return {"checks": ["complete"], "result": "reject", "opinion": "内容与征集范围不符。"}
            if first and plan.returned and duty.visit == 0:
                return {"checks": ["seal"], "result": "return", "opinion": "请补充成效数据的出处。"}
            return {"checks": ["complete", "seal", "authentic", "original"], "result": "pass", "opinion": ""}

        self.cast.do(self.cast.soon(row, duty.visit, 1, 10, until=until), row, self.cast.who(row), answer)

    def plan_list(self, duty: Duty) -> None:
        """The list goes when the world says so; one of them too late."""
        with self.cast.stage.process_engine.read() as work:
            groups = {name for kind, name in list_candidates(work, duty.row.id) if kind == "group"}
        index = next(index for index, body in enumerate(self.cast.people.bodies) if f"auditor@{body}" in groups)
        body = self.cast.world.bodies[index]
        name, window = f"list/{body.short_name}", "collection" if self.institutions.bounded else ""
        self.cast.do(
            body.list_at,
            duty.row,
            self.cast.who(duty.row),
            self._list,
            lambda sent_at, problem: self.cast.note(name, "list", window, body.short_name, sent_at, problem),
        )

    def _list(self, view: inbox.TaskView) -> dict[str, Any]:
        """Everything that was audited, in an order of the seed's, but what the plan leaves out."""
        assert view.form is not None
        ids = [option.value for option in view.form.by_key["ranking"].options or ()]
        with self.cast.stage.process_engine.read() as work:
            rows = work.connection.execute(sa.select(case.c.id, case.c.number).where(case.c.id.in_(ids))).all()
        plans = self.institutions.plans
        numbers = {row.id: row.number for row in rows if plans[row.number].fate is not Fate.UNLISTED}
        order = sorted(numbers, key=lambda case_id: self.cast.world.chance("rank", numbers[case_id]).random())
        return {"ranking": order, "shortfall_reason": "本地申报数量有限。" if len(order) < 3 else "", "remark": ""}
