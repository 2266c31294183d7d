"""A check that finds nothing whatever it is given would prove nothing: here it must find what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import candidate_set, history, instance, message, timer, user_task
from engine.work import ProcessEngine, Work
from tests.faults.collecting import Collecting, open_engine
from tests.faults.wholeness import find_faults
from workflows.tables import application_version, attachment, case, receipt, stored_file


@pytest.fixture
def process_engine(copied: tuple[str, Collecting], tmp_path: Path) -> Iterator[ProcessEngine]:
    """A copy of the campaign, whole."""
    process_engine = open_engine(copied[0], tmp_path)
    assert find_faults(process_engine) == []
    yield process_engine
    process_engine.database.dispose()


def one(work: Work, table: sa.Table, *which: sa.ColumnElement[bool]) -> Any:
    """Some row."""
    return work.connection.execute(sa.select(table).where(*which).limit(1)).one()


def close_task(work: Work) -> None:
    row = one(work, user_task, user_task.c.state == "open")
    work.connection.execute(user_task.update().where(user_task.c.id == row.id).values(state="cancelled"))


def fire_timer(work: Work) -> None:
    row = one(work, timer, timer.c.state == "armed", timer.c.instance_id.is_not(None))
    work.connection.execute(timer.update().where(timer.c.id == row.id).values(state="fired"))


def forget_subscriptions(work: Work) -> None:
    work.connection.execute(sa.text("DELETE FROM subscription"))


def end_instance(work: Work) -> None:
    row = one(work, instance, instance.c.state == "running")
    work.connection.execute(instance.update().where(instance.c.id == row.id).values(state="ended"))


def forget_history(work: Work) -> None:
    row = one(work, instance)
    work.connection.execute(history.delete().where(history.c.instance_id == row.id, history.c.seq == row.history_count))


def keep_message(work: Work) -> None:
    found = work.connection.execute(sa.text("SELECT name, business_key FROM subscription LIMIT 1")).one()
    values = {"kind": "message", "name": found.name, "business_key": found.business_key, "variables": {}, "generation": 1}
    moments = dict.fromkeys(("next_try_at", "keep_until", "created_at"), work.now)
    work.connection.execute(message.insert().values(id="m", unique_key="m", state="unmatched", attempt=0, **values, **moments))


def deliver_message(work: Work) -> None:
    keep_message(work)
    work.connection.execute(message.update().values(state="delivered"))


def complete_twice(work: Work) -> None:
    row = one(work, history, history.c.kind == "completed")
    again = {**row._mapping, "seq": row.seq + 1000}
    work.connection.execute(history.insert().values(**again))


def forget_candidates(work: Work) -> None:
    row = one(work, user_task, user_task.c.state == "open", user_task.c.assignee.is_(None))
    work.connection.execute(candidate_set.delete().where(candidate_set.c.id == row.candidate_set))


def forget_version(work: Work) -> None:
    row = one(work, case)
    window = work.connection.execute(sa.text("SELECT id FROM window LIMIT 1")).scalar_one()
    values = {"campaign_id": row.campaign_id, "case_id": row.id, "organisation_id": row.institution_id, "window_id": window}
    work.connection.execute(
        receipt.insert().values(id="r", kind="application", accepted=True, received_at=work.now, sha256="0" * 64, **values)
    )


def change_version(work: Work) -> None:
    row = one(work, case)
    values = {"version": 1, "form_key": "application", "data": {"a": 1}, "sha256": "0" * 64, "received_by": "online"}
    work.connection.execute(application_version.insert().values(case_id=row.id, received_at=work.now, **values))


def leave_draft(work: Work) -> None:
    row = one(work, case)
    work.connection.execute(case.update().where(case.c.id == row.id).values(state="submitted"))


def lose_file(work: Work) -> None:
    row = one(work, case)
    work.connection.execute(
        stored_file.insert().values(sha256="0" * 64, size=1, media_type="application/pdf", stored_at=work.now)
    )
    values = {"name": "a.pdf", "field": "seal_scan", "uploaded_by": "x", "uploaded_at": work.now}
    work.connection.execute(attachment.insert().values(id="a", sha256="0" * 64, case_id=row.id, **values))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (close_task, "task: missing"),
        (fire_timer, "timer: missing"),
        (forget_subscriptions, "event: missing"),
        (end_instance, "is ended and waits for"),
        (forget_history, "chain broken"),
        (keep_message, "is kept although somebody waits"),
        (deliver_message, "received"),
        (complete_twice, "was done 2 times"),
        (forget_candidates, "nobody can do the task"),
        (forget_version, "receipts without version"),
        (change_version, "is not what its hash says"),
        (leave_draft, "without a version"),
        (lose_file, "attached file"),
    ],
)
def test_what_is_wrong_is_found(process_engine: ProcessEngine, spoil: Callable[[Work], None], words: str) -> None:
    with process_engine.begin() as work:
        spoil(work)
    assert words in "\n".join(find_faults(process_engine))
