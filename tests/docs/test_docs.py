"""The reference and the code name the same things, and every link leads somewhere."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr

import workflows.tables  # noqa: F401 - its tables join the engine's metadata
from api.app import create_app
from api.cli.parser import make_parser
from api.cli.words import Words
from api.pages.errors import STATUS
from api.settings import PREFIX, Settings
from api.wiring import build_engine
from engine.expressions.values import FUNCTIONS
from engine.handlers import Handlers
from engine.model.camunda import AFTER_RETURN, ALLOWED, LISTENER_EVENTS, OTHER_ELEMENTS, RETURN_WORDS
from engine.model.events import EVENT_KINDS, POSSIBLE
from engine.tables import metadata
from workflows.campaigns.settings import list_bounds
from workflows.deadlines import DateValue, HalfYear
from workflows.deadlines.origins import Dated, Deadline
from workflows.files.content import ALLOWED as FILE_TYPES
from workflows.forms import Kind
from workflows.forms import components as parts
from workflows.forms.fields import PersonalClass
from workflows.handlers import install_handlers
from workflows.inbox.preparing import PREPARATIONS
from workflows.notices import Notice, bundled_notices, read_notice
from workflows.notices import model as notice_model
from workflows.notices.parts import Item, Sourced
from workflows.replay.report import Report, Submission
from workflows.schema import upgrade_schema

ROOMS = ("api", "benchmarks", "bpmn", "docs", "engine", "requirements", "tests", "workflows")
HELP = {"--help", "--lang", "--database", "--json"}


# ---- command line ----------------------------------------------------------------------------------------------------
def leaves(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """All verbs that do something, with their parsers."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, parser
    for action in below:
        for verb, child in action.choices.items():
            yield from leaves(child, f"{name} {verb}".strip())


def test_verbs_and_options(reference: dict[str, Any]) -> None:
    page = reference["command-line"]
    verbs = dict(leaves(make_parser(Words("en"))))
    told = [text.strip("`") for level, text in page.headings() if level == 3]
    assert sorted(told) == sorted(verbs)
    for verb, parser in verbs.items():
        real = {action.option_strings[-1] if action.option_strings else action.dest for action in parser._actions}
        assert set(page.firsts(f"`{verb}`")) == real - {"--help"}, verb
    shared = next(row for row in [page.firsts("The command line")])
    assert set(shared) == HELP


# ---- settings --------------------------------------------------------------------------------------------------------
def test_settings(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    rows = {spans.findall(row[0])[0]: row for row in reference["settings"].rows("Settings")}
    assert set(rows) == {PREFIX + name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is not None and not isinstance(default, SecretStr):
            written = str(default).lower() if isinstance(default, bool) else str(default)
            assert spans.findall(rows[PREFIX + name.upper()][1])[0] == written, name


# ---- HTTP ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("docs")
    engine = build_engine(Settings(database_url=f"sqlite:///{folder}/docs.sqlite3", file_folder=folder / "files"))
    upgrade_schema(engine.database)
    return create_app(engine)


def test_routes(reference: dict[str, Any], app: Any) -> None:
    told = {(row[0], row[1].strip("`"), row[2].strip("`")) for page in ("http", "rest") for row in reference[page].rows("Routes")}
    real = {
        (method, rule.rule, rule.endpoint) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == real


def test_keyed_routes_are_those_that_ask_for_a_key(reference: dict[str, Any], app: Any, root: Path) -> None:
    """A route is marked *Key* exactly when its view, or the `act` that it calls, reads the form's key."""
    told = {row[2].strip("`") for row in reference["http"].rows("Routes") if "*Key" in row[4]}
    real = set()
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and not rule.endpoint.startswith("rest_"):  # whose every POST asks for one
            view = app.view_functions[rule.endpoint]
            source = inspect.getsource(inspect.unwrap(view))
            act = getattr(sys.modules[view.__module__], "act", None)
            called = [inspect.getsource(act)] if act is not None and re.search(r"\bact\(", source) else []
            if any(re.search(r"\bread_key\(", text) for text in (source, *called)):
                real.add(rule.endpoint)
    assert told == real


def test_statuses(reference: dict[str, Any]) -> None:
    told = {int(row[0]) for row in reference["http"].rows("Faults")}
    assert set(STATUS.values()) <= told


# ---- diagrams --------------------------------------------------------------------------------------------------------
def test_handlers(reference: dict[str, Any]) -> None:
    handlers = Handlers()
    install_handlers(handlers)
    told = reference["diagrams"].firsts("Handlers")
    assert sorted(told) == sorted(handlers.names())
    assert set(reference["forms"].firsts("Where values come from")) == {
        name for name in PREPARATIONS if name not in ("reviews.record",)
    }


def test_events(reference: dict[str, Any], root: Path) -> None:
    """The table of events is that of the reader."""
    page = reference["diagrams"]
    head = next(line for line in page.section("Elements").splitlines() if line.startswith("| position"))
    kinds = [cell.strip() for cell in head.strip("|").split("|")][1:]
    assert set(kinds) == EVENT_KINDS | {"none"}
    told: dict[str, set[str]] = {}
    for row in page.rows("Elements"):
        if len(row) == len(kinds) + 1:
            position = row[0].partition("`")[2].partition("`")[0]
            told.setdefault(position, set()).update(kind for kind, cell in zip(kinds, row[1:], strict=True) if cell != "–")
    assert {position: found - {"none"} for position, found in told.items()} == {
        position: set(found) for position, found in POSSIBLE.items() if position != "implicitThrowEvent"
    }


def test_operations_and_refused_extensions(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    page = reference["diagrams"]
    rows = {tuple(spans.findall(row[0])): spans.findall(row[1]) for row in page.rows("Operations")}
    assert set(rows.pop(("return_to",))) - {"return"} == RETURN_WORDS
    assert set(rows.pop(("after_return",))) - {"return"} == AFTER_RETURN
    assert rows.pop(("allow",)) == []
    assert sorted(word for words in rows for word in words) == sorted(ALLOWED)
    text = set(spans.findall(page.section("Camunda attributes")))
    assert text >= {"camunda:class", *OTHER_ELEMENTS}
    assert text >= LISTENER_EVENTS


def test_functions_of_expressions(reference: dict[str, Any]) -> None:
    told = re.search(r"\*Functions\*: `([^`]+)`", reference["diagrams"].section("Expressions"))
    assert told is not None
    assert [name.partition("(")[0] for name in re.sub(r"\(.*?\)", "", told[1]).split()] == list(FUNCTIONS)


def families(path: Path) -> set[str]:
    """What the codes of a catalogue begin with: `diagram_`, `Notice`."""
    return {re.match(r"[a-z]+_|[A-Z][a-z]+", code)[0] for code in yaml.safe_load(path.read_text("utf-8"))}  # type: ignore[index]


def test_finding_families(reference: dict[str, Any], spans: re.Pattern[str], root: Path) -> None:
    engine = {
        family
        for name in ("model", "decisions", "spiff", "expressions", "moments", "scripts")
        for family in families(root / "engine" / f"texts_{name}.yaml")
        if family.endswith("_")
    }
    assert set(reference["diagrams"].firsts("The check")) == engine
    told = {span.rstrip("…") for page in ("notice-yaml", "forms") for span in reference[page].firsts("Findings")}
    real = families(root / "workflows" / "texts_notices.yaml") | families(root / "workflows" / "texts_forms.yaml") | {"Date"}
    assert told == real
    limits = {code for code in yaml.safe_load((root / "engine" / "texts_spiff.yaml").read_text("utf-8")) if "limit_" in code}
    assert limits - {"spiff_limits"} <= set(spans.findall(reference["diagrams"].section("The check")))


def test_codes_that_are_named_exist(reference: dict[str, Any], spans: re.Pattern[str], root: Path) -> None:
    known = {code for path in root.glob("*/texts*.yaml") for code in yaml.safe_load(path.read_text("utf-8"))}
    for span in spans.findall(reference["diagrams"].text):
        if re.fullmatch(r"(diagram|opinion|limit|schema)_\w+", span):
            assert span in known, span


# ---- forms -----------------------------------------------------------------------------------------------------------
def test_forms(reference: dict[str, Any]) -> None:
    page = reference["forms"]
    assert sorted(page.firsts("Kinds")) == sorted(Kind)
    assert sorted(page.firsts("Components")) == sorted(parts.MODELS)
    assert set(page.firsts("Properties")) == {*parts.Properties.model_fields, "option_en.<value>"}
    assert sorted(page.firsts("Personal data")) == sorted(get_args(PersonalClass))
    listed = re.search(r"Taken are ([a-z, ]+) and ([a-z]+),", " ".join(page.section("Files").split()))
    assert listed is not None
    assert [*listed[1].split(", "), listed[2]] == list(FILE_TYPES)


# ---- notice.yaml -----------------------------------------------------------------------------------------------------
def own_fields(model: type[BaseModel], *without: type[BaseModel]) -> set[str]:
    """A model's own keys, without those of its parents named."""
    return set(model.model_fields) - {name for parent in without for name in parent.model_fields}


def test_notice_keys(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    page = reference["notice-yaml"]
    assert set(page.firsts("How values are written")) == {"value", *Sourced.model_fields}
    for heading, model, without in (
        ("The keys", Notice, ()),
        ("`document`", notice_model.Document, ()),
        ("`recipients`", notice_model.Recipients, ()),
        ("`quota`", notice_model.Quota, ()),
        ("`demands`", notice_model.Demand, (Item,)),
        ("`reports`", notice_model.ReportPlan, (Item,)),
        ("`targets`", notice_model.Target, (Item,)),
        ("`channels`", notice_model.Channel, (Item,)),
        ("`rounds`", notice_model.Round, (Item,)),
        ("`activities`", notice_model.Activity, (Item,)),
        ("`reminders`", notice_model.Reminder, (Sourced,)),
        ("Settings", notice_model.Setting, (Sourced,)),
    ):
        rows = {name: row for row in page.rows(heading) for name in spans.findall(row[0])}
        names = own_fields(model, *without)
        if heading == "Settings":  # a second table names settings
            rows = {name: row for name, row in rows.items() if len(row) == 3}
        assert set(rows) == names, heading
        if heading != "`reminders`":
            for name in names:
                assert rows[name][1] == ("yes" if model.model_fields[name].is_required() else "no"), name


def test_parts_of_lists(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    """Keys of entries that have no table of their own stand in the row of their list."""
    page = reference["notice-yaml"]
    cells = {spans.findall(row[0])[0]: " ".join(row) for row in page.rows("The keys")}
    inner = {spans.findall(row[0])[0]: " ".join(row) for row in page.rows("`recipients`") + page.rows("`channels`")}
    for text, model in (
        (cells["institution_kinds"], notice_model.OpenList),
        (cells["open_questions"], notice_model.OpenQuestion),
        (cells["reconstructed"], notice_model.Reconstruction),
        (cells["diagrams"], notice_model.Diagrams),
        (inner["bodies"], notice_model.Body),
        (inner["subjects"], notice_model.Subject),
    ):
        assert own_fields(model, Sourced) <= set(spans.findall(text)), model


def test_dates(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    page = reference["notice-yaml"]
    kinds = {each.model_fields["kind"].default: each for each in get_args(get_args(DateValue)[0])}
    rows = {spans.findall(row[0])[0]: row for row in page.rows("Dates")}
    assert set(rows) == set(kinds)
    for kind, model in kinds.items():
        names = own_fields(model, Dated, Deadline) - {"kind"}
        assert names <= set(spans.findall(rows[kind][1])), kind
        example = yaml.safe_load(spans.findall(rows[kind][2])[0])
        assert model.model_validate(example).model_fields_set >= {"source"}
    assert HalfYear.model_fields["includes_last_day"].default is True


def test_settings_of_notices(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    """Every setting of the bundled notices, and every one that campaigns have beside them, is told."""
    told = set(spans.findall(reference["notice-yaml"].section("Settings")))
    for files in bundled_notices().values():
        assert set(list_bounds(read_notice(files))) <= told


# ---- database and replay ---------------------------------------------------------------------------------------------
def test_tables(reference: dict[str, Any]) -> None:
    page = reference["database"]
    told = [name for level, heading in page.headings() if level == 2 and heading != "History" for name in page.firsts(heading)]
    assert sorted(told) == sorted(metadata.tables)


def test_replay(reference: dict[str, Any], spans: re.Pattern[str]) -> None:
    page = reference["replay"]
    text = page.section("The JSON")
    assert [name for name in page.firsts("The JSON") if name in {field.name for field in fields(Report)}][
        : len(fields(Report))
    ] == [field.name for field in fields(Report)]
    told = re.search(r"A submission is `\{([^}]+)\}`", text)
    assert told is not None
    assert told[1].split(", ") == [field.name for field in fields(Submission)]


# ---- the whole -------------------------------------------------------------------------------------------------------
def test_links_lead_somewhere(pages: list[Any]) -> None:
    known = {page.path.resolve(): page for page in pages}
    broken = []
    for page in pages:
        for target in page.links():
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (page.path.parent / name).resolve() if name else page.path.resolve()
            if not path.exists() or (anchor and (path not in known or anchor not in known[path].anchors())):
                broken.append(f"{page.path.name}: {target}")
    assert broken == []


def test_index_names_every_page(pages: list[Any], root: Path) -> None:
    index = next(page for page in pages if page.path == root / "docs" / "README.md")
    linked = {(index.path.parent / target.partition("#")[0]).resolve() for target in index.links()}
    documents = {page.path for page in pages if root / "docs" in page.path.parents and page.path != index.path}
    assert sorted(str(path) for path in documents - linked) == []


def test_examples_in_python_are_python(pages: list[Any]) -> None:
    for page in pages:
        for block in page.blocks("python"):
            ast.parse(block)


def test_paths_in_code_exist(pages: list[Any], root: Path) -> None:
    """Files of the source tree that the pages name in code spans are there."""
    missing = []
    for page in pages:
        for span in re.findall(r"`((?:\w+/)+(?:[\w.-]+\.(?:bpmn|form|json|md|py|yaml))?)`", page.prose):
            if span.partition("/")[0] in ROOMS and not (root / span).exists():
                missing.append(f"{page.path.name}: {span}")
    assert missing == []
