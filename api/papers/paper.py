"""A paper as data: what stands on it, in order. How it is laid out is the writers' affair, and the same for both."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

MARGINS = (37, 26, 35, 28)
"""Millimetres at the top, right, bottom and left of A4, as in GB/T 9704."""
TITLE, BODY, SMALL = 22, 16, 10.5
"""Points: 二号 for the title, 三号 for the text, 五号 for tables and the foot."""
WIDTH = 210 - MARGINS[1] - MARGINS[3]
"""Millimetres between the margins."""
LABEL = 38
"""Millimetres for the labels of facts."""
LINE = 28
"""Points from line to line of the text."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; of level 1 they are numbered 一、二、…, of level 2 (一)（二）… A number that its text begins with gives way."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Prose:
    """A text; each of its lines is a paragraph. `joined`: it names what follows, and stands on the same page."""

    text: str
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values, each on a line of its own."""

    lines: tuple[tuple[str, str], ...]

    @property
    def widths(self) -> tuple[float, ...]:
        """The widths of labels and values in millimetres."""
        return (LABEL, WIDTH - LABEL)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the headings of its columns; `weights` say how wide these are to each other (without: all the same)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    weights: tuple[int, ...] = ()

    @property
    def widths(self) -> tuple[float, ...]:
        """The widths of the columns in millimetres."""
        weights = self.weights or (1,) * len(self.columns)
        return tuple(WIDTH * each / sum(weights) for each in weights)


Block = Heading | Prose | Facts | Table


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper. `number` stands below the title, `mark` at the head of each page (a demonstration), `foot` at its end,
    `made_at` in the file's properties."""

    title: str
    number: str
    blocks: tuple[Block, ...]
    language: str = "zh"
    mark: str = ""
    foot: str = ""
    made_at: datetime | None = None


_NUMBERED = re.compile(r"(?:[一二三四五六七八九十]+[、．.]|[（(][一二三四五六七八九十\d]+[）)]|\d+[、．.](?!\d))\s*")  # noqa: RUF001
"""How the heading of a form's part is numbered, as in the form: on the paper it has another place."""
_DIGITS = "零一二三四五六七八九"


def number_heading(level: int, place: int, language: str) -> str:
    """What stands before the heading with this place (from 1) on its level."""
    if language != "zh":
        return f"{place}. " if level == 1 else f"({place}) "
    tens, ones = divmod(place, 10)
    chinese = ("" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十") + (_DIGITS[ones] if ones or not tens else "")
    return f"{chinese}、" if level == 1 else f"（{chinese}）"


def number_blocks(paper: Paper) -> list[tuple[Block, str]]:
    """The blocks, headings with their numbers (others with none)."""
    counts = {1: 0, 2: 0}
    numbered: list[tuple[Block, str]] = []
    for block in paper.blocks:
        if not isinstance(block, Heading):
            numbered.append((block, ""))
            continue
        counts[block.level] += 1
        if block.level == 1:
            counts[2] = 0
        text = _NUMBERED.sub("", block.text, count=1) if _NUMBERED.match(block.text) else block.text
        number = number_heading(block.level, counts[block.level], paper.language)
        numbered.append((replace(block, text=text or block.text), number))
    return numbered
