"""iCalendar text (RFC 5545, names and colours of calendars by RFC 7986): all-day and timed events in Beijing time, pure.

Written here: it is a page of rules, and a dependency for it would be a larger thing to look after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from engine.moments import SHANGHAI

PRODUCT = "-//Linxuan//Agenda//ZH"
LINE = 75
"""Octets of a line without its end (RFC 5545, 3.1)."""
ZONE = (
    "BEGIN:VTIMEZONE",
    f"TZID:{SHANGHAI.key}",
    "BEGIN:STANDARD",
    "DTSTART:19920101T000000",  # since the last summer time
    "TZOFFSETFROM:+0800",
    "TZOFFSETTO:+0800",
    "TZNAME:CST",
    "END:STANDARD",
    "END:VTIMEZONE",
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: of whole days from `first` to `last` (both included), or at the moment `at`.

    `uid` names it for good; `sequence` counts its moves and `changed_at` is the last of them. `cancelled`: it will not be.
    """

    uid: str
    title: str
    first: date
    last: date
    changed_at: datetime
    at: datetime | None = None
    text: str = ""
    address: str = ""
    category: str = ""
    sequence: int = 0
    cancelled: bool = False


def write_calendar(events: Iterable[Event], *, name: str) -> bytes:
    """The file: UTF-8, lines folded at 75 octets, each ended by CR LF. The same events give the same file."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"NAME:{escape(name)}", f"X-WR-CALNAME:{escape(name)}", f"X-WR-TIMEZONE:{SHANGHAI.key}"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H", *ZONE]
    for event in events:
        lines += _write_event(event)
    lines.append("END:VCALENDAR")
    return b"".join(piece for line in lines for piece in fold(line))


def _write_event(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{escape(event.uid)}"
    yield f"DTSTAMP:{_utc(event.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    if event.at is not None:
        yield f"DTSTART;TZID={SHANGHAI.key}:{event.at.astimezone(SHANGHAI):%Y%m%dT%H%M%S}"
    else:
        yield f"DTSTART;VALUE=DATE:{event.first:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{event.last + timedelta(days=1):%Y%m%d}"  # the day after the last (3.6.1)
    yield f"SUMMARY:{escape(event.title)}"
    if event.text:
        yield f"DESCRIPTION:{escape(event.text)}"
    if event.address:
        yield f"URL:{event.address}"
    if event.category:
        yield f"CATEGORIES:{escape(event.category)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"  # a deadline keeps nobody busy
    yield "END:VEVENT"


def escape(text: str) -> str:
    """A TEXT value (3.3.11), without control characters."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> Iterator[bytes]:
    """A content line in pieces of at most 75 octets, never within a character; each further one begins with a blank."""
    rest, begin = line, b""
    while rest or not begin:
        room, size = LINE - len(begin), 0
        count = 0
        for sign in rest:
            size += len(sign.encode())
            if size > room:
                break
            count += 1
        yield begin + rest[:count].encode() + b"\r\n"
        rest, begin = rest[count:], b" "
        if not rest:
            return


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
