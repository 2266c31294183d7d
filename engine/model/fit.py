"""Whether a diagram fits the place where it is deployed: the handlers and roles that there are, and the present moment."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from engine.errors import Finding, Severity
from engine.expressions import Template
from engine.model.definition import Definition, Node
from engine.moments import first_due

HANDLED = frozenset(("serviceTask", "businessRuleTask"))
"""Tasks that nobody would do if they did not say who."""
_ROLE = re.compile(r"\s*([^@${}\s]+)@")


def check_handlers(definition: Definition, names: Collection[str]) -> list[Finding]:
    """Every handler that the diagram names must be in `names`, and every service task must say who does it."""
    findings: list[Finding] = []
    for node in definition.nodes.values():
        findings += [_tell("diagram_handler_unknown", "error", node, handler=name) for name in node.handlers if name not in names]
        if node.kind in HANDLED and not node.camunda.is_worked:
            findings.append(_tell("diagram_handler_missing", "error", node, kind=node.kind))
    return findings


def check_roles(definition: Definition, roles: Collection[str]) -> Iterator[Finding]:
    """Candidate groups are `role@organisation`: a group of another form, or of a role that nobody can hold, reaches nobody."""
    for node in definition.nodes.values():
        for group in node.camunda.candidate_groups:
            role = _role_of(group)
            if role is not None and role not in roles:
                yield _tell("diagram_role_unknown", "warning", node, group=group.text.strip(), roles=", ".join(sorted(roles)))


def check_timers(definition: Definition, now: datetime) -> Iterator[Finding]:
    """Timers inside of processes whose written date has passed: they would always be due at once."""
    for node in definition.nodes.values():
        if node.kind == "startEvent" and node.parent in definition.processes:
            continue  # what becomes of them is told where starts are watched for
        for event in node.events:
            timer = event.timer
            if timer is None or timer.kind == "timeDuration" or timer.value.names:
                continue
            if first_due(timer.kind, timer.value.evaluate({}), now).at <= now:  # of a cycle: its last occurrence
                yield _tell("diagram_timer_passed", "warning", node, text=timer.text)


def _role_of(group: Template) -> str | None:
    """The role of a group as far as it is written; all of a group that names no organisation; None where data will say."""
    if found := _ROLE.match(group.text):
        return found[1]
    return group.text if group.literal else None


def _tell(code: str, severity: Severity, node: Node, **values: Any) -> Finding:
    return Finding(code, severity, node.id, str(node.line), values)
