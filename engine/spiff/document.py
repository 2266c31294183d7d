"""The document of an instance: live tasks and variables, as JSON.

The library's serializer writes the whole spec into every instance, and reads data that contain a key `typename` as objects of
its own. Here the spec is shared by all instances of a definition, and variables pass through untouched.

    {"kernel": "spiff", "format": 1, "n": tokens given, "vars": {…}, "tasks": [task, …]}
    task: {"spec": name, "in": internal data, "tasks": its instances, "scope": {"tasks": […], "vars": {…}, "closed": true}}

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
        document["tasks"] = _dump_tasks(instance, instance, instance.task_tree)
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
    _load_tasks(instance, instance, instance.task_tree, document.get("tasks", []))
    return instance


def _dump_tasks(instance: Instance, scope: Scope, parent: Task) -> list[dict[str, Any]]:
    dumped = []
    for task in [scope.tasks[key] for key in parent._children]:
        entry: dict[str, Any] = {"spec": task.task_spec.name, "in": task.internal_data}
        if task._children:
            entry["tasks"] = _dump_tasks(instance, scope, task)
        inner = instance.subprocesses.get(task.id)
        if inner is not None:
            entry["scope"] = {"tasks": _dump_tasks(instance, inner, inner.task_tree)}
            if inner.called:
                entry["scope"]["vars"] = inner.data
            if inner.closed:
                entry["scope"]["closed"] = True
        dumped.append(entry)
    return dumped


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
            inner = instance.create_subprocess(task, task.task_spec.spec)
            if "vars" in entry["scope"]:
                inner.called, inner.data = True, dict(entry["scope"]["vars"])
                inner.closed = entry["scope"].get("closed", False)
            _load_tasks(instance, inner, inner.task_tree, entry["scope"]["tasks"])
