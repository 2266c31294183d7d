"""What is asked again and again reads no large table from end to end: the databases' own plans of the statements really sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.filling import NOW, Filled, fill
from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata
from engine.work import ProcessEngine, Work
from tests.conftest import POSTGRESQL, postgresql_database
from workflows import inbox
from workflows.people import Person

TASKS = 6000
LARGE = ("user_task", "instance", "case_", "organisation", "candidate_set")
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
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        (plan,) = cursor.fetchone()[0]
        return {node["Relation Name"] for node in nodes_of(plan["Plan"]) if reads_all(node)} & set(LARGE)
    names = dict(re.findall(r"(?:FROM|JOIN) (\w+) AS (\w+)", statement))
    aliases = {alias: table for table, alias in names.items()}
    found = set()
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        scan = re.match(r"SCAN (\w+)", row.detail)
        if scan is not None:
            found.add(aliases.get(scan[1], scan[1]))
    return found & set(LARGE)


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)


def reads_all(node: dict[str, Any]) -> bool:
    """Of an index as much is read as its condition says; without one, all of it."""
    kind = node["Node Type"]
    return kind == "Seq Scan" or (kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'linxuan.sqlite3'}")
        return
    if POSTGRESQL is None:
        pytest.skip("no PostgreSQL server: set LINXUAN_TEST_POSTGRESQL, or run `python3 run.py test`, which starts one")
    with postgresql_database(POSTGRESQL) as url:
        yield from filled(url)


def filled(url: str) -> Iterator[Ground]:
    database = open_database(url)
    metadata.create_all(database)
    yield Ground(ProcessEngine(database, VirtualClock(NOW)), fill(database, TASKS))
    database.dispose()


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


def test_a_scan_is_seen(ground: Ground) -> None:
    def act(work: Work, _: Person) -> None:
        work.connection.execute(sa.text("SELECT * FROM user_task WHERE name = 'no index for it'"))

    (found,) = ground.scanned("ordinary", act)
    assert found.startswith("user_task: ")
