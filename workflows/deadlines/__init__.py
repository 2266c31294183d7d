"""Dates as values: a deadline keeps the notice's own words, how they are read and who says so. Pure.

A cut-off is half-open: in time means `received < cutoff_at`. "2022年8月10日" ends at 2022-08-11T00:00+08:00 and is shown as
2022年8月10日24:00(北京时间). An unknown date is a value of its own kind: nothing is due by it until an official confirms one.
"""

from __future__ import annotations

from workflows.deadlines.kinds import (
    DateValue,
    Day,
    HalfYear,
    Instant,
    MonthEnd,
    Range,
    TenDayPeriod,
    Unknown,
    Weekly,
)
from workflows.deadlines.occurrences import expand, repeats_until
from workflows.deadlines.origins import Bilingual, Source, last_day, start_of_day
from workflows.deadlines.saying import say_cutoff, say_date, say_day, say_moment, say_period, say_reading
from workflows.deadlines.stored import CandidateUnknown, DateInvalid, confirm_candidate, dump_date, load_date
from workflows.deadlines.words import WordsUnreadable, parse_words

__all__ = [
    "Bilingual",
    "CandidateUnknown",
    "DateInvalid",
    "DateValue",
    "Day",
    "HalfYear",
    "Instant",
    "MonthEnd",
    "Range",
    "Source",
    "TenDayPeriod",
    "Unknown",
    "Weekly",
    "WordsUnreadable",
    "confirm_candidate",
    "dump_date",
    "expand",
    "last_day",
    "load_date",
    "parse_words",
    "repeats_until",
    "say_cutoff",
    "say_date",
    "say_day",
    "say_moment",
    "say_period",
    "say_reading",
    "start_of_day",
]
