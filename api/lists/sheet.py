"""A list as a sheet: headings, and rows that come as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

Cell = str | int | Decimal | datetime | None
"""Moments are shown in Beijing time, numbers stay numbers."""
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The formats with their media types."""
MOST_ROWS = 50_000
"""A file ends after so many rows and says so."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list. `rows` are read once, while the file is written; `cut` is what the row after the last possible one says."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    cut: str

    def bounded(self) -> Iterator[Sequence[Cell]]:
        """The rows, at most `MOST_ROWS`; then, if there are more, one that says so."""
        for place, row in enumerate(self.rows):
            if place == MOST_ROWS:
                yield [self.cut]
                return
            yield row
