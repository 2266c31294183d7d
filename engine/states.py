"""The stored state of instances: the document, and the definition together with those that it has called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.calls import CallFailed, find_called
from engine.definitions import LoadedDefinition, find_version, get_definition
from engine.errors import Finding, InstanceUnknown, StepFailed
from engine.kernel import Document
from engine.model import Node, link, name_version, place_of, starting_nodes
from engine.model.report import LONGEST_ID
from engine.tables import instance
from engine.work import Work, foresee, recalled

FORMAT_VERSION = 1
"""Of the stored document; `read_document` upgrades older ones."""
AT_ONCE = 500
"""Documents that one statement reads."""


def called_in(stored: Mapping[str, Any]) -> Sequence[str]:
    """The versions (`engine.model.name_version`) that an instance has called, out of its stored document.

    It runs on with them for as long as it lives, whatever is deployed meanwhile.
    """
    called: Sequence[str] = stored.get("called", ())
    return called


def link_called(work: Work, own: LoadedDefinition, called: Sequence[str]) -> LoadedDefinition:
    """The definition of an instance with the elements of the versions that it has called.

    Raises DefinitionUnknown.
    """
    if not called:
        return own
    parts = []
    for alias in called:
        key, _, version = alias.rpartition("@")
        parts.append((alias, find_version(work, key, int(version)).model))
    return replace(own, model=link(own.model, tuple(parts)))


def choose_called(
    work: Work, own: LoadedDefinition, called: Sequence[str], node: Node, variables: Mapping[str, Any]
) -> tuple[Sequence[str], str]:
    """What the call activity `node` calls now: the versions called so far with this one, and the process id among them.

    Raises CallFailed.
    """
    place = place_of(node.id)
    caller = own if place.key is None else find_version(work, place.key, place.version)
    found = get_definition(work, find_called(work, node, variables, deployment_id=caller.deployment_id))
    if not starting_nodes(found.model, found.model.processes[found.key].node):
        raise CallFailed(element=node.id, reason=Finding("call_cannot_start", values={"called": found.key}))
    alias = name_version(found.key, found.version)
    if alias not in called:
        if len(alias) + 1 + max(map(len, found.model.nodes)) > LONGEST_ID:
            values = {"called": found.key, "limit": LONGEST_ID}
            raise CallFailed(element=node.id, reason=Finding("call_id_too_long", values=values))
        called = [*called, alias]
    return called, f"{alias}/{found.key}"


def read_document(stored: Mapping[str, Any]) -> Document:
    """The kernel's document out of the stored one.

    Raises ValueError for a format that this version does not know (a newer one wrote it).
    """
    if stored["format_version"] != FORMAT_VERSION:
        raise ValueError(f"instance document of format {stored['format_version']}, known up to {FORMAT_VERSION}")
    document: Document = stored["state"]
    return document


_STATE = sa.select(instance.c.definition_id, instance.c.document).where(instance.c.id == sa.bindparam("instance"))
_CALLED = sa.select(instance.c.definition_id, instance.c.document["called"]).where(instance.c.id == sa.bindparam("instance"))


@recalled
def read_state(work: Work, instance_id: str) -> tuple[LoadedDefinition, Document]:
    """The definition of an instance, and the kernel's document as it is stored: to look at, not to change.

    Raises InstanceUnknown.
    """
    row = work.connection.execute(_STATE, {"instance": instance_id}).one_or_none()
    if row is None:
        raise InstanceUnknown()
    return link_called(work, get_definition(work, row.definition_id), called_in(row.document)), read_document(row.document)


def read_states(work: Work, instance_ids: Sequence[str]) -> Iterator[tuple[str, LoadedDefinition, Document]]:
    """The same of many instances with their ids, in few statements; instances that are not there are left out."""
    query = sa.select(instance.c.id, instance.c.definition_id, instance.c.document)
    for begin in range(0, len(instance_ids), AT_ONCE):
        wanted = query.where(instance.c.id.in_(instance_ids[begin : begin + AT_ONCE])).order_by(instance.c.id)
        for row in work.connection.execute(wanted).all():
            own = get_definition(work, row.definition_id)
            yield row.id, link_called(work, own, called_in(row.document)), read_document(row.document)


def foresee_states(work: Work, instance_ids: Sequence[str]) -> None:
    """Read the states of many instances, to each of which `read_state` and `definition_of` are going to be asked."""
    foresee(work, read_state, [(each, (definition, document)) for each, definition, document in read_states(work, instance_ids)])


@recalled
def definition_of(work: Work, instance_id: str) -> LoadedDefinition:
    """The definition that an instance runs by, with the elements of all that it has called.

    Raises InstanceUnknown.
    """
    if not work.writing:
        return read_state(work, instance_id)[0]
    row = work.connection.execute(_CALLED, {"instance": instance_id}).one_or_none()
    if row is None:
        raise InstanceUnknown()
    return link_called(work, get_definition(work, row[0]), row[1] or ())


def script_of(work: Work, instance_id: str, token: str, element_id: str) -> tuple[str, dict[str, Any]]:
    """The text of a waiting script task, and the variables it sees.

    Raises InstanceUnknown, and StepFailed when it does not wait any more.
    """
    definition, state = read_state(work, instance_id)
    node = definition.model.nodes[element_id]
    if node.script is None or (token, element_id) not in definition.kernel.positions(definition.model, definition.key, state):
        raise StepFailed(element=element_id, reason="the script task does not wait any more")
    return node.script, definition.kernel.variables(definition.model, definition.key, state, token)
