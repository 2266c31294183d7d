"""Decisions: DMN tables read from `.dmn` files, deployed in versions, asked by business rule tasks.

Every text in a table is an expression of `engine.expressions`, between FEEL's signs (`docs/decisions/0020-decision-tables.md`).
"""

from __future__ import annotations

from engine.decisions.checks import check_decisions, check_references, is_decision
from engine.decisions.deployed import LoadedDecision, ask_decision, find_decision, insert_decisions, list_decisions
from engine.decisions.problems import DecisionFailed, DecisionUnknown
from engine.decisions.reading import ReadDecisions, read_decisions
from engine.decisions.table import Decided, Decision, NoResult, decide, map_result

__all__ = [
    "Decided",
    "Decision",
    "DecisionFailed",
    "DecisionUnknown",
    "LoadedDecision",
    "NoResult",
    "ReadDecisions",
    "ask_decision",
    "check_decisions",
    "check_references",
    "decide",
    "find_decision",
    "insert_decisions",
    "is_decision",
    "list_decisions",
    "map_result",
    "read_decisions",
]
