"""Bulk jobs: chunks in one transaction each, a result for every item, each item once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Thread

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bulk import (
    BulkOperation,
    BulkOperationUnknown,
    BulkUnknown,
    cancel_bulk,
    list_bulk,
    list_results,
    read_bulk,
    run_bulk,
    start_bulk,
)
from engine.due import next_due, run_due
from engine.errors import Finding, Problem
from engine.incidents import list_incidents, retry_incident
from engine.messages import send_message
from engine.tables import bulk_job, history, instance, message, user_task
from engine.tasks import complete_task
from engine.work import ProcessEngine, Work
from tests.engine.bulk_rows import chunks, complete_many, completions, effects, prepare, start_many, tasks_by_key, tell_end
from tests.faults.wholeness import find_faults


def progress(process_engine: ProcessEngine, job: str) -> tuple[int, int, int, int, str]:
    with process_engine.read() as work:
        now = read_bulk(work, job)
    return now.total, now.done, now.refused, now.left, now.state


def test_what_is_started_belongs_to_what_is_said(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    with process_engine.begin() as work:
        job = start_bulk(work, "start", [{"business_key": "c1"}], shared={"process": "steps", "belongs_to": "campaign"})
    run_bulk(process_engine, job)
    with process_engine.read() as work:
        told = work.connection.execute(sa.select(instance.c.belongs_to, user_task.c.belongs_to).join(user_task)).all()
    assert [tuple(row) for row in told] == [("campaign", "campaign")]


def test_many_instances_are_started_and_their_tasks_completed(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    names = [f"c{number:03}" for number in range(120)]
    job = start_many(process_engine, names)
    assert chunks(process_engine, job) == [(1, 50, "done", 50, 0), (51, 50, "done", 50, 0), (101, 20, "done", 20, 0)]
    assert progress(process_engine, job) == (120, 120, 0, 0, "done")
    tasks = tasks_by_key(process_engine)
    assert list(tasks) == names
    with process_engine.read() as work:
        found = {row.id: row for row in work.connection.execute(sa.select(instance))}
        results = list_results(work, job, limit=200)
    assert [found[(result.result or {})["instance"]].business_key for result in results] == names
    assert {row.started_by for row in found.values()} == {"anna"}
    job = complete_many(process_engine, list(tasks.values()))
    assert progress(process_engine, job) == (120, 0, 0, 120, "running")
    assert run_due(process_engine) == 3
    assert progress(process_engine, job) == (120, 120, 0, 0, "done")
    assert effects(process_engine) == Counter(f"second/{name}" for name in names)
    with process_engine.read() as work:
        assert set(work.connection.execute(sa.select(history.c.by).where(history.c.kind == "completed")).scalars()) == {"bert"}
    assert find_faults(process_engine) == []


def test_a_bad_item_neither_stops_nor_spoils_the_others(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    names = [f"{'bad' if number in (3, 57) else 'c'}{number:03}" for number in range(60)]
    start_many(process_engine, names)
    tasks = tasks_by_key(process_engine)
    job = complete_many(process_engine, [*tasks.values(), "0" * 32])
    run_due(process_engine)
    assert chunks(process_engine, job) == [(1, 50, "done", 49, 1), (51, 11, "done", 9, 2)]
    with process_engine.read() as work:
        refused = list_results(work, job, refused=True)
    assert [(each.position, each.problem) for each in refused] == [
        (4, Finding("ItemFailed", values={"reason": "LookupError"})),
        (58, Finding("ItemFailed", values={"reason": "LookupError"})),
        (61, Finding("TaskUnknown")),
    ]
    assert effects(process_engine) == Counter(f"second/{name}" for name in names if not name.startswith("bad"))
    assert list(tasks_by_key(process_engine)) == ["bad003", "bad057"]
    assert find_faults(process_engine) == []


def test_what_others_did_meanwhile_is_reported_with_who_and_when(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    start_many(process_engine, [f"c{number:03}" for number in range(100)])
    tasks = list(tasks_by_key(process_engine).values())
    job = complete_many(process_engine, tasks)
    for number, person in ((7, "cara"), (50, "dora"), (99, "cara")):
        with process_engine.begin(by=person) as work:
            complete_task(work, tasks[number], {})
    moment = process_engine.clock.now().isoformat()
    run_due(process_engine)
    assert progress(process_engine, job) == (100, 97, 3, 0, "done")
    with process_engine.read() as work:
        refused = list_results(work, job, refused=True)
    told = [(each.position, each.problem.code, dict(each.problem.values)) for each in refused if each.problem is not None]
    assert told == [
        (position, "TaskAlreadyCompleted", {"by": by, "at": moment, "state": "completed"})
        for position, by in ((8, "cara"), (51, "dora"), (100, "cara"))
    ]
    assert set(completions(process_engine).values()) == {1}


def test_messages_to_many_are_brought_or_kept(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    start_many(process_engine, ["c1", "c2", "c3"])
    tasks = tasks_by_key(process_engine)
    run_due_with = complete_many(process_engine, [tasks["c1"], tasks["c3"]])
    run_bulk(process_engine, run_due_with)
    with process_engine.begin() as work:
        send_message(work, "told", "c3", unique_key="told:c3")
    run_due(process_engine)
    with process_engine.begin() as work:
        items = [{"business_key": key, "unique_key": f"told:{key}"} for key in ("c1", "c2", "c3")]
        job = start_bulk(work, "correlate", items, shared={"name": "told"})
    run_due(process_engine)
    with process_engine.read() as work:
        states = [(each.result or {})["state"] for each in list_results(work, job)]
        ended = work.connection.execute(sa.select(instance.c.business_key).where(instance.c.state == "ended")).scalars().all()
    assert states == ["delivered", "unmatched", "delivered"]
    assert sorted(ended) == ["c1", "c3"]
    run_bulk(process_engine, complete_many(process_engine, [tasks["c2"]]))  # now it waits, and takes what was kept
    run_due(process_engine)
    with process_engine.read() as work:
        assert set(work.connection.execute(sa.select(instance.c.state)).scalars()) == {"ended"}
        assert set(work.connection.execute(sa.select(message.c.state)).scalars()) == {"delivered"}
    assert find_faults(process_engine) == []


def test_a_message_whose_receiver_fails_goes_the_way_of_a_single_one(sqlite_engine: ProcessEngine) -> None:
    prepare(sqlite_engine)
    items = [{"business_key": "c1"}, {"business_key": "c2"}]
    with sqlite_engine.begin() as work:
        start = BulkOperation(lambda work, item, shared: {"at": work.now.isoformat()})
        sqlite_engine.bulk["note"] = start
        assert start_bulk(work, "note", items) != start_bulk(work, "note", items)
    start_many(sqlite_engine, ["c1", "c2"])
    run_bulk(sqlite_engine, complete_many(sqlite_engine, list(tasks_by_key(sqlite_engine).values())))
    with sqlite_engine.begin() as work:
        work.connection.execute(instance.update().where(instance.c.business_key == "c2").values(document={"format_version": 99}))
        job = start_bulk(work, "correlate", items, shared={"name": "told"})
    run_bulk(sqlite_engine, job)
    with sqlite_engine.read() as work:
        assert [(each.state, (each.result or {})["state"]) for each in list_results(work, job)] == [
            ("done", "delivered"),
            ("done", "waiting"),
        ]
        assert work.connection.execute(sa.select(message.c.business_key, message.c.state).order_by(message.c.id)).all() == [
            ("c1", "delivered"),
            ("c2", "waiting"),
        ]


def test_instances_are_suspended_resumed_changed_and_cancelled(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    start_many(process_engine, ["c1", "c2"])
    with process_engine.read() as work:
        ids = work.connection.execute(sa.select(instance.c.id).order_by(instance.c.business_key)).scalars().all()

    def on_all(operation: str, **shared: object) -> list[str | None]:
        with process_engine.begin(by="anna") as work:
            job = start_bulk(work, operation, ({"instance": each} for each in ids), shared=shared)
        run_bulk(process_engine, job)
        with process_engine.read() as work:
            return [None if each.problem is None else each.problem.code for each in list_results(work, job)]

    def states() -> set[str]:
        with process_engine.read() as work:
            return set(work.connection.execute(sa.select(instance.c.state)).scalars())

    assert (on_all("suspend", reason="核查"), states()) == ([None, None], {"suspended"})
    assert on_all("set_variables", variables={"x": 1}) == ["InstanceNotRunning"] * 2
    assert (on_all("resume"), states()) == ([None, None], {"running"})
    assert on_all("set_variables", variables={"x": 1}) == [None, None]
    assert (on_all("cancel", reason="撤销"), states()) == ([None, None], {"cancelled"})
    assert on_all("cancel", reason="撤销") == ["InstanceNotRunning"] * 2
    assert find_faults(process_engine) == []


def test_two_workers_on_one_job_take_different_chunks_and_tell_its_end_once(process_engine: ProcessEngine) -> None:
    prepare(process_engine)
    tell_end(process_engine)
    names = [f"c{number:03}" for number in range(200)]
    start_many(process_engine, names)
    job = complete_many(process_engine, list(tasks_by_key(process_engine).values()))
    others = [Thread(target=run_bulk, args=(process_engine, job)) for _ in range(3)]
    for each in others:
        each.start()
    for each in others:
        each.join()
    assert progress(process_engine, job) == (200, 200, 0, 0, "done")
    assert completions(process_engine) == Counter(names)
    assert effects(process_engine) == Counter([*(f"second/{name}" for name in names), f"end/{job}"])
    assert find_faults(process_engine) == []


def test_a_job_is_written_with_the_transaction_and_once_for_its_key(sqlite_engine: ProcessEngine) -> None:
    prepare(sqlite_engine)
    with pytest.raises(LookupError), sqlite_engine.begin() as work:
        start_bulk(work, "start", [{"business_key": "gone"}], shared={"process": "steps"})
        raise LookupError
    with sqlite_engine.read() as work:
        assert (list_bulk(work, sa.true()), next_due(work)) == ([], None)
    with sqlite_engine.begin() as work:
        with pytest.raises(BulkOperationUnknown):
            start_bulk(work, "fly", [{}])
        with pytest.raises(BulkUnknown):
            read_bulk(work, "0" * 32)
        first = start_bulk(work, "start", [{"business_key": "c"}], shared={"process": "steps"}, subject="s", unique_key="once")
        assert start_bulk(work, "start", [{"business_key": "c"}], shared={"process": "steps"}, unique_key="once") == first
        empty = start_bulk(work, "start", [])
        assert next_due(work) == work.now
    assert run_due(sqlite_engine) == 1
    assert progress(sqlite_engine, empty) == (0, 0, 0, 0, "done")
    with sqlite_engine.read() as work:
        assert [each.id for each in list_bulk(work, bulk_job.c.subject == "s")] == [first]
        assert next_due(work) is None


def test_a_cancelled_job_does_no_more(sqlite_engine: ProcessEngine) -> None:
    prepare(sqlite_engine)
    names = [f"c{number:03}" for number in range(60)]
    with sqlite_engine.begin() as work:
        job = start_bulk(work, "start", ({"business_key": name} for name in names), shared={"process": "steps"})
    sqlite_engine.bulk["cancel_it"] = BulkOperation(lambda work, item, shared: {"left": cancel_bulk(work, job)})
    with sqlite_engine.begin() as work:
        stop = start_bulk(work, "cancel_it", [{}])
    run_bulk(sqlite_engine, stop)
    run_due(sqlite_engine)
    assert progress(sqlite_engine, job) == (60, 0, 0, 0, "cancelled")
    with sqlite_engine.read() as work:
        assert list_results(work, stop)[0].result == {"left": 60}
    assert tasks_by_key(sqlite_engine) == {}


def test_a_chunk_that_fails_as_a_whole_is_tried_again_and_then_reported(sqlite_engine: ProcessEngine) -> None:
    prepare(sqlite_engine)

    def break_down(work: Work, item: object, shared: object) -> None:
        raise sa.exc.TimeoutError("the pool is empty")

    ended: list[str] = []
    sqlite_engine.bulk["broken"] = BulkOperation(break_down, chunk=1)
    with sqlite_engine.begin() as work:
        job = start_bulk(work, "broken", [{}, {}])
    for _ in range(8):
        run_due(sqlite_engine)
        sqlite_engine.clock.move_to(sqlite_engine.clock.now() + timedelta(hours=1))  # type: ignore[attr-defined]
    assert progress(sqlite_engine, job) == (2, 0, 0, 2, "stuck")
    sqlite_engine.bulk["broken"] = BulkOperation(lambda work, item, shared: None, finish=lambda work, job: ended.append(job))
    with sqlite_engine.begin() as work:
        found = list_incidents(work)
        assert [each.kind for each in found] == ["bulk", "bulk"]
        retry_incident(work, found[0].id)
    run_due(sqlite_engine)
    assert (progress(sqlite_engine, job), ended) == ((2, 1, 0, 1, "stuck"), [])
    with sqlite_engine.begin() as work:
        retry_incident(work, found[1].id)
    run_due(sqlite_engine)
    assert (progress(sqlite_engine, job), ended) == ((2, 2, 0, 0, "done"), [job])


def test_nothing_else_that_is_due_waits_for_a_whole_job(sqlite_engine: ProcessEngine) -> None:
    """Each chunk here sends a message; it is delivered before the next chunk is done."""
    order: list[str] = []

    def tell(work: Work, item: dict[str, str], shared: object) -> None:
        order.append(item["name"])
        send_message(work, "told", item["name"])

    prepare(sqlite_engine)
    start_many(sqlite_engine, ["a", "b"])
    run_bulk(sqlite_engine, complete_many(sqlite_engine, list(tasks_by_key(sqlite_engine).values())))
    sqlite_engine.bulk["tell"] = BulkOperation(tell, chunk=1)  # type: ignore[arg-type]
    with sqlite_engine.begin() as work:
        start_bulk(work, "tell", [{"name": "a"}, {"name": "b"}])
    run_due(sqlite_engine)
    with sqlite_engine.read() as work:
        ended = work.connection.execute(sa.select(history.c.seq).where(history.c.kind == "ended")).all()
        done = work.connection.execute(sa.select(message.c.done_at)).scalars().all()
    assert (order, len(ended), None in done) == (["a", "b"], 2, False)


class Late(Problem):
    """A test's refusal, with another refusal and findings in it."""


def test_a_refusal_is_kept_whole_and_may_leave_something_behind(sqlite_engine: ProcessEngine) -> None:
    def refuse(work: Work, item: object, shared: object) -> None:
        send_message(work, "lost", "x")
        raise Late(findings=[Finding("F", path="rows.1", values={"n": 1})], reason=Finding("R", values={"a": {1}}))

    def keep(work: Work, item: object, problem: Problem, shared: object) -> None:
        send_message(work, "kept", "x")

    sqlite_engine.bulk["late"] = BulkOperation(refuse, refuse=keep)
    with sqlite_engine.begin() as work:
        job = start_bulk(work, "late", [{}])
    run_bulk(sqlite_engine, job)
    with sqlite_engine.read() as work:
        (result,) = list_results(work, job)
        assert work.connection.execute(sa.select(message.c.name)).scalars().all() == ["kept"]
    assert result.problem == Finding("Late", values={"reason": Finding("R", values={"a": [1]})})
    assert result.findings == (Finding("F", path="rows.1", values={"n": 1}),)


def test_in_time_is_what_was_asked_for_in_time(sqlite_engine: ProcessEngine) -> None:
    asked_at = sqlite_engine.clock.now()
    sqlite_engine.bulk["decide"] = BulkOperation(
        lambda work, item, shared: {"decided": work.decide().isoformat(), "now": work.now.isoformat()}
    )
    with sqlite_engine.begin() as work:
        job = start_bulk(work, "decide", [{}])
    sqlite_engine.clock.move_to(asked_at + timedelta(hours=2))  # type: ignore[attr-defined]
    run_due(sqlite_engine)
    with sqlite_engine.read() as work:
        later = (asked_at + timedelta(hours=2)).isoformat()
        assert list_results(work, job)[0].result == {"decided": asked_at.isoformat(), "now": later}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(st.sampled_from(["good", "bad", "gone", "twice"]), min_size=1, max_size=9),
    chunk=st.integers(1, 4),
    page=st.integers(1, 4),
)
def test_any_mixture_gives_what_single_operations_give(
    sqlite_engine: ProcessEngine, plan: list[str], chunk: int, page: int
) -> None:
    """Each item is done or refused as it would be alone, in any chunks, read in any pages."""

    def do(work: Work, item: dict[str, int], shared: object) -> dict[str, int]:
        number = item["number"]
        kind = plan[number]
        message_id = send_message(work, "m", f"{number}", unique_key=f"{id(plan)}-{number}")
        if kind == "gone":
            raise Late(number=number)
        if kind == "bad":
            raise LookupError(message_id)
        return {"number": number}

    sqlite_engine.bulk["mixed"] = BulkOperation(do, chunk=chunk)  # type: ignore[arg-type]
    items = [{"number": number} for number, kind in enumerate(plan) for _ in range(2 if kind == "twice" else 1)]
    with sqlite_engine.begin() as work:
        work.connection.execute(message.delete())
        job = start_bulk(work, "mixed", items)
    run_bulk(sqlite_engine, job)
    results, after = [], 0
    with sqlite_engine.read() as work:
        while part := list_results(work, job, after=after, limit=page):
            results += part
            after = part[-1].position
        sent = sorted(int(key) for key in work.connection.execute(sa.select(message.c.business_key)).scalars())
    assert [each.position for each in results] == list(range(1, len(items) + 1))
    codes = {"good": None, "twice": None, "gone": "Late", "bad": "ItemFailed"}
    assert [each.problem.code if each.problem else None for each in results] == [codes[plan[i["number"]]] for i in items]
    assert sent == [number for number, kind in enumerate(plan) if codes[kind] is None]
