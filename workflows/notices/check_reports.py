"""What `notice.yaml`, the diagrams and the forms say of reports, targets and unknown dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import Finding
from engine.model import Definition, Node
from engine.model.paths import starting_nodes, successors
from workflows.deadlines import Unknown
from workflows.forms import Form, Kind
from workflows.notices.checks import tell
from workflows.notices.model import Notice
from workflows.notices.reporting import Target

OPEN, SUBMIT, CONFIRM = "reports.open", "reports.submit", "dates.confirm"
"""Handlers by which the check knows what a step does."""
_DATE_NAME = re.compile(r"\bdates\.([A-Za-z_]\w*)")


def check_reports(notice: Notice, forms: Mapping[str, Form], diagrams: Mapping[str, Definition]) -> Iterator[Finding]:
    """References of reports, milestones and targets, and whether the diagrams open each report that has a date."""
    plans = {plan.key: plan for plan in notice.reports}
    kinds = {body.kind for body in notice.recipients.bodies}
    for place, plan in enumerate(notice.reports):
        path = f"reports[{place}]"
        if plan.form not in forms:
            yield tell("NoticeReferenceUnknown", f"{path}.form", value=plan.form)
        for which, name in enumerate(plan.due):
            if name not in notice.dates:
                yield tell("NoticeReferenceUnknown", f"{path}.due[{which}]", value=name)
        for which, kind in enumerate(plan.by):
            if kind not in kinds:
                yield tell("NoticeReferenceUnknown", f"{path}.by[{which}]", value=kind)
    if notice.reports and notice.diagrams.report is None:
        yield tell("NoticeReportDiagramMissing", "diagrams.report")
    for place, milestone in enumerate(notice.milestones):
        if milestone.date not in notice.dates:
            yield tell("NoticeReferenceUnknown", f"milestones[{place}].date", value=milestone.date)
        for which, name in enumerate(milestone.reports):
            if name not in plans:
                yield tell("NoticeReferenceUnknown", f"milestones[{place}].reports[{which}]", value=name)
    for place, target in enumerate(notice.targets):
        yield from _check_target(target, f"targets[{place}]", {key: forms.get(plan.form) for key, plan in plans.items()})
    yield from _check_steps(notice, diagrams)


def check_unknown_dates(notice: Notice, diagrams: Mapping[str, Definition]) -> Iterator[Finding]:
    """Steps that use a date which is unknown and which no step on every way to them confirms."""
    unknown = {name for name, value in notice.dates.items() if isinstance(value, Unknown)}
    for file, definition in diagrams.items():
        for name in sorted(unknown):
            early = _reached_without(definition, name)
            for node in definition.nodes.values():
                if node.id in early and name in _dates_of(node) and not _confirms(node, name):
                    values = {"name": name, "element": node.id, "words": notice.dates[name].words or ""}
                    yield Finding("NoticeDateUnconfirmed", element=node.id, path=file, values=values)


def _check_target(target: Target, path: str, forms: Mapping[str, Form | None]) -> Iterator[Finding]:
    counted = target.counted
    if counted is None or counted.report is None or counted.field is None:
        return
    if counted.report not in forms:
        yield tell("NoticeReferenceUnknown", f"{path}.counted.report", value=counted.report)
        return
    form, (key, _, column) = forms[counted.report], counted.field.partition(".")
    if form is None:
        return
    field = form.by_key.get(key)
    columns = {} if field is None else {each.key: each for each in field.columns}
    found = columns.get(column) if column else field
    countable = found is not None and (found.kind is Kind.NUMBER or (found.kind is Kind.TABLE and not column))
    if not countable:
        yield tell("NoticeNotCountable", f"{path}.counted.field", value=counted.field, form=form.id)


def _check_steps(notice: Notice, diagrams: Mapping[str, Definition]) -> Iterator[Finding]:
    """Properties of the steps that open and conclude reports, and dates by which nothing is opened."""
    plans = {plan.key: plan for plan in notice.reports}
    opened: set[tuple[str, str]] = set()
    for file, definition in diagrams.items():
        for node in definition.nodes.values():
            properties = node.camunda.properties
            for name in properties.get("report", "").split():
                if name not in plans:
                    yield Finding("NoticeReportUnknown", element=node.id, path=file, values={"name": name, "element": node.id})
            date = properties.get("date")
            if date is not None and date not in notice.dates:
                yield Finding("NoticeDateMissing", element=node.id, path=file, values={"name": date, "element": node.id})
            if node.camunda.handler == OPEN:
                opened.add((properties.get("report", ""), date or ""))
            if CONFIRM in _handlers(node) and date is None:
                yield Finding("NoticePropertyMissing", element=node.id, path=file, values={"name": "date", "element": node.id})
    if len(diagrams) < len(notice.diagrams.by_role):
        return  # a diagram that could not be read is told already
    for place, plan in enumerate(notice.reports):
        for which, name in enumerate(plan.due):
            if (plan.key, name) not in opened:
                yield tell("NoticeReportNeverOpened", f"reports[{place}].due[{which}]", report=plan.key, date=name)


def _handlers(node: Node) -> set[str]:
    return {name for names in node.camunda.listeners.values() for name in names}


def _confirms(node: Node, name: str) -> bool:
    return CONFIRM in _handlers(node) and node.camunda.properties.get("date") == name


def _dates_of(node: Node) -> set[str]:
    """Names of the dates that a step uses."""
    texts: list[Any] = [each.text for each in (node.camunda.due_date, node.camunda.follow_up_date) if each is not None]
    texts += [event.timer.text for event in node.events if event.timer is not None]
    named = {node.camunda.properties["date"]} if "date" in node.camunda.properties else set()
    return named | {name for text in texts for name in _DATE_NAME.findall(text)}


def _reached_without(definition: Definition, name: str) -> set[str]:
    """Ids of the nodes that a token may come to on a way on which nobody has confirmed the date."""
    seen: set[str] = set()
    todo = [process.node for process in definition.processes.values()]
    while todo:
        node = todo.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.children:
            todo += starting_nodes(definition, node, by_event=True)
        if _confirms(node, name):
            todo += [definition.nodes[boundary] for boundary in node.boundaries]  # it was left without an answer
            continue
        todo += list(successors(definition, node))
    return seen
