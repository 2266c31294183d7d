"""Decisions in the database: each deployment makes the next version of each; found by the binding of the task that asks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.decisions.problems import DecisionFailed, DecisionUnknown
from engine.decisions.reading import read_decisions
from engine.decisions.table import Decided, Decision, NoResult, decide, map_result
from engine.ids import new_id
from engine.model import DecisionCall
from engine.tables import decision
from engine.versions import select_version
from engine.work import Work


@dataclass(frozen=True, slots=True)
class LoadedDecision:
    """One version of a decision, ready to decide; `file` has those that it requires as well."""

    id: str
    key: str
    version: int
    file: Mapping[str, Decision]


def insert_decisions(work: Work, deployment_id: str, path: str, xml: bytes, *, draft: bool = False) -> None:
    """Store the decisions of a file that was read without error, each as its next version; a draft is never the latest."""
    for key, read in read_decisions(xml).decisions.items():
        last = work.connection.execute(sa.select(sa.func.max(decision.c.version)).where(decision.c.key == key)).scalar_one()
        work.connection.execute(
            decision.insert().values(
                id=new_id(),
                deployment_id=deployment_id,
                key=key,
                version=(last or 0) + 1,
                version_tag=read.version_tag,
                name=read.name,
                file=path,
                xml=xml,
                sha256=hashlib.sha256(xml).hexdigest(),
                draft=draft,
            )
        )


def ask_decision(
    work: Work, deployment_id: str, element_id: str, call: DecisionCall, variables: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The value that a business rule task takes over, and what the history is to say: decision, version, the rules that held.

    Raises DecisionUnknown, DecisionFailed, ExpressionFailed.
    """
    key = str(call.reference.evaluate(variables))
    found = find_decision(work, key, call.binding, wanted=call.wanted, deployment_id=deployment_id)
    if found is None:
        raise DecisionUnknown(element=element_id, decision=key, binding=" ".join(filter(None, (call.binding, call.wanted))))
    try:
        decided: Decided = decide(found.file, key, variables)
        value = map_result(decided, call.mapping)
    except NoResult as problem:
        raise DecisionFailed(element=element_id, decision=key, reason=problem.reason) from problem
    return value, {"element": element_id, "decision": key, "version": found.version, "rules": list(decided.hits)}


def find_decision(
    work: Work, key: str, binding: str, *, wanted: str | None = None, deployment_id: str | None = None
) -> LoadedDecision | None:
    """The decision that a binding means (`engine.versions`), parsed once per process of the operating system; None when there is
    none.
    """
    query = select_version(decision, key, binding, wanted=wanted, deployment_id=deployment_id)
    row = work.connection.execute(query).one_or_none()
    if row is None:
        return None
    known: LoadedDecision | None = work.engine.decisions.get(row.id)
    if known is None:
        xml = work.connection.execute(sa.select(decision.c.xml).where(decision.c.id == row.id)).scalar_one()
        known = work.engine.decisions[row.id] = LoadedDecision(row.id, key, row.version, read_decisions(xml).decisions)
    return known


def list_decisions(work: Work, deployment_id: str) -> dict[str, bytes]:
    """The DMN files of a deployment by their paths."""
    rows = work.connection.execute(
        sa.select(decision.c.file, decision.c.xml).where(decision.c.deployment_id == deployment_id).order_by(decision.c.file)
    )
    return {row.file: row.xml for row in rows}
