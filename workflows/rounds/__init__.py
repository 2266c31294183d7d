"""Rounds: what came in, rolled up by month's end and by batch. Which round a case belongs to is decided by its moment alone."""

from workflows.rounds.closing import close, count_rest, list_rest, place_rest, publicise
from workflows.rounds.listing import BodyCount, RoundCase, RoundLine, RoundUnknown, list_round_cases, list_rounds
from workflows.rounds.plans import Occurrence, Plan, find_occurrence, read_plans

__all__ = [
    "BodyCount",
    "Occurrence",
    "Plan",
    "RoundCase",
    "RoundLine",
    "RoundUnknown",
    "close",
    "count_rest",
    "find_occurrence",
    "list_rest",
    "list_round_cases",
    "list_rounds",
    "place_rest",
    "publicise",
    "read_plans",
]
