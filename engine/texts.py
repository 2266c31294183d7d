"""The message catalogue: every text that a person reads, in both languages side by side (`texts.yaml` of each room)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

import yaml

from engine.errors import Finding, Problem

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where it is there: ten times as fast, and every verb of the command line waits for it."""


class Catalogue:
    """Texts by code. An entry is `code: {zh: ..., en: ...}`; `{name}` is filled from the values."""

    def __init__(self, *rooms: str) -> None:
        """Read `texts.yaml` of each room (`engine`, `workflows`, `api`).

        Raises ValueError when a code stands twice or lacks a language.
        """
        self.entries: dict[str, Mapping[str, str]] = {}
        for room in rooms:
            for code, texts in _read_room(room):
                if code in self.entries:
                    raise ValueError(f"{code} stands twice in the catalogue")
                if set(texts) != set(LANGUAGES):
                    raise ValueError(f"{code} needs the languages {LANGUAGES}")
                self.entries[code] = texts

    def say(self, code: str, language: Language, values: Mapping[str, Any] | None = None) -> str:
        """The text of `code`.

        Raises KeyError when the catalogue has no such code: a fault of ours, found by the tests.
        """
        text = self.entries[code][language]
        return text.format_map(_Lenient(values or {})) if values or "{" in text else text

    def tell(self, problem: Problem | Finding, language: Language) -> str:
        """A problem or finding in words. A value that is itself one (the `reason` of a refusal) is told in the same language."""
        values = {
            key: self.tell(value, language) if isinstance(value, (Problem, Finding)) else value
            for key, value in problem.values.items()
        }
        return self.say(problem.code, language, values)


@cache
def _read_room(room: str) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """The texts of a room, read once in a process."""
    files = sorted(resources.files(room).iterdir(), key=lambda item: item.name)
    sources = [each for each in files if each.name.startswith("texts") and each.name.endswith(".yaml")]
    return tuple(pair for each in sources for pair in (yaml.load(each.read_text("utf-8"), Loader=LOADER) or {}).items())


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"
