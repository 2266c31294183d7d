"""Faults that pydantic found in data of ours (forms, `notice.yaml`), as findings with their paths, in words of both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from engine.errors import Finding

_CODES = {
    "missing": "KeyMissing",
    "extra_forbidden": "KeyUnknown",
    "string_type": "ValueNotText",
    "bool_type": "ValueNotYesNo",
    "int_type": "ValueNotNumber",
    "int_from_float": "ValueNotNumber",
    "int_parsing": "ValueNotNumber",
    "float_type": "ValueNotNumber",
    "date_type": "ValueNotDate",
    "list_type": "ValueNotList",
    "tuple_type": "ValueNotList",
    "dict_type": "ValueNotMapping",
    "mapping_type": "ValueNotMapping",
    "model_type": "ValueNotMapping",
    "model_attributes_type": "ValueNotMapping",
    "literal_error": "ValueNotAllowed",
    "enum": "ValueNotAllowed",
    "greater_than_equal": "ValueTooSmall",
    "greater_than": "ValueTooSmall",
    "less_than_equal": "ValueTooLarge",
    "less_than": "ValueTooLarge",
    "string_too_short": "ValueTooShort",
    "too_short": "ValueTooShort",
    "string_too_long": "ValueTooLong",
    "too_long": "ValueTooLong",
    "string_pattern_mismatch": "ValueMisspelt",
}
"""Pydantic's kinds of errors, and the catalogue entries that word them."""


_QUOTED = re.compile(r"'([^']*)'")
Known = Mapping[tuple[str | int, ...], Iterable[str]]
"""By place, the keys that are allowed there."""


def tell_faults(
    error: ValidationError, *, prefix: str = "", known: Known | None = None, vocabulary: Iterable[str] = (), data: Any = None
) -> list[Finding]:
    """All faults of `error`; paths look like `dates.publication.kind` or `components[3].validate`, after `prefix`.

    An unknown key is told with the nearest of those that are `known` at its place, or of the `vocabulary`. With the `data`
    that was validated, what pydantic adds to places (the names of a union's members) is left out.
    """
    words = tuple(vocabulary)
    found: dict[tuple[str, str], Finding] = {}
    for fault in error.errors(include_url=False, include_input=True):
        place = tuple(fault["loc"]) if data is None else _strip_place(fault["loc"], data)
        code = _CODES.get(fault["type"], fault["type"] if fault["type"][:1].isupper() else "ValueRefused")
        values: dict[str, Any] = dict(fault.get("ctx") or {})
        values.pop("error", None)
        if fault["type"].startswith("union_tag_"):  # which of several models it is: `kind` is missing or unknown
            key = str(values.get("discriminator", "")).strip("'")
            place = (*place, key)
            code = "KeyMissing" if fault["type"] == "union_tag_not_found" else "ValueNotAllowed"
            values = {"expected": values.get("expected_tags", ""), "tag": values.get("tag", "")}
        if place:
            values["key"] = str(place[-1])
        if code == "ValueNotAllowed":
            expected = str(values.pop("expected", ""))  # pydantic writes `'warn' or 'refuse'`
            values["allowed"] = ", ".join(_QUOTED.findall(expected)) or expected
        if code in ("ValueNotAllowed", "ValueMisspelt"):
            values["value"] = shorten(values.pop("tag", fault.get("input")))
        if code in ("ValueTooSmall", "ValueTooLarge"):
            values["limit"] = next((values[key] for key in ("ge", "gt", "le", "lt") if key in values), "")
        if code in ("ValueTooShort", "ValueTooLong"):
            values["limit"] = next((values[key] for key in ("min_length", "max_length") if key in values), "")
        if code == "ValueRefused":
            values["reason"] = fault["msg"]
        if code == "KeyUnknown":
            near = get_close_matches(str(place[-1]), list((known or {}).get(place[:-1], words)), n=1, cutoff=0.75)
            code = "KeyMisspelt" if near else code
            values["suggestion"] = near[0] if near else ""
        path = prefix + write_path(place)
        found.setdefault((path, code), Finding(code, path=path, values=values))  # once, though several union members say it
    return list(found.values())


def _strip_place(place: Iterable[str | int], data: Any) -> tuple[str | int, ...]:
    """`place` without what does not lead into `data`; the last part of a missing key leads nowhere and stays."""
    parts, kept = list(place), []
    for number, part in enumerate(parts):
        leads = (isinstance(data, Mapping) and part in data) or (isinstance(data, (list, tuple)) and isinstance(part, int))
        if leads:
            kept.append(part)
            data = data[part]
        elif number == len(parts) - 1 and isinstance(data, Mapping):
            kept.append(part)
    return tuple(kept)


def write_path(place: Iterable[str | int]) -> str:
    """A place in nested data as people write it."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def shorten(value: Any, *, length: int = 60) -> str:
    """`value` as text, cut for a message."""
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"
