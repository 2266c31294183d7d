"""Tasks of the releases before: who may claim them is a set afterwards, and what they belong to is known."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from engine.candidates import name_set
from engine.database import open_database
from engine.tables import candidate_set, user_task, user_task_candidate
from workflows.schema import upgrade_schema

AT = datetime(2026, 1, 5, tzinfo=UTC)
BOTH = {("group", "auditor@b1"), ("user", "anna")}
ONE = {("group", "auditor@b1")}
TASKS = {"t1": ("case-1", BOTH), "t2": ("case-1", ONE), "t3": ("c", ONE), "t4": ("elsewhere", set())}


def insert(connection: sa.Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    bound = [sa.bindparam(name, type_=user_task.c.created_at.type) for name, value in values.items() if value is AT]
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})").bindparams(*bound), values)


def write_before(connection: sa.Connection) -> None:
    insert(connection, "deployment", id="d", source="folder", name="d", sha256="", deployed_at=AT)
    given = {"version": 1, "name": "p", "kernel": "tokens", "xml": b"", "sha256": "", "findings": "[]"}
    insert(connection, "definition", id="p", deployment_id="d", key="p", **given)
    insert(connection, "organisation", id="o", path="/o/", kind="authority", name="o", short_name="o")
    given = {"version": 1, "sha256": "", "source": "folder", "state": "deployed", "content": "{}", "forms": "{}"}
    insert(connection, "notice", id="n", key="n", deployment_id="d", deployed_at=AT, **given)
    given = {"title": "", "demo": False, "phase": "prepared", "settings": "{}", "dates": "{}", "next_number": 1, "created_at": AT}
    insert(connection, "campaign", id="campaign", key="c", notice_id="n", case_definition_id="p", organiser_id="o", **given)
    given = {"channel": "direct", "title": "", "directions": "[]", "state": "draft", "created_at": AT}
    insert(connection, "case_", id="case", number="case-1", campaign_id="campaign", institution_id="o", **given)
    for key in ("case-1", "c", "elsewhere"):
        given = {"state": "running", "document": "{}", "revision": 1, "history_count": 0, "history_hash": "", "started_at": AT}
        insert(connection, "instance", id=key, definition_id="p", business_key=key, **given)
    for task_id, (key, candidates) in TASKS.items():
        given = {"token": "1", "element_id": "e", "name": "e", "state": "open", "revision": 1, "priority": 50, "created_at": AT}
        insert(connection, "user_task", id=task_id, instance_id=key, business_key=key, **given)
        for kind, name in candidates:
            insert(connection, "user_task_candidate", task_id=task_id, kind=kind, candidate=name)


def test_tasks_name_their_candidates_and_their_campaign(database_url: str) -> None:
    database = open_database(database_url)
    upgrade_schema(database, to="0003")
    with database.begin() as connection:
        write_before(connection)
    upgrade_schema(database)
    with database.connect() as connection:
        query = sa.select(user_task.c.id, user_task.c.candidate_set, user_task.c.belongs_to).order_by(user_task.c.id)
        assert connection.execute(query).all() == [
            ("t1", name_set(BOTH), "campaign"),
            ("t2", name_set(ONE), "campaign"),
            ("t3", name_set(ONE), "campaign"),
            ("t4", None, None),
        ]
        assert connection.execute(sa.select(sa.func.count()).select_from(candidate_set)).scalar_one() == 3
        seen = connection.execute(sa.select(user_task_candidate)).all()
        assert {tuple(row) for row in seen} == {(task, *each) for task, (_, some) in TASKS.items() for each in some}
    database.dispose()
