"""What an administrator does with something that gave up, beyond having it tried again: pass the failing step over, or change the
variables of its instance first. Both are done whole or not at all, and kept with their reason in the instance's history.

The locks are taken as everywhere: the instance, then the row that gave up and its incident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa

from engine.delivery import bring_message
from engine.errors import Finding, InstanceNotRunning, Problem, StepFailed, read_place
from engine.history import record_entry
from engine.incidents import ROWS, IncidentUnknown, resolve_incident, retry_incident
from engine.instances import advance_instance, instance_variables
from engine.kernel import Complete, SetVariables
from engine.tables import incident, instance, message, timer
from engine.timers import take_effect
from engine.work import Work

PASSED_OVER = "passed_over"
"""The history's name for a step that was passed over,"""
EDITED = "variables_edited"
"""and for variables that were changed by hand: both their old and their new values."""
LONGEST_VALUES = 100_000
"""Bytes of the variables that are changed at once, as JSON."""
LONGEST_TOLD = 300
"""Characters of a fault that is not one of ours."""
NAME = re.compile(r"[A-Za-z_]\w{0,199}", re.ASCII)


class IncidentNotSkippable(Problem):
    """It cannot be passed over: what fails is not something that the engine does by itself, or what follows needs its result.
    Values: `element`, `reason`."""

    kind = "conflict"


class IncidentNotEditable(Problem):
    """There is no instance whose variables could be changed."""

    kind = "conflict"


class VariablesInvalid(Problem):
    """What is to be written is not variables; `findings` say which and why."""


def skip_incident(work: Work, incident_id: str, *, reason: str) -> None:
    """Pass over what gave up, and close the incident.

    Of an instance (a timer, message, script or external task) the step is made now; what the engine would do at the element that
    failed (its handler, decision, expression or listeners, its script, its worker's work) is left out, as if it had brought
    nothing. Without an instance the row never happens: a letter does not leave, items of a chunk are not done, an occurrence of a
    reminder or start is left out.
    Raises IncidentUnknown, IncidentNotSkippable, InstanceNotRunning.
    """
    found = _hold(work, incident_id)
    table, _ = ROWS.get(found.kind, (None, None))
    row = None
    if table is not None:
        dead = sa.select(table).where(table.c.id == found.row_id, table.c.state == "dead").with_for_update()
        row = work.connection.execute(dead).one_or_none()
    if row is not None:  # else the flow took it away meanwhile
        detail = {"incident": incident_id, "reason": reason}
        _SKIP[found.kind](work, found, row, detail)
    resolve_incident(work, incident_id, "skipped", reason)


def edit_incident(work: Work, incident_id: str, variables: Mapping[str, Any], *, reason: str) -> None:
    """Write variables of the process that gave up, then have it tried again (`retry_incident`).

    Raises IncidentUnknown, IncidentNotEditable, VariablesInvalid with all faults, InstanceNotRunning, StepFailed.
    """
    found = _hold(work, incident_id)
    if found.instance_id is None:
        raise IncidentNotEditable()
    findings = [
        Finding("VariableNameInvalid", path=name, values={"name": name[:60]}) for name in variables if not NAME.fullmatch(name)
    ]
    if not variables or len(orjson.dumps(dict(variables))) > LONGEST_VALUES:
        findings.append(Finding("VariablesUnfit", path="variables", values={"most": LONGEST_VALUES}))
    if findings:
        raise VariablesInvalid(findings=findings)
    before = instance_variables(work, found.instance_id)
    old = {name: before[name] for name in variables if name in before}
    detail = {"incident": incident_id, "reason": reason, "old": old, "new": dict(variables)}
    advance_instance(
        work, found.instance_id, SetVariables(dict(variables)), kind=EDITED, element_id=found.element_id, detail=detail
    )
    retry_incident(work, incident_id, resolution="edited", reason=reason)


def _hold(work: Work, incident_id: str) -> sa.Row[Any]:
    """The open incident; its instance is locked first."""
    open_ = sa.select(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None))
    found = work.connection.execute(open_).one_or_none()
    if found is not None and found.instance_id is not None:
        work.connection.execute(sa.select(instance.c.id).where(instance.c.id == found.instance_id).with_for_update())
    found = work.connection.execute(open_.with_for_update()).one_or_none()
    if found is None:
        raise IncidentUnknown()
    return found


# ---- one way for each kind of row ------------------------------------------------------------------------------------
def _skip_timer(work: Work, found: sa.Row[Any], row: sa.Row[Any], detail: Mapping[str, Any]) -> None:
    if row.instance_id is None:  # a reminder or a start: this occurrence is left out, the next is armed already
        work.connection.execute(timer.update().where(timer.c.id == row.id).values(state="cancelled", done_at=work.now))
        return
    work.connection.execute(timer.update().where(timer.c.id == row.id).values(state="fired", done_at=work.now))
    if row.kind == "script":
        _complete(work, row, detail)
    else:
        _pass_over(work, found, detail, partial(take_effect, work, row))


def _skip_message(work: Work, found: sa.Row[Any], row: sa.Row[Any], detail: Mapping[str, Any]) -> None:
    if found.instance_id is None:  # nobody waits for it
        return

    def bring() -> None:
        again = {"state": "waiting", "next_try_at": work.now, "generation": row.generation + 1}
        work.connection.execute(message.update().where(message.c.id == row.id).values(**again))
        bring_message(work, row.id)

    _pass_over(work, found, detail, bring)


def _skip_external(work: Work, _found: sa.Row[Any], row: sa.Row[Any], detail: Mapping[str, Any]) -> None:
    _complete(work, row, detail)


def _skip_letter(work: Work, found: sa.Row[Any], row: sa.Row[Any], _detail: Mapping[str, Any]) -> None:
    table, _ = ROWS[found.kind]
    state = {"state": "withdrawn"} if found.kind == "mail" else {"state": "cancelled", "done_at": work.now}
    work.connection.execute(table.update().where(table.c.id == row.id).values(**state))


_SKIP = {
    "timer": _skip_timer,
    "message": _skip_message,
    "external": _skip_external,
    "mail": _skip_letter,
    "bulk": _skip_letter,
}


def _complete(work: Work, row: sa.Row[Any], detail: Mapping[str, Any]) -> None:
    """The element that waits for what gave up is done without a result."""
    with _refusing(row.element_id):
        advance_instance(work, row.instance_id, Complete(row.token), kind=PASSED_OVER, element_id=row.element_id, detail=detail)


def _pass_over(work: Work, found: sa.Row[Any], detail: Mapping[str, Any], make_step: Callable[[], object]) -> None:
    """Make the step, leaving out what the engine does at the element that failed.

    Raises IncidentNotSkippable when nothing was left out by that: then trying again is what helps.
    """
    work.passing = frozenset({(found.instance_id, found.element_id)})
    try:
        with _refusing(found.element_id):
            make_step()
    finally:
        work.passing = frozenset()
    if not work.passed:
        raise IncidentNotSkippable(element=found.element_id or "", reason=Finding("NothingPassedOver"))
    record_entry(work, found.instance_id, PASSED_OVER, element_id=found.element_id, detail=detail)


@contextmanager
def _refusing(element_id: str | None) -> Iterator[None]:
    """Whatever fails in the step is a refusal that says so; the unit of work is rolled back by it."""
    try:
        yield
    except InstanceNotRunning:
        raise
    except Exception as error:
        _, where = read_place(error)
        where = where or (error.values.get("element") if isinstance(error, StepFailed) else None)
        text = f"{type(error).__name__}: {error}"[:LONGEST_TOLD]
        reason = error if isinstance(error, Problem) else Finding("FailedOtherwise", values={"error": text})
        raise IncidentNotSkippable(element=where or element_id or "", reason=reason) from error
