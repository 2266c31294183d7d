"""Process definitions: checked by reader, schema, handlers and second opinion, then deployed as the next version, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from engine.calls import check_calls
from engine.decisions import check_decisions, check_references, insert_decisions, is_decision
from engine.errors import DefinitionUnknown, DiagramRefused, Finding
from engine.ids import new_id
from engine.kernel import Kernel
from engine.model import Definition, Process, check_handlers, check_roles, check_timers, name_version, read_diagram
from engine.opinion import LimitedKernel, second_opinion
from engine.scripts import check_script
from engine.spiff import SpiffKernel, validate_xsd
from engine.starts import check_starts, forget_starts, lock_starts, note_messages, watch_starts
from engine.tables import definition, deployment
from engine.tokens import TokenKernel
from engine.work import Work

KERNELS: dict[str, Kernel] = {"tokens": TokenKernel(), "spiff": SpiffKernel()}
"""The two kernels; `tokens` executes unless a deployment chooses otherwise."""
ELSEWHERE = "diagram_call_elsewhere"
"""What a diagram alone has to say of a call into another definition."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found. `model` is None when the diagram could not be read at all."""

    model: Definition | None
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """Whether it must not be deployed."""
        return self.model is None or any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment made: definition ids by process id; `findings` are the warnings that remain."""

    deployment_id: str
    definitions: dict[str, str]
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class LoadedDefinition:
    """A deployed definition, ready to run; shared by all instances of its version."""

    id: str
    key: str
    version: int
    name: str
    kernel: Kernel
    model: Definition
    deployment_id: str


def check_diagram(
    xml: bytes,
    *,
    name: str,
    handlers: Iterable[str] | None = None,
    roles: Collection[str] = (),
    now: datetime | None = None,
) -> Checked:
    """All that is wrong with a diagram, or worth a remark; never raises for a bad one.

    In this order, each only when the former allows it: safe reading and our own rules, the BPMN schema, handler names (when a
    set of them is given), and the walk on both kernels. Then what does not fit where it is deployed: groups of none of the
    `roles` that people can hold, and dates that have passed `now`.
    """
    checked = _check(xml, name, None if handlers is None else frozenset(handlers))
    if checked.model is None:
        return checked
    unfit = [*check_roles(checked.model, roles)] if roles else []
    unfit += [] if now is None else check_timers(checked.model, now)
    return replace(checked, findings=(*checked.findings, *unfit))


@lru_cache(maxsize=64)
def _check(xml: bytes, name: str, handlers: frozenset[str] | None) -> Checked:
    read = read_diagram(xml, name=name)
    findings = list(read.findings)
    if read.definition is None:
        return Checked(None, tuple(findings))
    findings += validate_xsd(xml, name=name)
    if handlers is not None:
        findings += check_handlers(read.definition, handlers)
    for node in read.definition.nodes.values():
        if node.kind == "scriptTask" and node.script is not None:
            told = check_script(node.script)
            findings += [Finding(found.code, found.severity, node.id, str(node.line), found.values) for found in told]
    if not any(finding.severity == "error" for finding in findings):
        for process_id in read.definition.processes:
            findings += second_opinion(read.definition, process_id, kernels=(KERNELS["tokens"], KERNELS["spiff"]))
    return Checked(read.definition, tuple(findings))


def deploy(
    work: Work,
    files: Mapping[str, bytes],
    *,
    name: str,
    source: str = "folder",
    kernel: str = "tokens",
    draft: bool = False,
    unwatched: Collection[str] = (),
) -> Deployed:
    """Deploy the diagrams and decision tables among `files` (by file name) as the next version of each. Starts nothing.

    From now on the new version's start events are watched for, those of the version before no more (`engine.starts`); not those
    of the processes `unwatched`, which the caller starts by itself. A `draft` is deployed aside: it never becomes the latest
    version, nothing starts it and nothing that asks for the latest one gets it.
    Raises DiagramRefused with the findings of all files, paths prefixed by the file name, also for elements that the chosen
    kernel cannot run, for a message that starts another process already, and for a call into this deployment of what is not in
    it; nothing is written then.
    """
    if kernel not in KERNELS:
        raise ValueError(f"no kernel is called {kernel}")
    diagrams = {path: data for path, data in sorted(files.items()) if path.endswith(".bpmn")}
    here = work.engine
    checked = {
        path: check_diagram(data, name=path, handlers=here.handlers.names(), roles=here.roles, now=work.now)
        for path, data in diagrams.items()
    }
    findings = [
        Finding(found.code, found.severity, found.element, f"{path}:{found.path}" if found.path else path, found.values)
        for path, result in checked.items()
        for found in (*result.findings, *_kernel_limits(result.model, kernel))
    ]
    models = {path: result.model for path, result in checked.items() if result.model is not None}
    told = check_calls(work, models)
    for path, remarks in ({} if draft else check_starts(work, models, unwatched=unwatched)).items():
        told[path] += remarks
    findings = [found for found in findings if found.code != ELSEWHERE]  # whether it is there is known now
    findings += [
        Finding(found.code, found.severity, found.element, f"{path}:{found.path}", found.values)
        for path, remarks in told.items()
        for found in remarks
    ]
    findings += check_decisions(files)
    findings += [found for path, model in models.items() for found in check_references(model, path, files)]
    decisions = {path: data for path, data in sorted(files.items()) if is_decision(path)}
    if not (diagrams or decisions) or any(finding.severity == "error" for finding in findings):
        raise DiagramRefused(findings=findings or [Finding("NoDiagram", path=name)], name=name)
    deployment_id = new_id()
    digest = hashlib.sha256(
        b"".join(hashlib.sha256(path.encode() + b"\0" + data).digest() for path, data in sorted(files.items()))
    )
    work.connection.execute(
        deployment.insert().values(
            id=deployment_id, source=source, name=name, sha256=digest.hexdigest(), deployed_at=work.now, deployed_by=work.by
        )
    )
    made: dict[str, str] = {}
    for path, model in models.items():
        remarks = [found for found in (*checked[path].findings, *told[path]) if found.code != ELSEWHERE]
        for process_id, process in model.processes.items():
            lock_starts(work, process_id)
            watched = not draft and process_id not in unwatched
            before = find_latest(work, process_id) if watched else None
            made[process_id] = _insert(work, deployment_id, diagrams[path], process_id, process, kernel, remarks, draft)
            note_messages(work, made[process_id], model)
            if watched:
                watch_starts(work, get_definition(work, made[process_id]), before)
            elif not draft:
                forget_starts(work, process_id)
    for path, data in decisions.items():
        insert_decisions(work, deployment_id, path, data, draft=draft)
    return Deployed(deployment_id, made, tuple(findings))


def _kernel_limits(model: Definition | None, kernel: str) -> list[Finding]:
    """What keeps the kernel that is to execute from running the diagram, element by element."""
    chosen = KERNELS[kernel]
    if model is None or not isinstance(chosen, LimitedKernel):
        return []
    limits = dict.fromkeys((each.code, each.element, each.path) for key in model.processes for each in chosen.limits(model, key))
    return [
        Finding(
            "KernelCannotRun",
            "error",
            element,
            path,
            {"kernel": kernel, "what": Finding(code.replace("limit_", "spiff_cannot_"))},
        )
        for code, element, path in limits
    ]


def _insert(
    work: Work, deployment_id: str, xml: bytes, key: str, process: Process, kernel: str, findings: Iterable[Finding], draft: bool
) -> str:
    last = work.connection.execute(sa.select(sa.func.max(definition.c.version)).where(definition.c.key == key)).scalar_one()
    definition_id = new_id()
    work.connection.execute(
        definition.insert().values(
            id=definition_id,
            deployment_id=deployment_id,
            key=key,
            version=(last or 0) + 1,
            version_tag=process.version_tag,
            name=process.name or key,
            kernel=kernel,
            xml=xml,
            sha256=hashlib.sha256(xml).hexdigest(),
            draft=draft,
            findings=[
                {"code": f.code, "severity": f.severity, "element": f.element, "path": f.path, "values": dict(f.values)}
                for f in findings
            ],
        )
    )
    return definition_id


def get_definition(work: Work, definition_id: str) -> LoadedDefinition:
    """A deployed definition; parsed once per process of the operating system.

    Raises DefinitionUnknown.
    """
    known: LoadedDefinition | None = work.engine.definitions.get(definition_id)
    if known is not None:
        return known
    row = work.connection.execute(sa.select(definition).where(definition.c.id == definition_id)).one_or_none()
    if row is None:
        raise DefinitionUnknown(key=definition_id)
    read = read_diagram(row.xml, name=row.key, deployed=True)
    if read.definition is None:
        raise DiagramRefused(findings=read.findings, name=row.key)
    loaded = LoadedDefinition(row.id, row.key, row.version, row.name, KERNELS[row.kernel], read.definition, row.deployment_id)
    work.engine.definitions[definition_id] = work.engine.definitions[name_version(row.key, row.version)] = loaded
    return loaded


def find_version(work: Work, key: str, version: int) -> LoadedDefinition:
    """One version of a process.

    Raises DefinitionUnknown.
    """
    known: LoadedDefinition | None = work.engine.definitions.get(name_version(key, version))
    if known is not None:
        return known
    query = sa.select(definition.c.id).where(definition.c.key == key, definition.c.version == version)
    found: str | None = work.connection.execute(query).scalar_one_or_none()
    if found is None:
        raise DefinitionUnknown(key=name_version(key, version))
    return get_definition(work, found)


def latest_definition(work: Work, key: str) -> LoadedDefinition:
    """The latest version of a process that is no draft.

    Raises DefinitionUnknown.
    """
    found = find_latest(work, key)
    if found is None:
        raise DefinitionUnknown(key=key)
    return found


def find_latest(work: Work, key: str) -> LoadedDefinition | None:
    """The latest version of a process that is no draft; None when there is none."""
    found: str | None = work.connection.execute(
        sa.select(definition.c.id)
        .where(definition.c.key == key, ~definition.c.draft)
        .order_by(definition.c.version.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else get_definition(work, found)


def list_definitions(work: Work) -> list[sa.Row[Any]]:
    """All deployed versions without their XML, newest version of each key first."""
    columns = [column for column in definition.c if column.name != "xml"]
    query = sa.select(*columns, deployment.c.deployed_at, deployment.c.source).join(deployment)
    rows: list[sa.Row[Any]] = [*work.connection.execute(query.order_by(definition.c.key, definition.c.version.desc()))]
    return rows
