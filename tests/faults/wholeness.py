"""What must hold in a database after any crash: nothing half-written, nothing stuck, nothing twice.

Reads the rows and each instance's document, and works out by the diagram alone what the instance must be waiting for.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import get_definition
from engine.due import next_due, run_due
from engine.model import EventDefinition, Node
from engine.states import called_in, link_called, read_document
from engine.tables import (
    candidate_set,
    history,
    incident,
    instance,
    message,
    message_key,
    subscription,
    subscription_key,
    timer,
    user_task,
)
from engine.verification import verify_chain
from engine.work import ProcessEngine, Work
from workflows.files.store import verify_file
from workflows.tables import application_version, attachment, case, receipt

Wanted = tuple[str | None, str, str | None]
"""(token, element, name) of something that is waited for; the token is None where the loop's own body carries it."""

VERSIONED = ("application", "correction", "supplement")
"""Kinds of receipts that stand for a version of an application."""
PATIENT = ("userTask", "manualTask")
LISTENING = ("intermediateCatchEvent", "receiveTask")


def find_faults(process_engine: ProcessEngine) -> list[str]:
    """All that is wrong in a database, in words; nothing when it is whole."""
    with process_engine.read() as work:
        checks = (check_storage, check_instances, check_messages, check_effects, check_receipts, check_files)
        return [fault for check in checks for fault in check(work)]


def check_storage(work: Work) -> Iterator[str]:
    """SQLite's own checks; PostgreSQL refuses broken references by itself."""
    if work.connection.dialect.name == "sqlite":
        for pragma, fine in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            found = [tuple(row) for row in work.connection.exec_driver_sql(f"PRAGMA {pragma}")]
            if found != fine:
                yield f"{pragma}: {found[:5]}"


# ---- instances and their mirror --------------------------------------------------------------------------------------
def check_instances(work: Work) -> Iterator[str]:
    """Chains are whole; a running instance waits for what its document says, and for something; an ended one for nothing."""
    mirrored = read_mirror(work)
    for row in work.connection.execute(sa.select(instance).order_by(instance.c.id)).all():
        name = f"instance {row.business_key}"
        if (broken := verify_chain(work, row.id)) is not None:
            yield f"{name}: chain broken at {broken.seq} ({broken.reason})"
        rows = mirrored.pop(row.id, {})
        if row.state not in ("running", "suspended"):
            if any(rows.values()):
                yield f"{name} is {row.state} and waits for {rows}"
            continue
        if not any(rows.values()):
            yield f"{name} is stuck: it waits for nothing"
        definition = link_called(work, get_definition(work, row.definition_id), called_in(row.document))
        positions = definition.kernel.positions(definition.model, definition.key, read_document(row.document))
        for kind, wanted in list_wanted(definition.model.nodes, positions).items():
            if fault := compare(wanted, rows.get(kind, [])):
                yield f"{name}: {kind}: {fault}"
    if mirrored:
        yield f"rows without an instance: {mirrored}"
    lonely = sa.select(user_task.c.id, user_task.c.element_id).where(
        user_task.c.state == "open",
        user_task.c.assignee.is_(None),
        ~sa.select(candidate_set.c.id).where(candidate_set.c.id == user_task.c.candidate_set).exists(),
    )
    for task in work.connection.execute(lonely).all():
        yield f"nobody can do the task {task.id} at {task.element_id}"


def read_mirror(work: Work) -> dict[str, dict[str, list[tuple[str, str, str | None]]]]:
    """By instance and kind (`task`, `timer`, `event`): (token, element, name) of the rows that are waited for."""
    found: dict[str, dict[str, list[tuple[str, str, str | None]]]] = defaultdict(lambda: defaultdict(list))
    nothing = sa.literal(None, sa.String)
    for kind, table, name, which in (
        ("task", user_task, nothing, user_task.c.state == "open"),
        ("timer", timer, nothing, sa.and_(timer.c.state.in_(("armed", "dead")), timer.c.instance_id.is_not(None))),
        ("event", subscription, subscription.c.name, sa.true()),
    ):
        query = sa.select(table.c.instance_id, table.c.token, table.c.element_id, name.label("name")).where(which)
        for row in work.connection.execute(query).all():
            found[row.instance_id][kind].append((row.token, row.element_id, row.name))
    return found


def list_wanted(nodes: Any, positions: list[tuple[str, str]]) -> dict[str, list[Wanted]]:
    """What the diagram says must be waited for at these positions.

    Raises AssertionError where a position can never be at rest between two steps.
    """
    found: dict[str, list[Wanted]] = {"task": [], "timer": [], "event": []}

    def hear(token: str | None, node: Node, event: EventDefinition) -> None:
        if event.kind == "timer":
            found["timer"].append((token, node.id, None))
        elif event.kind in ("message", "signal"):
            found["event"].append((token, node.id, event.name))

    looped: set[str] = set()
    for token, element_id in positions:
        node = nodes[element_id]
        if node.kind in PATIENT:
            found["task"].append((token, element_id, None))
        elif node.kind == "scriptTask":
            found["timer"].append((token, element_id, None))
        elif node.kind == "eventBasedGateway":
            for flow in node.outgoing:
                for event in nodes[flow.target].events:
                    hear(token, nodes[flow.target], event)
        elif node.kind in LISTENING:
            for event in node.events:
                hear(token, node, event)
        else:
            assert node.is_scope or node.kind in ("parallelGateway", "callActivity"), (
                f"a token rests at {element_id}, a {node.kind}"
            )
        if node.loop is not None and element_id in looped:
            continue  # the boundary stands once, whatever number of instances there are
        looped.add(element_id)
        for boundary in node.boundaries:
            for event in nodes[boundary].events:
                hear(None if node.loop is not None else token, nodes[boundary], event)
    return found


def compare(wanted: list[Wanted], rows: list[tuple[str, str, str | None]]) -> str | None:
    """How the rows differ from what is wanted; None when they do not."""
    blurred = {(element, name) for token, element, name in wanted if token is None}
    seen = [(None if (element, name) in blurred else token, element, name) for token, element, name in rows]
    missing, surplus = Counter(wanted) - Counter(seen), Counter(seen) - Counter(wanted)
    return f"missing {sorted(map(str, missing))}, too many {sorted(map(str, surplus))}" if missing or surplus else None


def check_messages(work: Work) -> Iterator[str]:
    """No message lies by while somebody waits for it, by its business key or by values that both have."""
    known = sa.select(subscription_key.c.subscription_id).where(subscription_key.c.subscription_id == subscription.c.id)
    same = sa.and_(subscription.c.kind == message.c.kind, subscription.c.name == message.c.name)
    by_key = sa.and_(same, subscription.c.business_key == message.c.business_key, ~known.exists())
    by_key = sa.and_(by_key, message.c.correlation.is_(None))
    query = sa.select(message.c.name, message.c.business_key).where(message.c.state == "unmatched")
    by_data = query.join(message_key).join(subscription_key, subscription_key.c.digest == message_key.c.digest)
    for found in (query.join(subscription, by_key), by_data.join(subscription, same)):
        for row in work.connection.execute(found).all():
            yield f"message {row.name} to {row.business_key} is kept although somebody waits for it"


def check_effects(work: Work) -> Iterator[str]:
    """Each timer fired and each message delivered left exactly one row in the history; each task was completed at most once."""
    fired = work.connection.execute(
        sa.select(timer.c.instance_id, timer.c.element_id).where(timer.c.state == "fired", timer.c.kind == "event")
    )
    yield from _differ("fired", Counter(map(tuple, fired)), _entries(work, "fired"))
    delivered = work.connection.execute(sa.select(message.c.name).where(message.c.state == "delivered"))
    received: Counter[tuple[Any, ...]] = Counter()
    for detail in work.connection.execute(
        sa.select(history.c.detail).where(history.c.kind.in_(("received", "started")))
    ).scalars():
        if (name := detail.get("message") or detail.get("signal")) is not None:
            received[(name,)] += 1
    yield from _differ("received", Counter(map(tuple, delivered)), received)
    tasks = Counter(
        row.detail["task"]
        for row in work.connection.execute(sa.select(history.c.detail).where(history.c.kind.in_(("completed", "returned"))))
    )
    for task_id, count in tasks.items():
        if count != 1:
            yield f"task {task_id} was done {count} times"


def _entries(work: Work, kind: str) -> Counter[tuple[Any, ...]]:
    query = sa.select(history.c.instance_id, history.c.element_id).where(history.c.kind == kind)
    return Counter(map(tuple, work.connection.execute(query)))


def _differ(what: str, rows: Counter[tuple[Any, ...]], entries: Counter[tuple[Any, ...]]) -> Iterator[str]:
    for key in sorted(rows.keys() | entries.keys()):
        if rows[key] != entries[key]:
            yield f"{what} {key}: {rows[key]} rows, {entries[key]} entries in the history"


# ---- what people handed in -------------------------------------------------------------------------------------------
def check_receipts(work: Work) -> Iterator[str]:
    """Every accepted receipt has its version and the other way round; versions count from one; their hashes are right."""
    receipts = Counter(
        (row.case_id, row.sha256, row.received_at)
        for row in work.connection.execute(sa.select(receipt).where(receipt.c.accepted, receipt.c.kind.in_(VERSIONED)))
    )
    versions: Counter[tuple[Any, ...]] = Counter()
    numbers: dict[str, list[int]] = defaultdict(list)
    query = sa.select(application_version).order_by(application_version.c.case_id, application_version.c.version)
    for row in work.connection.execute(query):
        versions[row.case_id, row.sha256, row.received_at] += 1
        numbers[row.case_id].append(row.version)
        canonical = json.dumps(row.data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        if hashlib.sha256(canonical).hexdigest() != row.sha256:
            yield f"version {row.version} of case {row.case_id} is not what its hash says"
    if receipts != versions:
        yield f"receipts without version {receipts - versions}, versions without receipt {versions - receipts}"
    for case_id, found in numbers.items():
        if found != list(range(1, len(found) + 1)):
            yield f"case {case_id} has the versions {found}"
    sent = sa.select(case.c.number).where(case.c.state != "draft", case.c.state != "lapsed", case.c.id.not_in(list(numbers)))
    for number in work.connection.execute(sent).scalars():
        yield f"case {number} has left its draft without a version"
    orphans = sa.select(case.c.number).where(case.c.instance_id.is_(None))
    for number in work.connection.execute(orphans).scalars():
        yield f"case {number} has no instance"


def check_files(work: Work) -> Iterator[str]:
    """The bytes of every attachment are there and unchanged."""
    for sha256 in work.connection.execute(sa.select(attachment.c.sha256).distinct()).scalars():
        try:
            verify_file(work.engine, sha256)
        except Exception as fault:
            yield f"attached file {sha256}: {fault!r}"


# ---- afterwards ------------------------------------------------------------------------------------------------------
def let_time_pass(process_engine: ProcessEngine, clock: VirtualClock, *, jump: bool) -> list[str]:
    """Let everything come due that will, in one jump of ten years or moment by moment; what is wrong then.

    No row may be left to be tried, and nothing may have given up.
    """
    if jump:
        clock.move_to(clock.now().replace(year=clock.now().year + 10))
        run_due(process_engine)
    for _ in range(10_000):
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        clock.move_to(max(due, clock.now()))
        run_due(process_engine)
    else:
        return ["rows come due without end"]
    faults = find_faults(process_engine)
    with process_engine.read() as work:
        for row in work.connection.execute(sa.select(incident)).all():
            faults.append(f"incident {row.code}: {row.detail}")
        left = sa.select(timer.c.unique_key, timer.c.state).where(timer.c.state.not_in(("fired", "cancelled")))
        faults += [f"timer {row.unique_key} is {row.state}" for row in work.connection.execute(left).all()]
    return faults
