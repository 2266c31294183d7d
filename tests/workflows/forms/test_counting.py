"""Lengths as word processors count them for Chinese, and texts as they are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.forms import clean_text, count_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" \n\t　", 0),
        ("检验检测", 4),
        ("检验，检测。", 6),
        ("“专精特新”", 6),
        ("‘六稳’——六保……", 10),
        ("〔2022〕932号", 5),
        ("hello", 1),
        ("hello, world", 2),
        ("well-known 3.14 https://example.cn/a?b=c", 3),
        ("ISO 9001标准", 4),
        ("完成检测1500批次", 7),
        ("2022年8月10日", 6),
        ("don’t panic", 2),
        ("cafe\u0301’s", 1),
        ("’tis", 2),
        ("ＡＢＣ", 3),
        ("①②③", 3),
        ("が", 1),
        ("か\u3099", 1),
        ("é", 1),
        ("e\u0301", 1),
        ("检\u200b验", 2),
        ("😀😀", 2),
    ],
)
def test_counting(text: str, words: int) -> None:
    assert count_words(text) == words


@given(st.text("检验，。", max_size=50), st.text("检验，。", max_size=50))
def test_chinese_adds_up(one: str, other: str) -> None:
    assert count_words(one + other) == len(one) + len(other)


@given(st.lists(st.text("abcXYZ019.-", min_size=1, max_size=8), max_size=20))
def test_latin_runs_count_once(runs: list[str]) -> None:
    assert count_words(" ".join(runs)) == len(runs)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  案例  题目 ", "案例 题目"),
        ("一\r\n二", "一 二"),
        ("e\u0301", "é"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a\x00b\x1fc\x7fd\x85e", "abcde"),
        ("\ufeff检", "检"),
        ("a\ud800b", "ab"),
        ("\U000e0041x", "x"),
    ],
)
def test_one_line_is_cleaned(raw: str, stored: str) -> None:
    assert clean_text(raw) == stored


def test_several_lines_keep_their_breaks_and_indents() -> None:
    assert clean_text("\n 一、\r\n    二  \r三\n\n", lines=True) == "一、\n    二\n三"


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_and_always_encodes(text: str) -> None:
    for lines in (False, True):
        once = clean_text(text, lines=lines)
        assert clean_text(once, lines=lines) == once
        once.encode()
