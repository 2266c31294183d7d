"""Breaking text into lines as Chinese print does: between any two characters, but for words of letters and for marks that may not
begin or end a line (避头尾, as in GB/T 15834)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

NEVER_FIRST = frozenset("，。、；：！？）》」』】〕〉”’％‰…—·,.;:!?)]}%°")
NEVER_LAST = frozenset("（《「『【〔〈“‘([{¥＄$№")
_UNITS = re.compile(r"[^\S\n\u3000]+|[0-9A-Za-z\u00c0-\u024f@#&/_+=<>*~^'-]+(?:[.,:/-][0-9A-Za-z]+)*|.", re.DOTALL)


def break_lines(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """The lines of a text in this width; its own breaks are kept. `measure` gives the width of a character.

    A word that is wider than a line is broken anywhere. What may not begin a line takes the character before it along.
    """
    return [line for part in text.split("\n") for line in _break_part(part, width, measure)]


def _break_part(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    line: list[str] = []
    filled = 0.0
    for unit, wide in _list_units(text, width, measure):
        while line and filled + wide > width and not unit.isspace():
            kept = _find_end(line, unit)
            yield "".join(line[:kept]).rstrip(" ")
            line = line[kept:]
            while line and line[0] == " ":
                del line[0]
            filled = sum(measure(each) for part in line for each in part)
        line.append(unit)
        filled += wide
    yield "".join(line).rstrip(" ")


def _list_units(text: str, width: float, measure: Callable[[str], float]) -> Iterator[tuple[str, float]]:
    for unit in _UNITS.findall(text):
        wide = sum(map(measure, unit))
        if wide <= width or len(unit) == 1:
            yield (" " if unit.isspace() and unit != "\u3000" else unit), wide
        else:
            yield from ((each, measure(each)) for each in unit)


def _find_end(line: list[str], following: str) -> int:
    """How many units of a full line stay on it before `following`; all of them where no break is allowed."""
    for kept in range(len(line), 0, -1):
        first = following if kept == len(line) else line[kept]
        if first[0] not in NEVER_FIRST and line[kept - 1][-1] not in NEVER_LAST:
            return kept
    return len(line)
