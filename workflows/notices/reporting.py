"""What a notice asks to be reported, its stages, and its targets: what is planned, and out of which figures what is reached."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field as Key
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from workflows.deadlines import Bilingual
from workflows.notices.parts import Fact, Item, Listed, Name, Part, Text

BodyKind = Literal["province", "corps", "consortium", "prefecture", "division", "institution"]


class ReportPlan(Item):
    """A report that bodies owe: each body whose kind is in `by`, at each of the dates in `due` (each occurrence of a series).

    Without `due` it is unscheduled: a body may send one at any time (重要情况随时报送).
    """

    form: Name
    by: Annotated[Listed[BodyKind], Key(min_length=1)]
    recipient: Fact[Text]
    due: Listed[Name] = ()

    @property
    def unscheduled(self) -> bool:
        """Whether it is sent when there is something to report, and by no date."""
        return not self.due


class Milestone(Item):
    """A stage of the work with its date; `reports` are those that it ends with."""

    date: Name
    reports: Listed[Name] = ()


class Counted(Part):
    """What the figure that was reached is counted from.

    Either the accepted reports of a plan: the sum of a number field (`cities`) or column (`list.enterprises`), or the number of
    rows of a table (`list`). Or the campaign's cases in a state.
    """

    report: Name | None = None
    field: Annotated[str, Key(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$")] | None = None
    cases: Literal["accepted", "selected", "published"] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.report is None) == (self.cases is None) or (self.report is None) != (self.field is None):
            raise PydanticCustomError("NoticeCountedUnclear", "a report with its field, or cases")
        return self


class Target(Item):
    """A figure that is planned: at least `value`. What was reached is counted (`counted`), never written over the plan.

    `per` body: each body is to reach it by itself. `reached` is what a source says of the historical campaign.
    """

    value: Annotated[int, Key(ge=0)]
    unit: Bilingual
    per: Literal["whole", "body"] = "whole"
    counted: Counted | None = None
    reached: Fact[int] | None = None
