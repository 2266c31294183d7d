"""Dates on their way into a campaign's row and back, and the confirmation of an unknown one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import Problem
from workflows.deadlines.kinds import DateValue, Unknown
from workflows.deadlines.origins import Bilingual, Source
from workflows.forms.faults import tell_faults


class DateInvalid(Problem):
    """A mapping is not a date; `findings` name every fault with its path."""


class CandidateUnknown(Problem):
    """What is to be confirmed is not among the candidates of the unknown date. Values: `words`, `candidate`."""


_ADAPTER: TypeAdapter[DateValue] = TypeAdapter(DateValue)


def load_date(data: Mapping[str, Any], *, path: str = "") -> DateValue:
    """The date of a mapping as in `notice.yaml` or from `dump_date` (whose computed moments are computed anew).

    Raises `DateInvalid` with every fault, under `path`.
    """
    if isinstance(data, Mapping):
        data = {key: value for key, value in data.items() if key not in ("cutoff_at", "due_on")}
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        findings = [
            replace(each, path=(each.path or "").removesuffix("."), values={"key": path, **each.values})
            for each in tell_faults(error, prefix=f"{path}." if path else "")
        ]
        raise DateInvalid(findings=findings) from None


def dump_date(value: DateValue) -> dict[str, Any]:
    """JSON for a campaign's row: the value, with `cutoff_at` (ISO instant) and `due_on` (ISO date) as they are now."""
    data: dict[str, Any] = value.model_dump(mode="json", exclude_none=True)
    data["cutoff_at"] = None if value.cutoff_at is None else value.cutoff_at.isoformat()
    data["due_on"] = None if value.due_on is None else value.due_on.isoformat()
    return data


def confirm_candidate(unknown: Unknown, candidate: DateValue, *, note: Bilingual, source: Source = "outside") -> DateValue:
    """The date that an official confirmed for an unknown one, with the note on where it is known from. Keeps the words.

    Raises `CandidateUnknown` when it is not one of the candidates.
    """
    if candidate not in unknown.candidates:
        raise CandidateUnknown(words=unknown.words or "", candidate=candidate.key or "")
    return candidate.model_copy(
        update={
            "label": unknown.label,
            "words": unknown.words,
            "reading": unknown.reading,
            "text": unknown.text,
            "note": note,
            "source": source,
        }
    )
