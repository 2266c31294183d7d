"""Lines of a paper: broken between characters, words of letters kept, no mark where it may not stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.papers.breaking import NEVER_FIRST, NEVER_LAST, break_lines


def measure(character: str) -> float:
    return 2 if ord(character) > 0x2E80 or character in "“”‘’…—" else 1


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("检测周期缩短到 7 天，成本下降", 18, ["检测周期缩短到 7", "天，成本下降"]),
        ("检测周期由平均 18 天缩短", 14, ["检测周期由平均", "18 天缩短"]),
        ("数据来自演练。", 12, ["数据来自演", "练。"]),
        ("见附件（一）说明", 8, ["见附件", "（一）说", "明"]),
        ("open shared data", 11, ["open shared", "data"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("一段\n\n二段", 10, ["一段", "", "二段"]),
        ("　　首行缩进两字", 8, ["　　首行", "缩进两字"]),
        ("", 8, [""]),
        ("。。。。。。", 4, ["。。", "。。", "。。"]),
    ],
)
def test_lines(text: str, width: int, lines: list[str]) -> None:
    assert break_lines(text, width, measure) == lines


@given(st.text("检测数据 a1b，。（）“”\n", max_size=60), st.integers(8, 30))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    found = break_lines(text, width, measure)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(sum(map(measure, line)) <= width for line in found)


@given(st.lists(st.sampled_from(["检测", "数据，", "（省）", "共享。", "word ", "2022 "]), max_size=20), st.integers(12, 30))
def test_marks_stand_where_they_may(parts: list[str], width: int) -> None:
    found = break_lines("".join(parts), width, measure)
    assert [line for line in found[1:] if line and line[0] in NEVER_FIRST] == []
    assert [line for line in found[:-1] if line and line[-1] in NEVER_LAST] == []
