"""The document of an instance: live tasks and variables, as JSON.

The library's serializer writes the whole spec into every instance, and reads data that contain a key `typename` as objects of
its own. Here the spec is shared by all instances of a definition, and variables pass through untouched.

    {"kernel": "spiff", "format": 1, "n": tokens given, "vars": {…}, "tasks": [task, …]}
    task: {"spec": name, "in": internal data, "run": STARTED rather than WAITING, "tasks": instances, "scope": {"tasks": […], "vars": {…}}}
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import StepFailed
from engine.kernel import Document
from engine.spiff.language import ENGINE
from engine.spiff.scopes import Instance, Scope

FORMAT = 1


def dump_instance(instance: Instance, *, ended: bool) -> Document:
    """The document of an instance whose tokens all wait. Variables are shared with it: the instance is not to be used again."""
    document: Document = {"kernel": "spiff", "format": FORMAT, "n": 0, "vars": instance.data}
    if ended:
        document["ended"] = True
    else:
        document["tasks"] = _dump_tasks(instance, instance, instance.task_tree)
    document["n"] = instance.count
    return document


def load_instance(spec: Any, subprocess_specs: dict[str, Any], document: Document) -> Instance:
    """The instance again, on the shared specs.

    Raises StepFailed for a document that this kernel did not write.
    """
    if document.get("kernel") != "spiff" or document.get("format") != FORMAT:
        raise StepFailed(element=None, reason="the document was not written by the SpiffWorkflow kernel")
    instance = Instance(spec, subprocess_specs, ENGINE)
    instance.count, instance.data = document["n"], document["vars"]
    _load_tasks(instance, instance, instance.task_tree, document.get("tasks", []))
    return instance


def _dump_tasks(instance: Instance, scope: Scope, parent: Task) -> list[dict[str, Any]]:
    dumped = []
    for task in [scope.tasks[key] for key in parent._children]:
        instance.token(task)
        entry: dict[str, Any] = {"spec": task.task_spec.name, "in": task.internal_data}
        if task.state == TaskState.STARTED or task._children:
            entry["run"] = True
        if task._children:
            entry["tasks"] = _dump_tasks(instance, scope, task)
        inner = instance.subprocesses.get(task.id)
        if inner is not None:
            entry["scope"] = {"tasks": _dump_tasks(instance, inner, inner.task_tree)}
            if inner.called:
                entry["scope"]["vars"] = inner.data
        dumped.append(entry)
    return dumped


def _load_tasks(instance: Instance, scope: Scope, parent: Task, dumped: list[dict[str, Any]]) -> None:
    for entry in dumped:
        state = TaskState.STARTED if entry.get("run") else TaskState.WAITING
        key = UUID(int=int(entry["in"]["token"]))
        task = Task(scope, scope.spec.task_specs[entry["spec"]], parent, state=state, id=key)
        task.triggered = True
        task.internal_data = entry["in"]
        _load_tasks(instance, scope, task, entry.get("tasks", []))
        if "scope" in entry:
            inner = instance.create_subprocess(task, task.task_spec.spec)
            if "vars" in entry["scope"]:
                inner.called, inner.data = True, entry["scope"]["vars"]
            _load_tasks(instance, inner, inner.task_tree, entry["scope"]["tasks"])
