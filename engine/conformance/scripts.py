"""The scripts of the shared cases: `pass` and assignments, run as expressions of our language, never as Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.expressions import parse

_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*=(?!=)\s*(.+)")


class ScriptUnreadable(ValueError):
    """A line is neither `pass` nor an assignment."""


def run_assignments(script: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the script assigns.

    Raises ScriptUnreadable, ExpressionRefused, ExpressionFailed.
    """
    written: dict[str, Any] = {}
    for line in script.splitlines():
        text = line.strip()
        if text in ("", "pass"):
            continue
        found = _ASSIGNMENT.fullmatch(text)
        if found is None:
            raise ScriptUnreadable(text)
        written[found[1]] = parse(found[2]).evaluate({**variables, **written})
    return written
