"""What is asked again and again reads no large table from end to end: the databases' own plans of the statements really sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.filling import FEW, NOW, RARE_WORD, Filled, fill
from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata, user_task
from engine.work import ProcessEngine, Work
from tests.conftest import POSTGRESQL, postgresql_database
from workflows import cases, inbox
from workflows.campaigns import campaign_board
from workflows.cases import life
from workflows.cases.life_views import CaseLife
from workflows.desk.substitution import list_acted_tasks
from workflows.extensions import recounting
from workflows.inbox import DUE_RANGES, SORTS, TaskFilter
from workflows.inbox.previewing import preview_many
from workflows.inbox.sorting import Sort
from workflows.mails.recipients import find_members
from workflows.mails.recipients import list_members as list_recipients
from workflows.people import Person, get_person, list_members
from workflows.reminders.series import Series, is_open, list_owing, read_open
from workflows.tables import (
    case_view,
    comment,
    membership,
    organisation,
    person,
    publication,
    publication_item,
    round_,
    round_case,
    selection,
    selection_item,
    substitution,
)

TASKS = 20_000
CROWD = 5_000
LIVES = 4_000
LIFE = ("comment", "selection_item", "publication_item", "round_case", "case_view")
"""Tables that grow with the cases, as far as they have lived."""
LARGE = ("user_task", "instance", "case_", "search_entry", "membership", "person", *LIFE)
"""Tables of some thousands of rows here; the others are small, or empty."""


@dataclass
class Ground:
    """A filled database."""

    process_engine: ProcessEngine
    filled: Filled

    def scanned(self, who: str, act: Callable[[Work, Person], Any]) -> list[str]:
        """The large tables that the statements of `act` read from end to end, each with its statement."""
        sent: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            sent.append((statement, values))

        database = self.process_engine.database
        sa.event.listen(database, "before_cursor_execute", note)
        try:
            with self.process_engine.read() as work:
                act(work, self.filled.people[who])
        finally:
            sa.event.remove(database, "before_cursor_execute", note)
        assert sent
        with database.connect() as connection:
            return [f"{table}: {statement}" for statement, values in sent for table in full_scans(connection, statement, values)]


def full_scans(connection: sa.Connection, statement: str, values: Any) -> set[str]:
    """The large tables that the plan of a statement reads from end to end, table or index."""
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # the tables fit into memory, and are small for what they stand for
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        (plan,) = cursor.fetchone()[0]
        found = {node["Relation Name"] for node in nodes_of(plan["Plan"]) if reads_all(node)}
        return found & set(LARGE)
    names = dict(re.findall(r"(?:FROM|JOIN) (\w+) AS (\w+)", statement))
    aliases = {alias: table for table, alias in names.items()}
    found = set()
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        scan = re.match(r"SCAN (\w+)", row.detail)
        if scan is not None and ":M" not in row.detail:  # what an index of words is asked for is no scan
            found.add(aliases.get(scan[1], scan[1]))
    return found & set(LARGE)


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)


def reads_all(node: dict[str, Any]) -> bool:
    """Of an index as much is read as its condition says; without one all of it. Frequent words are met in order, up to an end."""
    kind = node["Node Type"]
    walked = kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    return kind == "Seq Scan" or (walked and node["Relation Name"] != "search_entry")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with empty(request.param, tmp_path_factory) as process_engine:
        filled = fill(process_engine.database, TASKS)
        with process_engine.begin() as work:
            write_crowd(work)
            write_lives(work, filled)
        with process_engine.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        yield Ground(process_engine, filled)


@contextmanager
def empty(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessEngine]:
    """An engine on an empty database, for a whole module."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('module') / 'linxuan.sqlite3'}"
        if kind == "postgresql":
            if POSTGRESQL is None:
                pytest.skip("no PostgreSQL server: set LINXUAN_TEST_POSTGRESQL, or run `python3 run.py test`, which starts one")
            url = stack.enter_context(postgresql_database(POSTGRESQL))
        database = open_database(url)
        stack.callback(database.dispose)
        metadata.create_all(database)
        yield ProcessEngine(database, VirtualClock(NOW))


def write_crowd(work: Work) -> None:
    """A country's institutions, each with one person."""
    numbers = [f"{number:032d}" for number in range(CROWD)]
    plain = {"region": None, "institution_kind": None, "parent_id": None}
    places = [
        {"id": each, "path": f"/{each}/", "kind": "institution", "name": each, "short_name": each} | plain for each in numbers
    ]
    work.connection.execute(organisation.insert(), places)
    for each in numbers:
        login = {"login": f"crowd-{each}", "name": each, "email": f"{each}@example.org", "password_hash": None, "language": "zh"}
        state = {"disabled": False, "failed_logins": 0, "locked_until": None, "created_at": NOW, "organisation_id": each}
        places[int(each)] = {"id": each} | login | state
    work.connection.execute(person.insert(), places)
    held = [{"person_id": each, "role": "applicant", "organisation_id": each} for each in numbers]
    work.connection.execute(membership.insert(), held)


def write_lives(work: Work, filled: Filled) -> None:
    """What came of some thousand cases: each commented on, selected, published, in a round and seen."""
    at, ids = filled.campaigns[0], [f"{number:032x}" for number in range(LIVES)]
    few = [f"{number:032d}" for number in range(5)]
    run = work.connection.execute
    run(selection.insert(), [{"id": each, "campaign_id": at, "cut": 9, "method": "mean", "at": NOW} for each in few])
    run(publication.insert(), [{"id": each, "campaign_id": at, "title": each, "published_at": NOW} for each in few])
    moments = {"due_on": NOW.date(), "cutoff_at": NOW, "closed_at": NOW}
    run(round_.insert(), [{"id": each, "campaign_id": at, "plan": "month", "occurrence": each, **moments} for each in few])
    comments = {"campaign_id": at, "kind": "comment", "from_name": "某人", "text": "好", "received_at": NOW, "state": "open"}
    run(comment.insert(), [{"id": each, "case_id": each, **comments} for each in ids])
    parts = [(each, few[number % 5], number) for number, each in enumerate(ids)]
    run(selection_item.insert(), [{"selection_id": of, "case_id": each, "place": n, "selected": True} for each, of, n in parts])
    run(publication_item.insert(), [{"publication_id": of, "case_id": each, "place": n} for each, of, n in parts])
    run(round_case.insert(), [{"case_id": each, "plan": "month", "round_id": of, "moment": NOW} for each, of, _ in parts])
    seen = {"day_on": NOW.date(), "person_id": "organiser", "what": "page", "first_at": NOW, "last_at": NOW, "times": 1}
    run(case_view.insert(), [{"case_id": each, **seen} for each in ids])


PEOPLE = ("ordinary", "busy", "organiser", "applicant")


def walk(view: Any, **options: Any) -> Callable[[Work, Person], None]:
    """The first two pages."""

    def act(work: Work, who: Person) -> None:
        page = inbox.list_tasks(work, who, view=view, limit=20, **options)
        if page.next is not None:
            inbox.list_tasks(work, who, view=view, limit=20, after=page.next, **options)

    return act


@pytest.mark.parametrize("who", PEOPLE)
def test_counts(ground: Ground, who: str) -> None:
    assert ground.scanned(who, inbox.count_tasks) == []


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("view", ["mine", "groups", "done"])
def test_pages(ground: Ground, who: str, view: str) -> None:
    assert ground.scanned(who, walk(view)) == []


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("place", [0, -1])
def test_pages_of_a_campaign(ground: Ground, who: str, place: int) -> None:
    campaign_id = ground.filled.campaigns[place]
    for view in ("mine", "groups"):
        assert ground.scanned(who, walk(view, campaign_id=campaign_id)) == []


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("view", ["delegated", "watched", "sent"])
def test_other_views(ground: Ground, who: str, view: str) -> None:
    assert ground.scanned(who, walk(view)) == []


FILTERS = {
    "step": TaskFilter(step="audit"),
    "no such step": TaskFilter(step="nothing"),
    "step of a campaign": TaskFilter(step="audit", campaign_id="campaign" + "0" * 23 + "1"),
    "body": TaskFilter(body_id="body" + "0" * 27 + "1"),
    "body and text": TaskFilter(body_id="body" + "0" * 27 + "1", text="审核"),
    **{due: TaskFilter(due=due) for due in DUE_RANGES},
}


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("who", PEOPLE)
def test_filters(ground: Ground, who: str, asked: TaskFilter) -> None:
    for view in ("mine", "groups"):
        assert ground.scanned(who, walk(view, asked=asked)) == []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("who", PEOPLE)
def test_orders(ground: Ground, who: str, sort: Sort) -> None:
    for view in ("mine", "groups"):
        assert ground.scanned(who, walk(view, sort=sort)) == []


@pytest.mark.parametrize("who", PEOPLE)
def test_what_filters_offer(ground: Ground, who: str) -> None:
    for act in (inbox.list_filters, inbox.list_bodies, lambda work, person: inbox.list_steps(work, person, "groups")):
        assert ground.scanned(who, act) == []  # type: ignore[arg-type]


TEXTS = ["检测", RARE_WORD, "石", "检测促", "没有这样的", "0000123", "审核", "征集", "-"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("who", PEOPLE)
def test_pages_with_a_text(ground: Ground, who: str, text: str) -> None:
    for view in ("groups", "done"):
        assert ground.scanned(who, walk(view, text=text)) == []


def look(**options: Any) -> Callable[[Work, Person], None]:
    """The first two pages of cases."""

    def act(work: Work, who: Person) -> None:
        page = cases.list_cases(work, who, limit=20, **options)
        if page.after is not None:
            cases.list_cases(work, who, limit=20, after=page.after, **options)

    return act


@pytest.mark.parametrize("who", PEOPLE)
def test_cases(ground: Ground, who: str) -> None:
    last = ground.filled.campaigns[-1]
    for options in ({}, {"campaign_id": last}, {"state": "audited"}, {"campaign_id": last, "state": "audited"}):
        assert ground.scanned(who, look(**options)) == []


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("who", PEOPLE)
def test_cases_with_a_text(ground: Ground, who: str, text: str) -> None:
    assert ground.scanned(who, look(text=text)) == []
    assert ground.scanned(who, look(text=text, campaign_id=ground.filled.campaigns[1])) == []


@pytest.mark.parametrize("who", ["busy", "organiser"])
def test_the_life_of_a_case(ground: Ground, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = {"month": SimpleNamespace(round=SimpleNamespace(zh="月", en="month"))}
    monkeypatch.setattr(life, "campaign_notice", lambda *_: SimpleNamespace(notice=SimpleNamespace(reports=("some",))))
    monkeypatch.setattr(life, "read_plans", lambda *_: plans)
    case_id = f"{2 * FEW + 101:032x}"
    found: list[CaseLife] = []
    assert ground.scanned(who, lambda work, person: found.append(life.read_life(work, person, case_id))) == []
    assert len(found[0].comments) == (who == "organiser") and len(found[0].publications) == len(found[0].rounds) == 1
    assert ground.scanned("organiser", lambda work, person: cases.list_views(work, person, case_id)) == []


@pytest.mark.parametrize("place", [1, -1])
def test_boards(ground: Ground, place: int) -> None:
    campaign_id = ground.filled.campaigns[place]
    for who in ("organiser", "busy"):
        assert ground.scanned(who, lambda work, person: campaign_board(work, campaign_id, person=person)) == []


def test_people_of_groups(ground: Ground) -> None:
    groups = [f"applicant@{number:032d}" for number in (7, 4711)]
    for find in (list_members, find_members, list_recipients):
        assert ground.scanned("ordinary", lambda work, _, find=find: find(work, groups)) == []  # type: ignore[misc]


def of_tasks(scanned: list[str]) -> list[str]:
    """The scans of what grows with the tasks. For some hundreds of tasks PostgreSQL rather reads these few thousand memberships
    and cases once than look for each."""
    return [each for each in scanned if each.startswith(("user_task:", "instance:"))]


@pytest.mark.parametrize(
    ("who", "view", "action"), [("busy", "groups", "claim"), ("ordinary", "mine", "unclaim"), ("organiser", "sent", "urge")]
)
def test_previews_of_many(ground: Ground, who: str, view: Any, action: str) -> None:
    with ground.process_engine.read() as work:
        ids = [row.id for row in inbox.list_tasks(work, ground.filled.people[who], view=view, limit=200).rows]
    assert ids
    assert of_tasks(ground.scanned(who, lambda work, person: preview_many(work, person, action, ids))) == []


@pytest.mark.parametrize("appointed", [True, False])
def test_tasks_for_somebody_who_is_away(ground: Ground, appointed: bool) -> None:
    away = ground.filled.people["ordinary"]
    first, last = NOW - timedelta(days=1), NOW + timedelta(days=1)
    with ground.process_engine.begin() as work:
        work.connection.execute(
            substitution.insert().values(
                id=f"{appointed:032}", person_id=away.id, substitute_id=f"{appointed:032}", begins_at=first, ends_at=last,
                appointed=appointed, created_by=away.id, created_at=first,
            )
        )  # fmt: skip
        stand_in = get_person(work, f"{appointed:032}")
    for act in (list_acted_tasks, inbox.count_tasks, lambda work, person: inbox.list_tasks(work, person, view="mine")):
        assert of_tasks(ground.scanned("busy", lambda work, _, act=act: act(work, stand_in))) == []  # type: ignore[misc]


def test_what_changed_work_days_would_move(ground: Ground) -> None:
    """The statements of a recount; the filled instances have no document that it could read."""
    campaign_id = ground.filled.campaigns[-1]

    def act(work: Work, _: Person) -> None:
        running = work.connection.execute(recounting._RUNNING, {"campaign": campaign_id}).scalars().all()
        assert running
        for query in (recounting._TIMERS, recounting._TASKS):
            work.connection.execute(query, {"campaign": campaign_id, "definitions": running}).all()

    assert ground.scanned("organiser", act) == []


@pytest.mark.postgresql
def test_who_is_reminded_of_tasks_that_just_came(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PostgreSQL counts rows a minute after they came; until then its plans are for a few."""
    with empty("postgresql", tmp_path_factory) as process_engine:
        campaign_id = fill(process_engine.database, 2_000).campaigns[0]
        with process_engine.database.begin() as connection:
            connection.execute(user_task.update().where(user_task.c.element_id == "accept").values(due_at=NOW))
            connection.exec_driver_sql("DELETE FROM pg_statistic")
        with process_engine.begin() as work:
            work.connection.exec_driver_sql("SET LOCAL statement_timeout = '20s'")
            which = is_open(work, Series(campaign_id, "accept", NOW))
            people = list_owing(work, which, after="", limit=500)
            tasks = read_open(work, which, of=people)
            assert (people, len(tasks)) == (["organiser"], 493)
            assert [row.id for row in tasks] == [row.id for row in read_open(work, which)]


def test_a_scan_is_seen(ground: Ground) -> None:
    def act(work: Work, _: Person) -> None:
        work.connection.execute(sa.text("SELECT * FROM user_task WHERE name = 'no index for it'"))

    (found,) = ground.scanned("ordinary", act)
    assert found.startswith("user_task: ")
