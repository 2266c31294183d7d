"""Figures out of reports: the roll-up of what was asked for below, and what was reached of the notice's targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.forms import campaign_form, campaign_notice
from workflows.forms import Form, Kind
from workflows.notices.reporting import Target
from workflows.reports.plans import Reporter, get_plan, list_reporters
from workflows.reports.reading import ReportLine, latest_versions, list_reports
from workflows.tables import case, report

UNIT = "unit"
"""The column of a table that names the unit a row comes from, where the form has it."""
COUNTED = ("accepted",)
"""States of reports whose figures count; those still examined are told beside them."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """What the accepted reports below sum up to: `values` for the form, from whom, and who is missing."""

    values: Mapping[str, Any]
    included: tuple[ReportLine, ...]
    missing: tuple[ReportLine, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """A target and what was reached: `actual` from accepted reports, `pending` more from reports that are being examined.

    For a target per body `bodies` holds each one's own figures, and `actual` is how many of them have reached it. `missing` are
    bodies without a report that counts.
    """

    target: Target
    actual: Decimal
    pending: Decimal
    bodies: tuple[tuple[Reporter, Decimal], ...]
    missing: tuple[Reporter, ...]


def roll_up(work: Work, report_id: str) -> RollUp:
    """Sum up the accepted reports below one: number fields added, tables joined (their `unit` column filled)."""
    row = work.connection.execute(sa.select(report).where(report.c.id == report_id)).one()
    form = campaign_form(work, row.campaign_id, get_plan(work, row.campaign_id, row.plan).form)
    children = list_reports(work, row.campaign_id, parent_id=report_id)
    included = [each for each in children if each.state in COUNTED]
    data = latest_versions(work, [each.id for each in included])
    values = join_reports(form, [(each.reporter, data[each.id]) for each in included])
    return RollUp(values, tuple(included), tuple(each for each in children if each.state not in COUNTED))


def join_reports(form: Form, given: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The number fields of several reports added (a field that nobody filled stays empty), their tables one after the other,
    each row with its unit's name where the table has the column `unit` and it is empty."""
    reports = list(given)
    values: dict[str, Any] = {}
    for field in form.fields:
        if field.kind is Kind.NUMBER:
            numbers = [Decimal(str(data[field.key])) for _, data in reports if data.get(field.key) is not None]
            if numbers:
                total = sum(numbers, Decimal(0))
                values[field.key] = str(total) if field.decimals else int(total)
        elif field.kind is Kind.TABLE:
            named = UNIT in {column.key for column in field.columns}
            rows = [
                {**line, UNIT: line.get(UNIT) or unit} if named else dict(line)
                for unit, data in reports
                for line in data.get(field.key) or []
            ]
            if rows:
                values[field.key] = rows[: field.max_rows]
    return values


def reached_targets(work: Work, campaign_id: str, *, bodies: frozenset[str] | None = None) -> list[Reached]:
    """The targets of the campaign that are counted, with what was reached; with `bodies` only these bodies' own figures."""
    targets = campaign_notice(work, campaign_id).notice.targets
    lines = list_reports(work, campaign_id, top=True)
    if bodies is not None:
        lines = [line for line in lines if line.reporter_id in bodies]
    data = latest_versions(work, [line.id for line in lines])
    found = []
    for target in targets:
        if target.counted is None:
            continue
        if target.counted.cases is not None:
            found.append(_count_cases(work, campaign_id, target, bodies))
            continue
        assert target.counted.report is not None and target.counted.field is not None
        plan = get_plan(work, campaign_id, target.counted.report)
        reporters = [each for each in list_reporters(work, campaign_id, plan) if bodies is None or each.id in bodies]
        mine = [line for line in lines if line.plan == plan.key and line.id in data]
        own = {each.id: Decimal(0) for each in reporters}
        pending = Decimal(0)
        for line in mine:
            figure = count_field(data[line.id], target.counted.field)
            if line.state in COUNTED:
                own[line.reporter_id] += figure
            else:
                pending += figure
        counted = {line.reporter_id for line in mine if line.state in COUNTED}
        figures = tuple((each, own[each.id]) for each in reporters)
        whole = target.per == "whole"
        actual = sum(own.values(), Decimal(0)) if whole else Decimal(sum(each >= target.value for each in own.values()))
        missing = tuple(each for each in reporters if each.id not in counted)
        found.append(Reached(target, actual, pending if whole else Decimal(0), figures, missing))
    return found


def count_field(data: Mapping[str, Any], path: str) -> Decimal:
    """What one report adds: a number, the sum of a column, or the number of a table's rows."""
    key, _, column = path.partition(".")
    value = data.get(key)
    if isinstance(value, list):
        if not column:
            return Decimal(len(value))
        return sum((Decimal(str(row[column])) for row in value if row.get(column) is not None), Decimal(0))
    return Decimal(0) if value is None else Decimal(str(value))


def _count_cases(work: Work, campaign_id: str, target: Target, bodies: frozenset[str] | None) -> Reached:
    assert target.counted is not None
    states = {"accepted": ("accepted", "selected", "not_selected", "published"), "selected": ("selected", "published")}
    wanted = states.get(target.counted.cases or "", ("published",))
    query = sa.select(sa.func.count()).where(case.c.campaign_id == campaign_id, case.c.state.in_(wanted))
    if bodies is not None:
        query = query.where(sa.or_(case.c.institution_id.in_(bodies), case.c.body_id.in_(bodies)))
    return Reached(target, Decimal(work.connection.execute(query).scalar_one()), Decimal(0), (), ())
