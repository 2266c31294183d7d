"""The verbs and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from api.cli.words import Words
from engine.texts import Language

Run = Callable[[argparse.Namespace, Words], int]


class Verbs:
    """Where the modules of this room put their verbs."""

    def __init__(self, parser: argparse.ArgumentParser, words: Words, prefix: str = "") -> None:
        self._parsers = parser.add_subparsers(metavar=words.say("verb"), required=True, title=words.say("verbs"))
        self._words = words
        self._prefix = prefix

    def add(self, name: str, run: Run | None = None, *, database: bool = True, json: bool = False) -> Options:
        """A verb; its help is the text `cli.<verb>`. Those that open a database take `--database`."""
        text = self._words.say(self._prefix + name)
        parser = self._parsers.add_parser(name, help=text, description=text)
        options = Options(parser, self._words, self._prefix + name)
        if run is not None:
            parser.set_defaults(run=run)
            parser.add_argument("--lang", choices=("zh", "en"), help=self._words.say("option.lang"))
        if database and run is not None:
            own = f"{self._prefix}{name}.database"
            text = self._words.say(own if self._words.knows(own) else "option.database")
            parser.add_argument("--database", metavar="URL", help=text)
        if json:
            parser.add_argument("--json", action="store_true", help=self._words.say("option.json"))
        return options


class Options:
    """The options of one verb; the help of `--name` is the text `cli.<verb>.name`."""

    def __init__(self, parser: argparse.ArgumentParser, words: Words, name: str) -> None:
        self._parser = parser
        self._words = words
        self._name = name

    def add(self, flag: str, **settings: object) -> Options:
        """Add an option or argument, as of argparse."""
        text = self._words.say(f"{self._name}.{flag.lstrip('-').replace('-', '_')}")
        self._parser.add_argument(flag, help=text, **settings)  # type: ignore[arg-type]
        return self

    def verbs(self) -> Verbs:
        """Verbs below this one: `user create`."""
        return Verbs(self._parser, self._words, f"{self._name}.")


def make_parser(words: Words) -> argparse.ArgumentParser:
    """The parser of all verbs."""
    from api.cli import (
        archiving,
        backup,
        bench,
        breaking,
        campaigns,
        conformance,
        evidence,
        moving,
        notices,
        people,
        pictures,
        replaying,
        schema,
        serving,
        tokens,
        workdays,
        working,
    )

    parser = argparse.ArgumentParser("linxuan", description=words.say("about"))
    parser.add_argument("--version", action="version", version=f"Linxuan {read_version()}")
    parser.add_argument("--lang", choices=("zh", "en"), help=words.say("option.lang"))
    verbs = Verbs(parser, words)
    for module in (
        serving,
        working,
        schema,
        notices,
        replaying,
        conformance,
        people,
        campaigns,
        archiving,
        tokens,
        workdays,
        backup,
        moving,
        evidence,
        bench,
        breaking,
        pictures,
    ):
        module.add_verbs(verbs)
    return parser


def read_version() -> str:
    """The installed version; `development` when run without being installed."""
    try:
        return version("linxuan")
    except PackageNotFoundError:
        return "development"


def read_language(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language of `--lang`, else of the terminal (LC_ALL, LC_MESSAGES, LANG): Chinese when that says so, else English."""
    for place, argument in enumerate(arguments):
        value = argument.removeprefix("--lang=") if argument.startswith("--lang=") else None
        if argument == "--lang" and place + 1 < len(arguments):
            value = arguments[place + 1]
        if value in ("zh", "en"):
            return "zh" if value == "zh" else "en"
    found = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "zh" if found.lower().startswith("zh") else "en"
