"""The archive: what is over moves out of the way, reads as before, verifies as before, and comes back as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from engine.archive import find_archived, pack, unpack
from engine.archiving import ChainBroken, Contents, InstanceAlive, archive_instance, count_rows, restore_instance
from engine.bulk import run_bulk
from engine.due import run_due
from engine.errors import InstanceUnknown
from engine.history import list_entries, record_entry
from engine.messages import send_message
from engine.tables import (
    archived_instance,
    history,
    instance,
    message,
    timer,
    user_task,
)
from engine.verification import Break, verify_chain, verify_history
from engine.work import ProcessEngine, Work
from tests.engine.bulk_rows import complete_many, prepare, start_many, tasks_by_key

PARTS = (history, user_task, timer, message)
NOTHING = Contents()


@pytest.fixture
def over(process_engine: ProcessEngine) -> dict[str, str]:
    """Three instances: two are over, one (`c3`) waits for its message; ids by business key."""
    prepare(process_engine)
    start_many(process_engine, ["c1", "c2", "c3"])
    run_bulk(process_engine, complete_many(process_engine, list(tasks_by_key(process_engine).values())))
    with process_engine.begin() as work:
        for key in ("c1", "c2"):
            send_message(work, "told", key)
    run_due(process_engine)
    with process_engine.read() as work:
        return {row.business_key: row.id for row in work.connection.execute(sa.select(instance))}


def content(process_engine: ProcessEngine) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables that the archive takes from."""
    with process_engine.read() as work:
        return {
            table.name: [dict(row._mapping) for row in work.connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in PARTS
        }


def test_it_moves_and_comes_back_as_it_was(process_engine: ProcessEngine, over: dict[str, str]) -> None:
    before = content(process_engine)
    with process_engine.read() as work:
        entries = list_entries(work, over["c1"])
        counted = count_rows(work, [over["c1"], over["c2"]], NOTHING)
    assert {name: count for name, (count, _size) in counted.items()} == {"history": 8, "user_task": 2, "message": 2}
    with process_engine.begin(by="anna") as work:
        moved = [archive_instance(work, over[key], subject="t", contents=NOTHING) for key in ("c1", "c2")]
    assert moved == [6, 6]
    after = content(process_engine)
    assert {name: len(rows) for name, rows in after.items()} == {**dict.fromkeys(after, 0), "history": 2, "user_task": 1}
    assert {row["instance_id"] for row in after["history"]} == {over["c3"]}
    with process_engine.read() as work:
        assert [tuple(row) for row in list_entries(work, over["c1"])] == [tuple(row) for row in entries]
        assert [row.kind for row in list_entries(work, over["c1"])] == ["started", "completed", "received", "ended"]
        assert (verify_history(work).instances, verify_history(work).rows, verify_chain(work, over["c1"])) == (3, 10, None)
        row = work.connection.execute(sa.select(archived_instance).where(archived_instance.c.instance_id == over["c1"])).one()
    assert (row.subject, row.rows, row.archived_by, row.archived_at) == ("t", 6, "anna", process_engine.clock.now())
    with process_engine.begin() as work:
        assert [restore_instance(work, over[key], contents=NOTHING) for key in ("c1", "c2", "c2")] == [6, 6, 0]
    assert content(process_engine) == before
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(archived_instance)).all() == []


def test_what_happens_later_joins_the_archive(process_engine: ProcessEngine, over: dict[str, str]) -> None:
    def archive() -> int:
        with process_engine.begin() as work:
            return archive_instance(work, over["c1"], subject="t", contents=NOTHING)

    def note(kind: str) -> None:
        with process_engine.begin() as work:
            record_entry(work, over["c1"], kind)

    archive()
    note("noted")
    with process_engine.read() as work:
        assert [row.seq for row in list_entries(work, over["c1"])] == [1, 2, 3, 4, 5]
        assert (verify_chain(work, over["c1"]), verify_history(work).rows) == (None, 11)
    assert (archive(), archive()) == (1, 0)
    note("again")
    with process_engine.read() as work:
        assert [row.kind for row in list_entries(work, over["c1"])][3:] == ["ended", "noted", "again"]
        assert verify_history(work).broken is None
    with process_engine.begin() as work:
        assert restore_instance(work, over["c1"], contents=NOTHING) == 7
        assert verify_chain(work, over["c1"]) is None


def test_only_what_is_over_and_whole_is_archived(process_engine: ProcessEngine, over: dict[str, str]) -> None:
    with pytest.raises(InstanceAlive), process_engine.begin() as work:
        archive_instance(work, over["c3"], subject="t", contents=NOTHING)
    with pytest.raises(InstanceUnknown), process_engine.begin() as work:
        archive_instance(work, "0" * 32, subject="t", contents=NOTHING)
    with process_engine.begin() as work:
        work.connection.execute(history.update().where(history.c.instance_id == over["c1"], history.c.seq == 2).values(by="m"))
    before = content(process_engine)
    with pytest.raises(ChainBroken) as refused, process_engine.begin() as work:
        archive_instance(work, over["c1"], subject="t", contents=NOTHING)
    assert (refused.value.values, content(process_engine)) == ({"seq": 2}, before)


def test_what_is_kept_or_still_on_its_way_stays(process_engine: ProcessEngine, over: dict[str, str]) -> None:
    """A task that something else needs, and a message that nobody took."""
    with process_engine.begin() as work:
        send_message(work, "later", "c1")
    run_due(process_engine)
    with process_engine.begin() as work:
        needed = sa.select(user_task.c.id).where(user_task.c.instance_id == over["c1"]).correlate(None)
        kept = sa.select(sa.literal(work.connection.execute(needed).scalar_one()).label("id"))
        assert archive_instance(work, over["c1"], subject="t", contents=Contents(kept=sa.select(kept.subquery().c.id))) == 5
        assert work.connection.execute(sa.select(user_task.c.state).where(user_task.c.instance_id == over["c1"])).all() == [
            ("completed",)
        ]
        left = sa.select(message.c.name, message.c.state).where(message.c.business_key == "c1")
        assert work.connection.execute(left).all() == [("later", "unmatched")]


def alter(change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Work, str], None]:
    def run(work: Work, instance_id: str) -> None:
        found = find_archived(work, instance_id)
        assert found is not None
        rows = unpack(found.content)
        change(rows["history"])
        spoil(work, instance_id, pack(rows)[0])

    return run


def spoil(work: Work, instance_id: str, data: bytes) -> None:
    mine = archived_instance.c.instance_id == instance_id
    work.connection.execute(archived_instance.update().where(mine).values(content=data))


def drop_archive(work: Work, instance_id: str) -> None:
    work.connection.execute(archived_instance.delete().where(archived_instance.c.instance_id == instance_id))


@pytest.mark.parametrize(
    ("crime", "seq", "reason"),
    [
        (alter(lambda rows: rows[1].update(by="mallory")), 2, "changed"),
        (alter(lambda rows: rows[2].update(hash="0" * 64)), 3, "changed"),
        (alter(lambda rows: rows.pop(1)), 2, "missing"),
        (alter(lambda rows: rows.pop()), 4, "missing"),
        (alter(lambda rows: rows.append({**rows[-1], "seq": 5})), 5, "changed"),
        (alter(lambda rows: rows[0].pop("hash")), 1, "missing"),
        (lambda work, instance_id: spoil(work, instance_id, b"nonsense"), 1, "missing"),
        (lambda work, instance_id: spoil(work, instance_id, orjson.dumps({})), 1, "missing"),
        (drop_archive, 1, "missing"),
    ],
)
def test_every_alteration_of_the_archive_is_found(
    process_engine: ProcessEngine, over: dict[str, str], crime: Callable[[Work, str], None], seq: int, reason: str
) -> None:
    with process_engine.begin() as work:
        archive_instance(work, over["c1"], subject="t", contents=NOTHING)
        crime(work, over["c1"])
    with process_engine.read() as work:
        broken = verify_history(work).broken
        assert broken is not None
        assert (broken.instance_id, broken.business_key, broken.seq, broken.reason) == (over["c1"], "c1", seq, reason)
        assert isinstance(verify_chain(work, over["c1"]), Break)
