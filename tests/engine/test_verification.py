"""The history as evidence: whatever is altered, dropped, swapped, added or cut off is found, with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import InstanceUnknown
from engine.history import hash_row
from engine.tables import history, instance
from engine.tasks import complete_task
from engine.verification import Break, Verified, verify_chain, verify_history
from engine.work import ProcessEngine, Work
from tests.engine.store_rows import the_task


@pytest.fixture
def ended(process_engine: ProcessEngine, audit: str) -> str:
    """An instance with four rows: started, completed, completed, ended."""
    for form in ({}, {"result": "pass"}):
        with process_engine.begin(by="anna") as work:
            complete_task(work, the_task(process_engine).id, {}, form=form)
    return audit


def rows(work: Work) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in work.connection.execute(sa.select(history).order_by(history.c.seq))]


def alter(seq: int, **values: Any) -> Callable[[Work], None]:
    return lambda work: work.connection.execute(history.update().where(history.c.seq == seq).values(values)) and None


def drop(*numbers: int) -> Callable[[Work], None]:
    return lambda work: work.connection.execute(history.delete().where(history.c.seq.in_(numbers))) and None


def swap(work: Work) -> None:
    """The second and the third row change places."""
    for old, new in ((2, 12), (3, 2), (12, 3)):
        work.connection.execute(history.update().where(history.c.seq == old).values(seq=new))


def rehash(work: Work) -> None:
    """Alter the second row, and give it the hash that it would have."""
    first, row = rows(work)[:2]
    alter(2, by="mallory", hash=hash_row({**row, "by": "mallory"}, first["hash"]))(work)


def rehash_last(work: Work) -> None:
    """Alter the last row with its hash, but not the head in the instance's row."""
    before, row = rows(work)[2:]
    alter(4, by="mallory", hash=hash_row({**row, "by": "mallory"}, before["hash"]))(work)


def add(work: Work) -> None:
    """One row more, rightly chained."""
    last = rows(work)[3]
    row = {**last, "seq": 5}
    work.connection.execute(history.insert().values({**row, "hash": hash_row(row, last["hash"])}))


@pytest.mark.parametrize(
    ("tamper", "seq", "element", "reason"),
    [
        (alter(2, by="mallory"), 2, "apply", "changed"),
        (alter(2, kind="returned"), 2, "apply", "changed"),
        (alter(3, detail={"passed": []}), 3, "audit", "changed"),
        (drop(2), 2, None, "missing"),
        (drop(1), 1, None, "missing"),
        (drop(4), 4, None, "missing"),
        (drop(1, 2, 3, 4), 1, None, "missing"),
        (swap, 2, "audit", "changed"),
        (rehash, 3, "audit", "changed"),
        (rehash_last, 4, None, "changed"),
        (add, 5, None, "extra"),
    ],
)
def test_what_was_tampered_with_is_found(
    process_engine: ProcessEngine, ended: str, tamper: Callable[[Work], None], seq: int, element: str | None, reason: Any
) -> None:
    with process_engine.read() as work:
        assert verify_history(work) == Verified(1, 4, None)
        assert verify_chain(work, ended) is None
    with process_engine.begin() as work:
        tamper(work)
    told = Break(ended, "case-1", seq, element, reason)
    with process_engine.read() as work:
        assert verify_chain(work, ended) == told
        assert verify_history(work) == Verified(0, 0, told)


def test_a_row_beyond_reading_is_one_that_was_changed(sqlite_engine: ProcessEngine) -> None:
    """Only SQLite lets such values in."""
    with sqlite_engine.begin() as work:
        work.connection.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        work.connection.execute(
            sa.text(
                "INSERT INTO instance (id, definition_id, business_key, state, document, revision, history_count, history_hash,"
                " started_at) VALUES ('i', 'd', 'k', 'ended', '{}', 1, 1, 'h', '2022-07-01T00:00:00.000000Z')"
            )
        )
        work.connection.execute(
            sa.text(
                "INSERT INTO history (instance_id, seq, at, kind, element_id, detail, hash)"
                " VALUES ('i', 1, 'yesterday', 'started', 'start', '{', 'h')"
            )
        )
        assert verify_chain(work, "i") == Break("i", "k", 1, "start", "changed")
        work.connection.rollback()


def test_rows_whose_instance_is_gone_are_told(sqlite_engine: ProcessEngine) -> None:
    with sqlite_engine.database.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
    with sqlite_engine.begin() as work:
        with pytest.raises(InstanceUnknown):
            verify_chain(work, "gone")
        work.connection.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        work.connection.execute(
            history.insert().values(instance_id="gone", seq=3, at=work.now, kind="x", detail={}, element_id="e", hash="00")
        )
        assert verify_history(work) == Verified(0, 0, Break("gone", None, 3, "e", "orphan"))
        work.connection.rollback()


def test_the_first_broken_instance_is_named_and_those_before_it_counted(process_engine: ProcessEngine, ended: str) -> None:
    with process_engine.begin() as work:
        row = work.connection.execute(sa.select(instance)).one()
        work.connection.execute(instance.insert().values({**row._mapping, "id": "0" * 26, "business_key": "case-0"}))
        copied, previous = [], "0" * 64
        for each in rows(work):
            each = {**each, "instance_id": "0" * 26}
            previous = hash_row(each, previous)
            copied.append({**each, "hash": previous})
        work.connection.execute(history.insert(), copied)
        work.connection.execute(instance.update().where(instance.c.id == "0" * 26).values(history_hash=previous))
        work.connection.execute(history.update().where(history.c.instance_id == ended, history.c.seq == 4).values(by="mallory"))
        assert verify_history(work) == Verified(1, 4, Break(ended, "case-1", 4, None, "changed"))
