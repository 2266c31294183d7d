"""The authority: it issues the notice, accepts direct cases, organises the review, selects, settles comments and publishes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from engine.errors import Problem
from workflows import inbox
from workflows.replay.cast import Answer, Cast, Duty, Part, given_values
from workflows.replay.institutions import Institutions
from workflows.replay.world import Fate
from workflows.selection import TieUndecided


class Authority(Part):
    """Plays the organisers of a cast."""

    def __init__(self, cast: Cast, institutions: Institutions) -> None:
        self.cast, self.institutions = cast, institutions
        self.acts = {
            "campaigns.issue": self.plan_issue,
            "audits.accept": self.plan_acceptance,
            "reviews.organise": self.plan_review,
            "selection.record": lambda duty: self._after(duty, 9, given_values),
            "consultations.settle": lambda duty: self._after(duty, 3, self._settle),
            "publications.publish": self.plan_publication,
        }

    def plan_issue(self, duty: Duty) -> None:
        """On the day of the notice."""
        answer: Answer = lambda view: {**given_values(view), "confirmed": True}  # noqa: E731
        self.cast.do(self.cast.world.dates.issued_at, duty.row, self.cast.who(duty.row), answer)

    def plan_acceptance(self, duty: Duty) -> None:
        """Direct cases, within two days."""
        plan = self.institutions.plans[duty.row.business_key]

        def answer(_: inbox.TaskView) -> dict[str, Any]:
            if plan.fate is Fate.REJECTED:
                return {"checks": [], "result": "reject", "opinion": "材料不属于本次征集范围。"}
            if plan.returned and duty.visit == 0:
                return {"checks": ["complete"], "result": "return", "opinion": "印章不清晰，请补正。"}
            return {"checks": ["complete", "seal"], "result": "pass", "opinion": ""}

        moment = self.cast.soon(duty.row, duty.visit, 2, 40)
        self.cast.do(moment, duty.row, self.cast.who(duty.row), answer, mend=self._take_as_it_is)

    def plan_review(self, duty: Duty) -> None:
        """Six days after the collection; tried again while direct cases are still being supplemented."""

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            assert view.form is not None
            pool = [option.value for option in view.form.by_key["pool"].options or ()]
            return {**given_values(view), "pool": pool, "seed": f"seed-{self.cast.world.seed}"}

        moment, until = self.cast.stage.now + timedelta(days=6), self.cast.world.dates.review_until
        self.cast.do(moment, duty.row, self.cast.who(duty.row), answer, again=timedelta(days=2), until=until)

    def plan_publication(self, duty: Duty) -> None:
        """On the day that the notice or its report names, else in three days."""
        planned = self.cast.world.dates.published_at
        moment = self.cast.stage.now + timedelta(days=3) if planned is None else planned
        self.cast.do(moment, duty.row, self.cast.who(duty.row), given_values)

    def _after(self, duty: Duty, days: int, answer: Answer) -> None:
        moment = self.cast.stage.now + timedelta(days=days)
        self.cast.do(moment, duty.row, self.cast.who(duty.row), answer, mend=self._decide_tie)

    def _settle(self, view: inbox.TaskView) -> dict[str, Any]:
        rows = []
        for row in given_values(view)["decisions"]:
            upheld = "（成立）" in row["text"]
            answer = "经核查，异议成立。" if upheld else "已研究，说明如下。"
            rows.append({**row, "decision": "adopted" if upheld else "not_adopted", "answer": answer})
        return {"decisions": rows, "remark": ""}

    def _take_as_it_is(self, problem: Problem) -> Mapping[str, Any] | None:
        """Nothing can be supplemented after the collection's end."""
        vain = any(finding.code == "ReturnInVain" for finding in problem.findings)
        return {"checks": ["complete", "seal"], "result": "pass", "opinion": ""} if vain else None

    def _decide_tie(self, problem: Problem) -> Mapping[str, Any] | None:
        """Cases equal at the cut: a vote of the meeting, by the seed, with its reason."""
        if not isinstance(problem, TieUndecided):
            return None
        field_key = str(problem.findings[0].path)
        tied = sorted(str(finding.values["case"]) for finding in problem.findings)
        chosen = self.cast.world.chance("tie", *tied).sample(tied, int(problem.values["seats"]))
        return {field_key: sorted(chosen), "reason" if field_key == "decided" else "remark": "并列案例经会议表决确定。"}
