"""Words and dates of pages, and the completeness of the catalogue."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import api
from api.pages.boards import TABLES
from api.pages.inbox import COLUMNS
from api.pages.present import WISHES
from api.pages.stopping import HOW
from api.pages.words import Words
from engine.errors import Finding, Problem
from engine.kernel import WaitKind
from engine.preview import SCOPE
from engine.texts import LANGUAGES, Catalogue
from workflows.activities import STATES as ACTIVITY_STATES
from workflows.agenda import KINDS
from workflows.agenda import STATES as AGENDA_STATES
from workflows.applications.receiving import LATENESS
from workflows.campaigns.archiving import CONTENTS
from workflows.campaigns.history import FACTS
from workflows.campaigns.lateness import POLICIES
from workflows.campaigns.progress import STEPS
from workflows.case_states import STATES
from workflows.desk import KINDS as TOLD
from workflows.desk import WAYS
from workflows.inbox import DUE_RANGES, SORTS, VIEWS
from workflows.inbox.many import ACTIONS as BULK_ACTIONS
from workflows.inbox.operating import OPERATIONS, PLACES
from workflows.inbox.planning import PRIORITIES
from workflows.mails.letters import list_letter_names
from workflows.people import ROLES

NOW = datetime(2022, 8, 5, 2, tzinfo=UTC)  # 10:00 in Beijing
ROOT = Path(api.__file__).parent
ENGINE_TABLES = ("history", "user_task", "timer", "message", "message_key", "external_task")
"""Of an instance, which the archive takes."""
CATALOGUE = Catalogue("engine", "workflows", "api")

ENDINGS = {
    "board.": TABLES,
    "board.funnel.": STEPS,
    "list.": ("cases", "bodies", "reports", "panel", "missing", "letters", "selection", "inbox"),
    "versions.": ("before", "after", "added", "removed", "changed"),
    "versions.row_": ("added", "removed", "changed"),
    "paper.": ("docx", "pdf", "at", "event", "who"),
    "life.comment.": ("comment", "objection", "open", "adopted", "not_adopted"),
    "life.deadline.": ("collection", "body", "institution", "review", "comments", "task"),
    "views.what.": ("page", "task", "file", "export"),
    "workdays.kind.": ("seeded", "imported", "set", "removed"),
    "workdays.weekday.": tuple("1234567"),
    "case.state.": STATES,
    "phase.": ("prepared", "collecting", "reviewing", "selecting", "consulting", "publishing", "published", "ended"),
    "case.channel.": ("recommended", "direct"),
    "campaign.channel.": ("recommended", "direct"),
    "audit.kind.": ("audit", "acceptance", "assessment", LATENESS),
    "audit.result.": ("pass", "return", "reject"),
    "review.state.": ("assigned", "submitted", "dropped", "closed"),
    "receipt.kind.": ("application", "correction", "recommendation", "supplement", "report", "arrival"),
    "rounds.state.": ("closed", "open", "planned"),
    "rounds.takes.": ("received", "accepted"),
    "activity.state.": ACTIVITY_STATES,
    "forwarding.kind.": ("department", "government", "campaign"),
    "weekday.": tuple("1234567"),
    "agenda.": ("overdue", "risk"),
    "agenda.kind.": KINDS,
    "agenda.open.": ("tasks", "reports", "cases"),
    "agenda.role.": ROLES,
    "agenda.state.": AGENDA_STATES,
    "agenda.view.": ("month", "list"),
    "panel.state.": ("pool", "drawn", "reserve", "dropped"),
    "consultation.kind.": ("comment", "objection"),
    "task.closed.": ("completed", "cancelled"),
    "inbox.view.": VIEWS,
    "inbox.empty.": VIEWS,
    "role.": ROLES,
    "inbox.range.": DUE_RANGES,
    "inbox.key.": ("j", "k", "Enter", "x", "c", "search", "help"),
    "inbox.sort.": SORTS,
    "inbox.column.": COLUMNS,
    "inbox.heading.": ("overdue", "today", "week", "risk", "later", "undated"),
    "source.": ("notice", "outside", "ours", "folder", "person"),
    "finding.": ("error", "warning", "information"),
    "history.": ("person", "organisation", "expert", "system"),
    "home.": ("open", "consulting", "published", "running"),
    "home.none_": ("open", "published"),
    "choice.": ("mean", "trimmed"),
    "notice.part.": (
        "document", "recurrence", "recipients", "quota", "rules", "result", "scale", "institution_kinds", "directions",
    ),
    "error.": ("400", "403", "404", "405", "409", "413", "415", "422", "429", "500", "503"),
    "error.title_": ("400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "500", "503"),
    "error.help_": ("400", "403", "404", "405", "409", "413", "415", "422", "429", "500", "503"),
    "task.complete.": (),
    "letters.state.": ("waiting", "retrying", "sent", "failed", "held", "withdrawn"),
    "report.result.": ("accept", "return"),
    "report.state.": ("draft", "submitted", "returned", "accepted", "closed"),
    "stage.": (),
    "stage.phase.": ("collecting", "reviewing", "consulting", "publishing", "ended"),
    "rest.": (),
    "extensions.choice.": POLICIES,
    "extensions.policy.": POLICIES,
    "receipt.lateness.": POLICIES[1:],
    "extensions.closes.": POLICIES[1:],
    "task.late.": POLICIES[1:],
    "archive.table.": (*ENGINE_TABLES, *(table.name for table in CONTENTS.dependents)),
    "archive.under_way.": ("archive", "unarchive"),
    "archive.last.": ("archive", "unarchive"),
    "bulk.action.": BULK_ACTIONS,
    "bulk.state.": ("running", "done", "stuck", "cancelled"),
    "bulk.result.": ("left", "dropped", "done", "refused"),
    "tokens.scope.": ("read", "write"),
    "letters.row_state.": ("queued", "sent", "dead", "held", "withdrawn"),
    "letters.failure.": ("recipient", "address", "server", "other"),
    "draft.state.": ("editing", "submitted", "released", "discarded"),
    "draft.step.": ("submitted", "withdrawn", "sent_back", "released", "discarded"),
    "draft.save.": ("started", "saved", "restored"),
    "draft.what.": ("added", "removed", "changed"),
    "history.fact.": tuple(FACTS),
    "transfer.reason.": (),
    "setting.": (),
    "operation.": OPERATIONS,
    "operation.hint.": OPERATIONS,
    "operation.done.": set(OPERATIONS) - {"return"},
    "operation.about.": ("return", "add_signer", "delegate"),
    "operation.person.": ("add_signer", "delegate"),
    "operation.place.": PLACES,
    "bell.kind.": TOLD,
    "bell.way.": WAYS,
    "notification.": TOLD,
    "letters.name.": list_letter_names(),
    "substitution.state.": ("planned", "acting", "over", "ended"),
    "stopping.done.": HOW,
    "plan.priority.": tuple(map(str, PRIORITIES)),
    "site.size.": WISHES["size"][1],
    "operation.kind.": (*WaitKind, SCOPE),
}  # fmt: skip
"""What pages put behind the codes that they compose."""


def used_codes() -> tuple[set[str], set[str]]:
    """Codes that templates and pages name whole, and the beginnings of those that they compose."""
    whole, begun = set(), set()
    for file in [*ROOT.rglob("templates/*.html"), *ROOT.rglob("pages/**/*.py")]:
        text = file.read_text("utf-8")
        found = re.findall(r"\bt\(\s*'([^']+)'(\s*~)?", text)
        found += re.findall(r"\.say\(\s*\"([^\"]+)\"()", text)
        found += re.findall(r"tell_next\(\s*\"([^\"]+)\"()", text)
        found += re.findall(r"done=\"(task\.[^\"]+)\"()", text)
        for code, composed in found:
            (begun if composed else whole).add(code)
    return whole, begun


def test_every_text_that_pages_name_is_there() -> None:
    whole, begun = used_codes()
    assert len(whole) > 150
    assert sorted(code for code in whole if code not in CATALOGUE.entries) == []
    assert sorted(begun - set(ENDINGS)) == []
    composed = {f"{beginning}{ending}" for beginning in begun for ending in ENDINGS[beginning]} - {"error.title_401"}
    assert sorted(code for code in composed if code not in CATALOGUE.entries) == []


def test_texts_in_chinese_are_chinese_and_those_in_english_are_not() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for code, texts in CATALOGUE.entries.items():
        if code.split(".")[0] in ("menu", "inbox", "task", "form", "case", "campaign", "notice", "error", "designer", "login"):
            assert not han.search(texts["en"]), code
    same_names = [code for code, texts in CATALOGUE.entries.items() if texts["zh"] == texts["en"] and len(texts["zh"]) > 8]
    assert same_names == []


def test_places_in_texts_are_the_same_in_both_languages() -> None:
    for code, texts in CATALOGUE.entries.items():
        if code[0].islower() and "." in code:
            places = {language: set(re.findall(r"{(\w+)}", texts[language])) for language in LANGUAGES}
            assert places["zh"] == places["en"], code


def say(language: str = "zh") -> Words:
    return Words(CATALOGUE, language, NOW)  # type: ignore[arg-type]


def test_dates() -> None:
    cutoff = datetime(2022, 8, 10, 16, tzinfo=UTC)
    assert say().deadline(cutoff) == "2022年8月10日24:00(北京时间)"
    assert say("en").deadline(cutoff) == "10 August 2022, 24:00 (Beijing time)"
    assert say().moment(NOW) == "2022年8月5日10:00"
    assert say("en").moment(NOW) == "5 August 2022, 10:00"
    assert say().exact(NOW) == "2022年8月5日10:00:00(北京时间)"
    assert say().moment(None) == say().deadline(None) == ""


@pytest.mark.parametrize(
    ("due", "level", "text"),
    [
        (datetime(2022, 8, 5, 16, tzinfo=UTC), "today", "今天截止"),
        (datetime(2022, 8, 5, 16, 0, 1, tzinfo=UTC), "soon", "明天截止"),
        (datetime(2022, 8, 8, 16, tzinfo=UTC), "soon", "还有3天"),
        (datetime(2022, 8, 10, 16, tzinfo=UTC), "later", "还有5天"),
        (NOW, "late", "已逾期"),
        (NOW - timedelta(hours=11), "late", "已逾期1天"),
        (datetime(2022, 8, 2, 16, tzinfo=UTC), "late", "已逾期3天"),
    ],
)
def test_how_a_deadline_stands(due: datetime, level: str, text: str) -> None:
    assert say().due(due) == (level, text)


def test_plain_values_of_a_notice() -> None:
    assert say().plain("2022-07-01") == "2022年7月1日"
    assert say().plain("trimmed") == "去掉最高和最低后平均"
    assert say().plain("2022-13-01") == "2022-13-01"


def test_problems_without_words_still_say_something() -> None:
    class NobodyWordedThis(Problem):
        pass

    assert say().tell(NobodyWordedThis(place="here")) == "NobodyWordedThis: place=here"
    assert say().tell(Finding("FieldRequired", values={"label": "题目", "label_en": "Title"})) == "请填写“题目”"


def list_kinds_of_history() -> set[str]:
    """Every kind of row that the engine and the campaigns write, as their source says it."""
    places = {"record_entry": 2, "append": 1, "save": 0, "_change": 2}  # where the kind stands among the arguments
    found = set()
    for file in [*(ROOT.parent / "engine").glob("*.py"), *(ROOT.parent / "workflows").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                kinds = [word.value for word in node.keywords if word.arg == "kind" and name == "advance_instance"]
                if name in places and len(node.args) > places[name]:
                    kinds.append(node.args[places[name]])
                found |= {kind.value for kind in kinds if isinstance(kind, ast.Constant) and isinstance(kind.value, str)}
    return found


def test_every_kind_of_history_is_worded() -> None:
    kinds = list_kinds_of_history()
    assert {"started", "completed", "returned", "fired", "received", "claimed", "published", "review_recorded"} <= kinds
    assert sorted(kind for kind in kinds if f"history.kind.{kind}" not in CATALOGUE.entries) == []
