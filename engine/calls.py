"""Which deployed definition a call activity calls.

The kernel does not know what is deployed: a call of another definition waits, `engine.runs` finds it here, links it to the
caller's (`engine.model.linking`) and sends `Enter`. The instance keeps the version: its element ids name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import Finding, Severity, StepFailed
from engine.expressions import ExpressionFailed, Template
from engine.model import Call, Definition, Node
from engine.tables import definition
from engine.versions import select_version
from engine.work import Work


class CallFailed(StepFailed):
    """What a call activity calls cannot be found or begun. Values: `element`, `reason` (a finding)."""


def check_calls(work: Work, models: Mapping[str, Definition]) -> dict[str, list[Finding]]:
    """Calls of processes that are neither deployed nor among the diagrams that are about to be; by the path of the diagram.

    An error where the binding is the deployment, as it will never change; else a warning: it may be deployed later. What only
    an expression tells is known when it is called.
    """
    here = {(key, each.version_tag) for model in models.values() for key, each in model.processes.items()}
    keys = {key for key, _ in here}
    findings: dict[str, list[Finding]] = {path: [] for path in models}
    for path, model in models.items():
        for node in model.nodes.values():
            call = node.call
            if call is None or node.called is not None or not call.process.literal:
                continue
            if call.version is not None and not call.version.literal:
                continue
            wanted = None if call.version is None else call.version.text
            known = call.process.text in keys if wanted is None else (call.process.text, wanted) in here
            if known and call.binding != "version" or call.binding != "deployment" and _look_up(work, call, wanted) is not None:
                continue
            severity: Severity = "error" if call.binding == "deployment" else "warning"
            values = {"called": call.process.text, "binding": call.binding, "version": wanted or ""}
            findings[path].append(Finding("CalledMissing", severity, node.id, str(node.line), values))
    return findings


def find_called(work: Work, node: Node, variables: Mapping[str, Any], *, deployment_id: str) -> str:
    """The id of the definition that a call activity calls now, for what it sees. `deployment_id` is that of its own definition.

    Raises CallFailed.
    """
    assert node.call is not None
    process = _evaluate(node, node.call.process, variables)
    if not isinstance(process, str) or not process:
        raise CallFailed(element=node.id, reason=Finding("call_unnamed", values={"value": str(process)[:100]}))
    version = None if node.call.version is None else _evaluate(node, node.call.version, variables)
    if node.call.binding == "version" and not str(version).strip().isdecimal():
        raise CallFailed(element=node.id, reason=Finding("call_version_unreadable", values={"value": str(version)[:100]}))
    found = _select(work, process, node.call.binding, version, deployment_id)
    if found is None:
        values = {"called": process, "binding": node.call.binding, "version": "" if version is None else str(version)}
        raise CallFailed(element=node.id, reason=Finding("call_missing", values=values))
    return found


def _look_up(work: Work, call: Call, wanted: str | None) -> str | None:
    if call.binding == "version" and not (wanted or "").isdecimal():
        return None
    return _select(work, call.process.text, call.binding, wanted, "")


def _select(work: Work, key: str, binding: str, version: Any, deployment_id: str) -> str | None:
    query = select_version(definition, key, binding, wanted=version, deployment_id=deployment_id)
    row = work.connection.execute(query).one_or_none()
    return None if row is None else str(row.id)


def _evaluate(node: Node, template: Template, variables: Mapping[str, Any]) -> Any:
    try:
        return template.evaluate(variables)
    except ExpressionFailed as problem:
        raise CallFailed(element=node.id, reason=problem.values["reason"]) from problem
