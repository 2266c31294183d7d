"""The font of a PDF: one of this machine's that has the Chinese characters, found by fontconfig."""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Problem

WANTED = (
    "FangSong_GB2312",
    "FangSong",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "SimSun",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
)
"""The earlier the better; else whatever this machine has for Chinese."""
SECONDS = 10


class FontMissing(Problem):
    """This machine has no font with Chinese characters: a PDF would show boxes."""

    kind = "busy"


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font's file; `index` is its place in a collection (.ttc)."""

    path: Path
    index: int


def find_font() -> FontFile:
    """The best font of this machine for Chinese text.

    Raises FontMissing.
    """
    known = _list_fonts()
    if not known:
        raise FontMissing()
    for family in WANTED:
        if family in known:
            return known[family]
    return next(iter(known.values()))


@functools.cache
def _list_fonts() -> dict[str, FontFile]:
    """Regular fonts for Chinese by the names of their families; asked once."""
    program = shutil.which("fc-list")
    if program is None:
        return {}
    asked = [program, ":lang=zh-cn:style=Regular", "--format", "%{file}\t%{index}\t%{family}\n"]
    answer = subprocess.run(asked, capture_output=True, timeout=SECONDS, check=False).stdout.decode("utf-8", "replace")
    found: dict[str, FontFile] = {}
    for line in sorted(answer.splitlines()):
        file, index, families = line.split("\t", 2)
        path = Path(file)
        if path.suffix.lower() in (".ttf", ".otf", ".ttc"):
            for family in families.split(","):
                found.setdefault(family, FontFile(path, int(index) & 0xFFFF))  # above it: the instance of a variable font
    return found
