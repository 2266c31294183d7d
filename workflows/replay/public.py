"""The public: while comments are solicited it sends some, objections among them, one too late."""

from __future__ import annotations

import sqlalchemy as sa

from engine.errors import Problem
from engine.work import Work
from workflows import consultations
from workflows.replay.cast import Cast, Part
from workflows.replay.world import CommentPlan, invent_name
from workflows.tables import case, selection_item, window


class Public(Part):
    """Plays whoever comments."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._consultation = False

    def watch(self) -> None:
        """When comments are solicited, the public plans what it sends."""
        if self._consultation:
            return
        with self.cast.stage.process_engine.read() as work:
            row = work.connection.execute(
                sa.select(window).where(
                    window.c.campaign_id == self.cast.campaign_id, window.c.name == "comments", window.c.state == "open"
                )
            ).one_or_none()
        if row is None:
            return
        self._consultation, start = True, self.cast.stage.now
        for plan in self.cast.world.comments:
            moment = (start + (row.cutoff_at - start) * plan.share).replace(microsecond=0)
            self.cast.stage.at(max(moment, start), lambda plan=plan: self._comment(plan))  # type: ignore[misc]

    def _comment(self, plan: CommentPlan) -> None:
        engine, sent_at = self.cast.stage.process_engine, self.cast.stage.now
        name = invent_name(self.cast.world.seed, "public", plan.number)
        text = (
            "建议进一步说明数据来源。"
            if plan.kind == "comment"
            else f"案例数据与实际不符{'（成立）' if plan.upheld else '（不成立）'}。"
        )
        problem: Problem | None = None
        try:
            with engine.begin() as work:
                number = self._selected_number(work, plan.place)
                consultations.receive_comment(
                    work,
                    self.cast.campaign_id,
                    kind=plan.kind,
                    from_name=f"演练{name}",
                    from_contact=f"public-{plan.number}@example.org",
                    text=text,
                    case_number=number,
                )
        except Problem as found:
            problem = found
        self.cast.note(f"comment/{plan.number:03d}", "comment", "comments", plan.kind, sent_at, problem)

    def _selected_number(self, work: Work, place: int | None) -> str | None:
        """The number of the case at this place of the selection; the last one when it is shorter."""
        if place is None:
            return None
        numbers = (
            work.connection.execute(
                sa.select(case.c.number)
                .join(selection_item, selection_item.c.case_id == case.c.id)
                .where(case.c.campaign_id == self.cast.campaign_id, selection_item.c.selected)
                .order_by(selection_item.c.place, case.c.number)
            )
            .scalars()
            .all()
        )
        return numbers[min(place, len(numbers)) - 1] if numbers else None
