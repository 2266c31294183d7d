"""What is left of a faulty `notice.yaml`: enough to tell, in the same run, what does not fit together in the rest of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engine.errors import Finding
from workflows.notices.model import Notice

NAMED = frozenset(("dates", "settings", "texts", "rules", "recurrence", "result", "scale"))
"""Parts whose entries have names: a faulty entry is left out alone. Of any other part the whole goes."""
ABOUT = frozenset(("NoticeDateMissing", "NoticeSettingMissing", "NoticeReferenceUnknown"))
"""Findings that would only follow from what was left out."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """The notice without its faulty entries, and their names."""

    notice: Notice
    left_out: frozenset[str]

    def keep(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings that do not follow from what was left out."""
        for finding in findings:
            told = {str(value).split(".")[0] for value in finding.values.values()} | {str(v) for v in finding.values.values()}
            place = (finding.path or "").partition(": ")[2]
            if finding.code not in ABOUT or not (told & self.left_out or place.split(".")[0] in self.left_out):
                yield finding


def read_remainder(data: Mapping[str, Any], error: ValidationError) -> Remainder | None:
    """The notice without the entries in which `error` found faults; None when it cannot be without them."""
    left, gone = dict(data), set[str]()
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        part, *inside = fault["loc"] or ("",)
        if part in NAMED and inside and isinstance(left.get(part), Mapping):
            left[part] = {name: value for name, value in left[part].items() if name != inside[0]}
            gone.add(str(inside[0]))
        else:
            left.pop(str(part), None)
            gone.add(str(part))
    try:
        return Remainder(Notice.model_validate(left), frozenset(gone))
    except ValidationError:
        return None
