"""How a case of each shared suite is run and judged (the rules are in the suites' own description)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from engine.conformance.host import Host, NeverQuiet
from engine.conformance.scripts import ScriptUnreadable
from engine.errors import Finding, OperationNotSupported, Problem
from engine.kernel import Kernel
from engine.model import Definition, Node, read_diagram
from engine.model.source import read_source

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
FAILURES = (Problem, NeverQuiet, ScriptUnreadable, AssertionError)
"""What a case may stop with; anything else is a fault of the harness and is not caught."""

PERFORMED = ("task", "userTask", "manualTask", "serviceTask", "businessRuleTask", "scriptTask")

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case came out: what was expected, what came, and a `note` where the engine said something.

    `refused`: the diagram was not read, or the kernel said that it cannot do what is drawn.
    """

    expected: Any
    got: Any
    note: str = ""
    refused: bool = False

    @property
    def passed(self) -> bool:
        """Whether it came out as expected."""
        return bool(self.got == self.expected)


class DiagramRefusedForCase(Problem):
    """The diagram of a case was refused at reading."""


@dataclass(frozen=True, slots=True)
class World:
    """What the judges share: where the files are, and what runs them how.

    With `dump` each document goes through JSON between any two steps. With `waiting` tasks that pass by themselves wait once
    before they do: many a case would else be over in one step, and nothing of it ever be dumped.
    """

    folder: Path
    kernel: Kernel
    dump: bool = False
    waiting: bool = False

    def read(self, case: Case, *, kinds: Callable[[str], str | None] = lambda task_id: None) -> Definition:
        """The definition of a case. `kinds` may give tasks another kind by their ids: to let them wait, or to let them pass.

        Raises DiagramRefusedForCase.
        """
        xml = (self.folder / case["file"]).read_bytes()
        xml = _change_tasks(xml, kinds)
        read = read_diagram(xml, name=case["file"], simulation=True)
        if read.definition is None:
            raise DiagramRefusedForCase(findings=[each for each in read.findings if each.severity == "error"])
        return read.definition

    def host(self, definition: Definition, completes: Callable[[Node], bool]) -> Host:
        """A host for one case."""
        return Host(self.kernel, definition, completes=completes, dump=self.dump)


def _change_tasks(xml: bytes, kinds: Callable[[str], str | None]) -> bytes:
    root = read_source(xml)
    if isinstance(root, Finding):
        return xml
    changed = False
    for element in root.iter(*(BPMN + kind for kind in PERFORMED)):
        kind = kinds(element.get("id", ""))
        if kind is not None:
            element.tag, changed = BPMN + kind, True
    return etree.tostring(root) if changed else xml


# ---- betsy -----------------------------------------------------------------------------------------------------------
def judge_betsy(case: Case, world: World) -> Verdict:
    """The multiset of labels of completed script tasks, with errors of deployment and run time."""
    log: list[str] = []
    note, refused = "", False
    host: Host | None = None
    try:
        definition = world.read(case)
        host = world.host(definition, lambda node: True)
        log += _play_betsy(case, host)
    except DiagramRefusedForCase as problem:
        log, note, refused = ["ERROR_deployment"], str(problem), True
    except FAILURES as problem:
        log = [*(_labels(case, host) if host else ()), "ERROR_runtime"]
        note, refused = str(problem), isinstance(problem, OperationNotSupported)
    if host is not None and any(instance.error is not None for instance in host.instances):
        log.append("ERROR_thrownErrorEvent")
    expected = sorted(case["expect"])
    for once in ("MARKER_exists", "DATA_correct"):
        if once in log:
            log = [label for label in log if label != once] + [once] * (once in expected)
    got = sorted("ERROR" if "ERROR" in expected and label.startswith("ERROR") else label for label in log)
    return Verdict(expected, got, note, refused)


def _labels(case: Case, host: Host) -> list[str]:
    return [case["labels"][element] for element in host.completed if element in case["labels"]]


def _play_betsy(case: Case, host: Host) -> list[str]:
    if case["parallel"]:
        host.start("ParallelProcess", case["variables"])
    host.start(case["process"], case["variables"])
    log = ["EARLY"] if case["quiet_at_t0"] and _labels(case, host) else []
    host.advance(case["delay_s"] + 1 if case["delay_s"] else 6)
    got = _labels(case, host)
    host.advance(180)
    if _labels(case, host) != got:
        log.append("LATE")
    elif case["ends"] is not None and all(instance.ended for instance in host.instances) != case["ends"]:
        log.append("END")
    return log + got


# ---- token simulation ------------------------------------------------------------------------------------------------
UNCOUNTED = ("Gateway", "ubProcess", "transaction", "process")


def judge_simulation(case: Case, world: World) -> Verdict:
    """The multiset of completed activities and events, and the number of finished instances."""
    note, refused = "", False
    host: Host | None = None
    try:
        held = {step[1] for step in case["steps"] if step[0] == "hold"}
        definition = world.read(case, kinds=lambda task: "manualTask" if task in held or world.waiting else "task")
        holding: set[str] = set()
        host = world.host(definition, lambda node: node.id not in holding)
        note = _play_simulation(case, host, holding)
    except DiagramRefusedForCase as problem:
        note, refused = str(problem), True
    except FAILURES as problem:
        note, refused = str(problem) or type(problem).__name__, isinstance(problem, OperationNotSupported)
    got: Counter[str] = Counter()
    for element in host.completed if host else ():
        if not any(part in host.definition.nodes[element].kind for part in UNCOUNTED if host):
            got[element] += 1
    finished = sum(instance.ended for instance in host.instances) if host else 0
    failed = {"failed": True} if note else {}
    expected = {"completed": dict(sorted(case["expect"]["completed"].items())), "finished": case["expect"]["finished"]}
    return Verdict(expected, {"completed": dict(sorted(got.items())), "finished": finished} | failed, note, refused)


def _play_simulation(case: Case, host: Host, holding: set[str]) -> str:
    """Play the steps; what could not be triggered."""
    definition = host.definition
    values: dict[str, Any] = {f"FLOW_{flow}": False for flow in case["flows"]} | dict.fromkeys(case["conds"], False)
    for verb, element, *rest in case["steps"]:
        if verb == "hold":
            holding.add(element)
        elif verb == "choose":
            values |= {f"FLOW_{flow.id}": flow.id in rest[0] for flow in definition.nodes[element].outgoing}
            host.set_variables(values)
        elif _starts_pool(definition, element):
            host.start(definition.nodes[element].process, values, element)
        elif not host.instances:
            host.start(_process_of(definition, element), values)
        else:
            condition = "COND_" + "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in element)
            if condition in values:
                values[condition] = True
                host.set_variables(values)
            if not host.trigger(element) and condition not in values:
                return f"cannot trigger {element}"
    return ""


def _starts_pool(definition: Definition, element: str) -> bool:
    node = definition.nodes.get(element)
    return node is not None and node.kind == "startEvent" and node.parent in definition.processes


def _process_of(definition: Definition, element: str) -> str:
    """The process of an element, also of a pool."""
    if element in definition.nodes:
        return definition.nodes[element].process
    root = read_source(definition.xml)
    if not isinstance(root, Finding):
        for participant in root.iter(BPMN + "participant"):
            if participant.get("id") == element:
                return participant.get("processRef", "")
    return element


# ---- lib-bpmn-engine -------------------------------------------------------------------------------------------------
def judge_library(case: Case, world: World) -> Verdict:
    """The tasks executed, when only those named complete."""
    note, refused = "", False
    host: Host | None = None
    named = set(case["complete"])
    try:
        definition = world.read(case, kinds=lambda task: "manualTask")
        host = world.host(definition, lambda node: node.id in named)
        host.start(case["process"], case["variables"])
        for message in case["publish"]:
            host.publish(message)
        host.advance(case["delay_s"])
    except DiagramRefusedForCase as problem:
        note, refused = str(problem), True
    except FAILURES as problem:
        note, refused = str(problem) or type(problem).__name__, isinstance(problem, OperationNotSupported)
    got = sorted(element for element in (host.completed if host else ()) if element in named)
    return Verdict(sorted(case["expect"]), got, note, refused)


# ---- which judge -----------------------------------------------------------------------------------------------------
JUDGES: Mapping[str, Callable[[Case, World], Verdict]] = {
    "labels": judge_betsy,
    "steps": judge_simulation,
    "complete": judge_library,
}
"""The judge by the field that only its kind of case has."""
