"""Moments, durations, periods of work days and cycles, computed by the calendar of a zone. Pure: the present is handed in, and so
is what counts work days.

An occurrence of a cycle is computed from the cycle's anchor, never from the last firing: `R/2026-01-31T09:00/P1M` comes on
31 January, 28 February, 31 March.
"""

from engine.moments.durations import Duration
from engine.moments.instants import SHANGHAI, MomentInvalid, add_months, parse_instant
from engine.moments.periods import Workdays, WorkPeriod, count_weekdays
from engine.moments.timers import Due, counts_workdays, find_moment, first_due, is_plain, next_due, recount

__all__ = [
    "SHANGHAI",
    "Due",
    "Duration",
    "MomentInvalid",
    "WorkPeriod",
    "Workdays",
    "add_months",
    "count_weekdays",
    "counts_workdays",
    "find_moment",
    "first_due",
    "is_plain",
    "next_due",
    "parse_instant",
    "recount",
]
