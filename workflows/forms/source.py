"""The JSON text of a form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import Finding
from workflows.forms.faults import shorten

LARGEST_FORM = 500_000
"""Bytes of one form."""


def read_json(source: bytes | str | Mapping[str, Any], findings: list[Finding]) -> Mapping[str, Any] | None:
    """The JSON object, or None with what is wrong added to `findings`; a key that stands twice is refused."""
    if not isinstance(source, (bytes, str)):
        return source
    if len(source) > LARGEST_FORM:
        findings.append(Finding("FormTooLarge", values={"limit": LARGEST_FORM}))
        return None
    try:
        data = json.loads(source, object_pairs_hook=_refuse_doubles, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        findings.append(Finding("FormNotJson", values={"line": error.lineno, "column": error.colno, "reason": error.msg}))
    except _Refused as refused:
        findings.append(refused.finding)
    except (UnicodeDecodeError, RecursionError, ValueError) as error:  # not UTF-8, nested too deeply, a number too long
        findings.append(Finding("FormNotJson", values={"line": 1, "column": 1, "reason": shorten(error)}))
    else:
        if isinstance(data, dict):
            return data
        findings.append(Finding("FormNotObject"))
    return None


class _Refused(Exception):  # noqa: N818 - never leaves this file
    """JSON that parses, and yet means nothing certain."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.finding = Finding(code, values=values)


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused("JsonKeyTwice", key=shorten(key))
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise _Refused("JsonConstant", name=name)
