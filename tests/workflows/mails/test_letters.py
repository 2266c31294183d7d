"""Letters: both languages whole, values filled in, nothing smuggled, once for each person, held in demonstrations."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.texts import Catalogue
from workflows.mails.letters import SUBJECT_LENGTH, clean_line, has_letter, show_value

CATALOGUE = Catalogue("workflows")
LETTERS = sorted(code for code in CATALOGUE.entries if code.startswith("letter_"))


@pytest.mark.parametrize("code", LETTERS)
def test_both_languages_ask_for_the_same_values(code: str) -> None:
    texts = CATALOGUE.entries[code]
    assert set(re.findall(r"\{(\w+)\}", texts["zh"])) == set(re.findall(r"\{(\w+)\}", texts["en"]))


def test_every_letter_has_subject_and_body() -> None:
    names = {code.removeprefix("letter_").removesuffix("_subject") for code in LETTERS if code.endswith("_subject")}
    assert names == {code.removeprefix("letter_").removesuffix("_body") for code in LETTERS if code.endswith("_body")}
    assert all(has_letter(name) for name in names) and not has_letter("nothing")


@given(st.text(max_size=400))
def test_a_subject_is_one_line_of_bounded_length(text: str) -> None:
    line = clean_line(text)
    assert len(line) <= SUBJECT_LENGTH
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
    line.encode()


def test_values_are_shown_in_the_readers_language() -> None:
    midnight = datetime(2022, 8, 10, 16, tzinfo=UTC)
    assert show_value(midnight, "zh", cutoff=True) == "2022年8月10日24:00(北京时间)"
    assert show_value(midnight, "en", cutoff=True) == "10 August 2022, 24:00 (Beijing time)"
    assert show_value(midnight, "zh") == "2022年8月11日00:00:00(北京时间)"  # what came at that moment came too late
    assert show_value({"zh": "一", "en": "one"}, "en") == "one"
    assert show_value(["a", "b"], "zh") == "- a\n- b"
    assert show_value(5, "zh") == 5
