"""The document of an instance: live tasks and variables, as JSON.

The library's serializer writes the whole spec into every instance, and reads data that contain a key `typename` as objects of
its own. Here the spec is shared by all instances of a definition, and variables pass through untouched.

    {"kernel": "spiff", "format": 1, "n": tokens given, "vars": {…}, "in": root's internal data, "tasks": [task, …]}
    task: {"spec": name, "in": internal data, "tasks": its instances, "scope": scope}
    scope: {"tasks": […], "in": root's internal data, "vars": {…}, "closed": true, "of": the spec of what is compensated}

Of internal data, each only where needed: `token`, `vars`, `instances` of a multi-instance activity, `host` of a boundary event,
`comp` and `then` of a compensation that is under way; of a scope's root `done`, `due`, `true`, `seen` and `interrupted`.

A document that is given to be loaded is not changed.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import Finding, StepFailed
from engine.kernel import Document
from engine.spiff.language import ENGINE
from engine.spiff.process import Instance
from engine.spiff.scopes import Scope

FORMAT = 1


def dump_instance(instance: Instance) -> Document:
    """The document of an instance whose tokens all wait. Data are shared with it: the instance is not to be used again."""
    document: Document = {"kernel": "spiff", "format": FORMAT, "n": instance.count, "vars": instance.data}
    if instance.ended:
        document["ended"] = True
    else:
        document |= _dump_scope(instance, instance)
    return document


def load_instance(spec: Any, inner: dict[str, Any], document: Document, moment: datetime | None = None) -> Instance:
    """The instance again, on the shared specs.

    Raises StepFailed for a document that this kernel did not write.
    """
    if document.get("kernel") != "spiff" or document.get("format") != FORMAT:
        raise StepFailed(element=spec.name, reason=Finding("spiff_document"))
    instance = Instance(spec, inner, ENGINE, moment)
    instance.count, instance.data = document["n"], dict(document["vars"])
    instance.ended = document.get("ended", False)
    _load_scope(instance, instance, document)
    return instance


def _dump_scope(instance: Instance, scope: Scope) -> dict[str, Any]:
    dumped: dict[str, Any] = {"tasks": _dump_tasks(instance, scope, scope.task_tree)}
    if scope.task_tree.internal_data:
        dumped["in"] = scope.task_tree.internal_data
    return dumped


def _dump_tasks(instance: Instance, scope: Scope, parent: Task) -> list[dict[str, Any]]:
    dumped = []
    for task in [scope.tasks[key] for key in parent._children]:
        entry: dict[str, Any] = {"spec": task.task_spec.name, "in": task.internal_data}
        if task._children:
            entry["tasks"] = _dump_tasks(instance, scope, task)
        inner = instance.subprocesses.get(task.id)
        if inner is not None:
            entry["scope"] = _dump_scope(instance, inner)
            if inner.compensates:
                entry["scope"]["of"] = inner.spec.name
            if inner.called:
                entry["scope"]["vars"] = inner.data
            if inner.closed:
                entry["scope"]["closed"] = True
        dumped.append(entry)
    return dumped


def _load_scope(instance: Instance, scope: Scope, dumped: dict[str, Any]) -> None:
    scope.task_tree.internal_data = deepcopy(dumped.get("in", {}))
    _load_tasks(instance, scope, scope.task_tree, dumped.get("tasks", []))


def _load_tasks(instance: Instance, scope: Scope, parent: Task, dumped: list[dict[str, Any]]) -> None:
    """A boundary event waits, known by its host; everything else has started and has a token."""
    for entry in dumped:
        internal = deepcopy(entry["in"])
        state = TaskState.WAITING if "host" in internal else TaskState.STARTED
        key = UUID(int=int(internal["token"])) if "token" in internal else None
        task = Task(scope, scope.spec.task_specs[entry["spec"]], parent, state=state, id=key)
        task.triggered = True
        task.internal_data = internal
        _load_tasks(instance, scope, task, entry.get("tasks", []))
        if "scope" in entry:
            of = entry["scope"].get("of")
            inner = instance.create_subprocess(task, of or task.task_spec.spec)
            inner.compensates = of is not None
            if "vars" in entry["scope"]:
                inner.called, inner.data = True, dict(entry["scope"]["vars"])
                inner.closed = entry["scope"].get("closed", False)
            _load_scope(instance, inner, entry["scope"])
