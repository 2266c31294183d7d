"""Whom a message is for, by data: the values of correlation keys, stored with each subscription and found by their digest.

A subscription of an instance carries one digest for each key that applies to it and has all its values. They are compared with
the digests that the message gives: of the values that its sender stated, or of those that definitions read out of its variables.
No instance is looked at. The name of a digest is locked by whoever begins to wait and by whoever delivers, so that neither misses
the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from engine.database import lock_name
from engine.definitions import LoadedDefinition, find_version, get_definition
from engine.errors import StepFailed
from engine.expressions import Expression, ExpressionFailed, VariableMissing
from engine.kernel import Deliver, Operation, Start
from engine.model import Correlation, Definition, Node, place_of
from engine.tables import correlated_message, message, message_key, subscription, subscription_key
from engine.work import Work

Known = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What the first message told: values of properties by process and key."""
See = Callable[[str], Mapping[str, Any]]


def digest_of(values: Mapping[str, Any]) -> str | None:
    """What is compared of the values of a key; None when one is missing: such a key does not count (BPMN 2.0.2, 8.4.2)."""
    if not values or any(value is None for value in values.values()):
        return None
    plain = {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in values.items()}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


# ---- the message -----------------------------------------------------------------------------------------------------
def is_read() -> sa.Label[bool]:
    """Whether any definition reads values out of a message: a column of the row, as most messages are not."""
    return correlated_message.select().where(correlated_message.c.name == message.c.name).exists().label("is_read")


def read_keys(work: Work, row: sa.Row[Any]) -> list[tuple[str | None, str]]:
    """(definition, digest) that a message is known by. Without definition: its sender has stated the values."""
    if row.kind != "message":
        return []
    if row.correlation is not None:
        stated = digest_of(row.correlation)
        return [] if stated is None else [(None, stated)]
    query = sa.select(correlated_message.c.definition_id).where(correlated_message.c.name == row.name)
    found: dict[tuple[str | None, str], None] = {}
    for definition_id in work.connection.execute(query.order_by(correlated_message.c.definition_id)).scalars().all():
        loaded = get_definition(work, definition_id)
        for each in (key for process in loaded.model.processes.values() for key in process.correlations):
            digest = digest_of(_read_message(each.paths.get(row.name, {}), row.variables))
            if digest is not None:
                found[definition_id, digest] = None
    return list(found)


def lock_keys(work: Work, digests: Iterable[str]) -> None:
    """Hold these digests until the transaction ends."""
    for digest in sorted(set(digests)):
        lock_name(work.connection, f"correlate:{digest}")


def matches(keys: Iterable[tuple[str | None, str]]) -> sa.ColumnElement[bool]:
    """Which rows of `subscription_key` have one of the keys."""
    stated = {digest for definition_id, digest in keys if definition_id is None}
    read: dict[str, list[str]] = {}
    for definition_id, digest in keys:
        if definition_id is not None:
            read.setdefault(digest, []).append(definition_id)
    table = subscription_key.c
    parts = [sa.and_(table.digest == digest, table.definition_id.in_(ids)) for digest, ids in read.items()]
    return sa.or_(table.digest.in_(stated), *parts)


def keep_keys(work: Work, row: sa.Row[Any], keys: Iterable[tuple[str | None, str]]) -> None:
    """Let an instance that begins to wait find a message that nobody waits for yet."""
    digests = sorted({digest for _, digest in keys})
    work.connection.execute(message_key.delete().where(message_key.c.message_id == row.id))
    if digests:
        work.connection.execute(message_key.insert(), [{"message_id": row.id, "digest": digest} for digest in digests])


# ---- the instance ----------------------------------------------------------------------------------------------------
def learn(model: Definition, known: Known, operation: Operation) -> Known:
    """What an instance knows after an operation: the first message that it receives gives keys their values."""
    if isinstance(operation, Deliver) and operation.kind == "message" and operation.element_id is not None:
        return learn_from(model, known, operation.element_id, operation.name, operation.variables)
    if isinstance(operation, Start) and operation.element_id is not None:
        for event in model.nodes[operation.element_id].events:
            if event.kind == "message" and event.name is not None:
                known = learn_from(model, known, operation.element_id, event.name, operation.variables)
    return known


def learn_from(model: Definition, known: Known, element_id: str, name: str, variables: Mapping[str, Any]) -> Known:
    """The same for one message that an element has received or sent."""
    node = model.nodes[element_id]
    for each in _applying(model, node, name):
        values = {} if each.bindings is not None else _read_message(each.paths.get(name, {}), variables)
        if digest_of(values) is not None and each.key not in known.get(node.process, {}):
            known = {**known, node.process: {**known.get(node.process, {}), each.key: values}}
    return known


def refresh(work: Work, own: LoadedDefinition, model: Definition, instance_id: str, known: Known, see: See) -> list[str]:
    """Bring the keys of an instance's subscriptions up to its data; the digests that are new.

    `own` is its definition, `model` that with all that it has called, `see` gives what a token sees.
    Raises StepFailed.
    """
    query = sa.select(subscription).where(subscription.c.instance_id == instance_id, subscription.c.kind == "message")
    rows = work.connection.execute(query.order_by(subscription.c.id)).all()
    wanted = {
        (row.id, definition_id, digest) for row in rows for definition_id, digest in _keys_of(work, own, model, row, known, see)
    }
    stored = sa.select(subscription_key).join(subscription).where(subscription.c.instance_id == instance_id)
    there = {(row.subscription_id, row.definition_id, row.digest) for row in work.connection.execute(stored).all()}
    new = sorted(wanted - there)
    lock_keys(work, (digest for _, _, digest in new))
    for subscription_id, definition_id, digest in sorted(there - wanted):
        work.connection.execute(
            subscription_key.delete().where(
                subscription_key.c.subscription_id == subscription_id,
                subscription_key.c.definition_id == definition_id,
                subscription_key.c.digest == digest,
            )
        )
    if new:
        names = ("subscription_id", "definition_id", "digest")
        work.connection.execute(subscription_key.insert(), [dict(zip(names, each, strict=True)) for each in new])
    return [digest for _, _, digest in new]


def waits_for(digests: Iterable[str]) -> sa.ColumnElement[bool]:
    """Which kept messages have one of the digests."""
    return message.c.id.in_(sa.select(message_key.c.message_id).where(message_key.c.digest.in_(sorted(set(digests)))))


def _keys_of(
    work: Work, own: LoadedDefinition, model: Definition, row: sa.Row[Any], known: Known, see: See
) -> Iterator[tuple[str, str]]:
    node = model.nodes[row.element_id]
    for each in _applying(model, node, row.name):
        values = known.get(node.process, {}).get(each.key, {})
        if each.bindings is not None:
            values = _read_instance(each.bindings, see(row.token), node.id)
        digest = digest_of(values)
        if digest is not None:
            key, version, _ = place_of(node.id)
            yield own.id if key is None else find_version(work, key, version).id, digest


def _applying(model: Definition, node: Node, name: str) -> Iterator[Correlation]:
    """The keys that say whom a message at this element is for."""
    process = model.processes.get(node.process)
    element = place_of(node.id).element_id
    for each in () if process is None else process.correlations:
        if (each.elements is None or element in each.elements) and (name in each.paths or each.stated):
            yield each


def _read_message(paths: Mapping[str, Expression], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of properties in a message; empty when one is not there: then the message does not concern this key."""
    try:
        return {name: path.evaluate(variables) for name, path in paths.items()}
    except ExpressionFailed:
        return {}


def _read_instance(bindings: Mapping[str, Expression], variables: Mapping[str, Any], element: str) -> dict[str, Any]:
    """The values of properties in an instance; empty when a variable is not there yet.

    Raises StepFailed for one that cannot be read otherwise.
    """
    try:
        return {name: path.evaluate(variables) for name, path in bindings.items()}
    except VariableMissing:
        return {}
    except ExpressionFailed as problem:
        raise StepFailed(element=element, reason=problem.values["reason"]) from problem
