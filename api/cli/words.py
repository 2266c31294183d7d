"""What the command line says: texts of the catalogue in one language."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from engine.errors import Finding, Problem
from engine.texts import Catalogue, Language


class Words:
    """The catalogue in the language of the terminal."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.catalogue = Catalogue("engine", "workflows", "api")

    def say(self, code: str, **values: Any) -> str:
        """The text of `cli.<code>`."""
        return self.catalogue.say(f"cli.{code}", self.language, values)

    def name(self, code: str, fallback: str) -> str:
        """The text of `code` as the pages say it, or `fallback` where they have none."""
        return self.catalogue.say(code, self.language) if code in self.catalogue.entries else fallback

    def knows(self, code: str) -> bool:
        """Whether there is a text `cli.<code>`."""
        return f"cli.{code}" in self.catalogue.entries

    def tell(self, problem: Problem) -> str:
        """A problem in words, one line for each of its findings below it."""
        lines = [f"  {line}" for line in self.list_findings(problem.findings)]
        return "\n".join([self.catalogue.tell(problem, self.language), *lines])

    def list_findings(self, findings: Iterable[Finding]) -> list[str]:
        """One line per finding: severity, place, words."""
        return [": ".join(filter(None, (self._head(found), self.catalogue.tell(found, self.language)))) for found in findings]

    def _head(self, found: Finding) -> str:
        place = " ".join(filter(None, (found.path, found.element)))
        return f"{self.say('severity.' + found.severity)} {place}".strip()

    def note(self, code: str, **values: Any) -> None:
        """Say something on standard error: standard output belongs to the result."""
        print(self.say(code, **values), file=sys.stderr, flush=True)
