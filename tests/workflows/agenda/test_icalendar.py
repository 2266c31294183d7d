"""The text of RFC 5545, read back by a reader of its own that knows the grammar and nothing of our writer."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.agenda.icalendar import Event, fold, write_calendar

LINE = re.compile(r'(?P<name>[A-Z0-9-]+)(?P<parameters>(?:;[A-Z0-9-]+=(?:"[^"]*"|[^";:,]*))*):(?P<value>.*)', re.DOTALL)
MOMENT = datetime(2022, 7, 1, 1, tzinfo=UTC)


def unfold(content: bytes) -> list[str]:
    """Content lines (3.1): CR LF ends, at most 75 octets, each piece whole characters."""
    assert content.endswith(b"\r\n") and not re.search(rb"[^\r]\n|\r[^\n]", content)
    pieces = content[:-2].split(b"\r\n")
    assert max(map(len, pieces)) <= 75
    lines: list[str] = []
    for piece in pieces:
        text = piece.decode()
        if text.startswith(" "):
            lines[-1] += text[1:]
        else:
            lines.append(text)
    return lines


def unescape(value: str) -> str:
    """A TEXT value (3.3.11)."""
    assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", value)
    return re.sub(r"\\([\\;,nN])", lambda found: "\n" if found[1] in "nN" else found[1], value)


def read(content: bytes) -> tuple[dict[str, list[tuple[str, str]]], list[dict[str, tuple[str, str]]]]:
    """Properties of the calendar, and its events: name → (parameters, value). Components are nested rightly."""
    calendar: dict[str, list[tuple[str, str]]] = {}
    events: list[dict[str, tuple[str, str]]] = []
    inside: list[str] = []
    for line in unfold(content):
        found = LINE.fullmatch(line)
        assert found, line
        name, value = found["name"], found["value"]
        if name == "BEGIN":
            inside.append(value)
            if value == "VEVENT":
                events.append({})
        elif name == "END":
            assert inside.pop() == value
        elif inside[-1] == "VEVENT":
            assert name not in events[-1], f"{name} twice"
            events[-1][name] = (found["parameters"], value)
        else:
            calendar.setdefault(f"{'.'.join(inside[1:])}.{name}".lstrip("."), []).append((found["parameters"], value))
    assert inside == []
    return calendar, events


def event(**changes: Any) -> Event:
    given_ = {"uid": "a@b", "title": "征集截止", "first": date(2022, 8, 10), "last": date(2022, 8, 10), "changed_at": MOMENT}
    return Event(**{**given_, **changes})


def test_whole_days_and_moments() -> None:
    content = write_calendar([event(), event(uid="c@d", at=datetime(2022, 8, 10, 9, 30, tzinfo=UTC))], name="日程")
    calendar, (whole, timed) = read(content)
    assert calendar["VERSION"] == [("", "2.0")] and calendar["NAME"] == [("", "日程")]
    assert calendar["VTIMEZONE.TZID"] == [("", "Asia/Shanghai")] and calendar["VTIMEZONE.STANDARD.TZOFFSETTO"] == [("", "+0800")]
    assert whole["DTSTART"] == (";VALUE=DATE", "20220810") and whole["DTEND"] == (";VALUE=DATE", "20220811")
    assert timed["DTSTART"] == (";TZID=Asia/Shanghai", "20220810T173000") and "DTEND" not in timed
    assert whole["DTSTAMP"] == ("", "20220701T010000Z") == whole["LAST-MODIFIED"]
    assert [each["STATUS"][1] for each in (whole, timed)] == ["CONFIRMED"] * 2


def test_moved_and_cancelled() -> None:
    _, (moved, gone) = read(write_calendar([event(sequence=2), event(uid="c@d", sequence=3, cancelled=True)], name="n"))
    assert (moved["SEQUENCE"][1], moved["STATUS"][1]) == ("2", "CONFIRMED")
    assert (gone["SEQUENCE"][1], gone["STATUS"][1]) == ("3", "CANCELLED")


@given(st.text(max_size=300), st.text(max_size=300))
def test_every_text_comes_back(title: str, text: str) -> None:
    _, (found,) = read(write_calendar([event(title=title, text=text)], name="n"))
    clean = re.sub(r"[\x00-\x09\x0b-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]", "", title.replace("\r\n", "\n").replace("\r", "\n"))
    assert unescape(found["SUMMARY"][1]) == clean
    assert found.keys() - {"DESCRIPTION"} == read(write_calendar([event()], name="n"))[1][0].keys()


@pytest.mark.parametrize("text", ["", "a", "字" * 24 + "abc", "字" * 25, "字" * 200, "x" * 75, "x" * 76, "😀" * 40])
def test_folding_splits_no_character(text: str) -> None:
    pieces = list(fold(text))
    assert b"".join(pieces).replace(b"\r\n ", b"").decode() == text + "\r\n"
    assert max(len(piece) - 2 for piece in pieces) <= 75
