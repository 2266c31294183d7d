"""The one small language of diagrams: conditions, mappings, timers and attribute texts. Python-like, never Python.

A text is read once (`parse`, `parse_template`), checked node by node against a whitelist and compiled into closures of ours;
no `eval` or `exec` ever sees it. Values are JSON values. Everything is bounded (`engine/expressions/values.py`), so an
expression takes at most time and memory proportional to its own length times the data it names.
"""

from __future__ import annotations

from engine.expressions.language import Expression, parse
from engine.expressions.portable import write_portable
from engine.expressions.problems import ExpressionFailed, ExpressionRefused, VariableMissing
from engine.expressions.templates import Template, parse_template
from engine.expressions.values import FUNCTIONS

__all__ = [
    "FUNCTIONS",
    "Expression",
    "ExpressionFailed",
    "ExpressionRefused",
    "Template",
    "VariableMissing",
    "parse",
    "parse_template",
    "write_portable",
]
