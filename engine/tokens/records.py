"""The state of an instance: a few small records in one JSON document.

    {"n": last number, "t": {number: record}}

A record is an open scope, an open activity, a waiting event or a token that waits at a join; all else follows from the
diagram. Its fields, each only where needed:

    at     element id                       in    number of the container it lives in (the process itself has none)
    vars   local variables                  by    flow it came by: it waits at a join for others
    due    {event id: timer}                mi    the rounds of a loop or multi-instance; its instances are inside
    done   completed activities that could be compensated, in a scope
    comp   completed activities that are being compensated; `then` is what follows
    called the call activity has begun the process of another definition    closed  a called process sees its own variables alone
    int    interrupted by an event sub-process
    true   conditional events whose condition holds already (`id index` for a further definition of an event)
    seen   {event id: indexes} of a parallel multiple event that have happened
    reset  flows a complex gateway still expects            adhoc activities a sequential ad-hoc sub-process still has to do
    past   steps that people have completed in a scope, latest last (of the process always, unless an earlier version began it)
    full   the completion condition of an ad-hoc sub-process holds

Records are copied before they change, and what is in them is replaced, never changed in place: the document that a step was
given stays as it was, whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.kernel import Document

Record = dict[str, Any]
ROOT = "1"
"""The record of the process itself: always the first one."""


class Records:
    """The records during one step. `before` holds those that the step has changed, as they were (None: new)."""

    def __init__(self, document: Document | None) -> None:
        self.last: int = document["n"] if document else 0
        self.table: dict[str, Record] = dict(document["t"]) if document else {}
        self.before: dict[str, Record | None] = {}
        self.inside: dict[str, dict[str, None]] = {}  # numbers by container; a dict keeps their order
        for number, record in self.table.items():
            if "in" in record:
                self.inside.setdefault(record["in"], {})[number] = None

    def __contains__(self, number: str) -> bool:
        return number in self.table

    def __getitem__(self, number: str) -> Record:
        return self.table[number]

    def add(self, element_id: str, container: str | None, **fields: Any) -> str:
        """A new record; its number."""
        self.last += 1
        number = str(self.last)
        record: Record = {"at": element_id}
        if container is not None:
            record["in"] = container
            self.inside.setdefault(container, {})[number] = None
        record.update(fields)
        self.table[number] = record
        self.before[number] = None
        return number

    def change(self, number: str, **fields: Any) -> Record:
        """Set fields of a record; None takes a field away."""
        record = self.table[number]
        if number not in self.before:
            self.before[number] = record
            record = self.table[number] = dict(record)
        for name, value in fields.items():
            if value is None:
                record.pop(name, None)
            else:
                record[name] = value
        return record

    def remove(self, number: str) -> Record:
        """Take a record away; what is inside it must be gone."""
        record = self.table.pop(number)
        self.before.setdefault(number, record)
        container = record.get("in")
        if container is not None:
            self.inside[container].pop(number, None)
        self.inside.pop(number, None)
        return record

    def children(self, number: str) -> list[str]:
        """The records right inside, oldest first."""
        return list(self.inside.get(number, ()))

    def subtree(self, number: str) -> list[str]:
        """The record and all inside it, inner ones first."""
        order = [number]
        for each in order:
            order.extend(self.inside.get(each, ()))
        return order[::-1]

    def containers(self, number: str) -> Iterator[str]:
        """The record itself, then what it is in, up to the process."""
        current: str | None = number
        while current is not None:
            yield current
            current = self.table[current].get("in")

    def depth(self, number: str) -> int:
        """How many containers there are around it."""
        return sum(1 for _ in self.containers(number))

    def count_processes(self, number: str, processes: frozenset[str]) -> int:
        """How many processes it is in: that of the instance, and those that were called."""
        return sum(1 for each in self.containers(number) if self.table[each]["at"] in processes)

    def body(self, number: str) -> str:
        """The record that carries the boundary events of an activity: of its loop, if it is an instance of one."""
        container = self.table[number].get("in")
        return container if container is not None and "mi" in self.table[container] else number

    def scope_of(self, number: str) -> str:
        """The scope that a record lives in, past the bodies of loops."""
        container: str = self.table[number]["in"]
        while "mi" in self.table[container]:
            container = self.table[container]["in"]
        return container

    # ---- variables ---------------------------------------------------------------------------------------------------
    def layers(self, number: str) -> Iterator[tuple[str, Record]]:
        """The records whose variables are seen from here, inner ones first. A called process with a mapping is closed."""
        for each in self.containers(number):
            record = self.table[each]
            if "vars" in record or "mi" in record:
                yield each, record
            if record.get("closed"):
                return

    def variables(self, number: str) -> Mapping[str, Any]:
        """What is seen from a record: inner variables over outer ones. Not to be changed."""
        if number == ROOT:
            root: Mapping[str, Any] = self.table[ROOT]["vars"]
            return root
        found: list[Mapping[str, Any]] = []
        for each, record in self.layers(number):
            if "vars" in record:
                found.append(record["vars"])
            if "n" in record.get("mi", ()):
                found.append(self.counters(each))
        if len(found) == 1:
            return found[0]
        merged: dict[str, Any] = {}
        for layer in reversed(found):
            merged.update(layer)
        return merged

    def counters(self, body: str) -> dict[str, int]:
        """What a multi-instance activity counts, in the standard's names (table 10.30) and in Camunda's."""
        mi, active = self.table[body]["mi"], len(self.inside.get(body, ()))
        total, done = mi["n"], mi["done"]
        return {
            "nrOfInstances": total,
            "nrOfActiveInstances": active,
            "nrOfCompletedInstances": done,
            "numberOfInstances": total,
            "numberOfActiveInstances": active,
            "numberOfCompletedInstances": done,
        }

    def assign(self, number: str, values: Mapping[str, Any], *, known_to: frozenset[str]) -> None:
        """Write each value where its name is known, else at the process around (`known_to`: ids of processes).

        A called process writes its own; the caller gets it when the call is done.
        """
        scopes: list[str] = []
        for each in self.containers(number):
            if "vars" in self.table[each]:
                scopes.append(each)
            if self.table[each]["at"] in known_to:
                break
        written: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            place = next((each for each in scopes if name in self.table[each]["vars"]), scopes[-1])
            written.setdefault(place, {})[name] = value
        for place, new in written.items():
            self.change(place, vars={**self.table[place]["vars"], **new})

    def dump(self) -> Document:
        """The document to store."""
        return {"n": self.last, "t": self.table}
