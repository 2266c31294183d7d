"""What a step's form asks in addition where a cut-off has passed, and whether one binds it at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.expressions import parse
from workflows.campaigns.windows import COLLECTED, LATE_REASON, REPORTED
from workflows.forms import Field, Kind, Label

LATE_FIELD = Field(
    LATE_REASON,
    Kind.LONG_TEXT,
    Label("逾期原因", "Why it is late"),
    Label(
        "已过截止时间。主办单位接收逾期报送，将标明“逾期”，并可能不予接受。",
        "The cut-off has passed. What is late is taken, marked as late, and may be refused.",
    ),
    required=True,
    max_length=500,
)
"""What a form asks in addition where what it brings is late."""
PASSES = parse('result == "pass"')


def find_late_field(handlers: Iterable[str]) -> Field | None:
    """The field that asks why something is late, for what these handlers take; None where no cut-off binds it."""
    if "audits.report" in handlers:  # what is not reported onward has no cut-off
        return replace(LATE_FIELD, required=False, required_if=PASSES)
    return LATE_FIELD if any(name in (*COLLECTED, *REPORTED) for name in handlers) else None


def is_bound(handlers: Iterable[str], data: Mapping[str, Any]) -> bool:
    """Whether a cut-off binds what these handlers would take of this data."""
    late = find_late_field(handlers)
    return late is not None and (late.required_if is None or bool(PASSES.evaluate({"result": data.get("result")})))
