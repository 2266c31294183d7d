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
from workflows.organisations import Organisation, find_above, list_organisations
from workflows.reports.plans import Reporter, get_plan, list_reporters
from workflows.reports.reading import ReportLine, latest_versions, list_reports
from workflows.tables import case, organisation, report

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

    `bodies` holds each one's own figures; for a target per body `actual` is how many of them have reached it. `missing` are
    bodies without a report that counts. `elsewhere` are counted cases that belong to none of the bodies.
    """

    target: Target
    actual: Decimal
    pending: Decimal
    bodies: tuple[tuple[Reporter, Decimal], ...]
    missing: tuple[Reporter, ...]
    elsewhere: Decimal = Decimal(0)


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
        missing = tuple(each for each in reporters if each.id not in counted)
        actual, beside = _sum_up(target, own), pending if target.per == "whole" else Decimal(0)
        found.append(Reached(target, actual, beside, figures, missing))
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


def _sum_up(target: Target, own: Mapping[str, Decimal]) -> Decimal:
    """What the bodies reached together, or how many of them reached it."""
    if target.per == "whole":
        return sum(own.values(), Decimal(0))
    return Decimal(sum(each >= target.value for each in own.values()))


def _count_cases(work: Work, campaign_id: str, target: Target, bodies: frozenset[str] | None) -> Reached:
    """Cases in the state that the target counts, each for one body, by whatever channel it came: the body that it came through,
    else the one whose institution reported it, above or in its region (本地案例).

    What is selected and not published yet is counted for the organiser alone.
    """
    assert target.counted is not None
    states = {"accepted": ("accepted", "selected", "not_selected", "published"), "selected": ("selected", "published")}
    public = target.counted.cases == "selected" and bodies is not None
    wanted = ("published",) if public else states.get(target.counted.cases or "", ("published",))
    query = (
        sa.select(organisation, case.c.body_id, sa.func.count().label("cases"))
        .join(case, case.c.institution_id == organisation.c.id)
        .where(case.c.campaign_id == campaign_id, case.c.state.in_(wanted))
        .group_by(organisation.c.id, case.c.body_id)
    )
    reporters = list_reporters(work, campaign_id)
    among = list_organisations(work, ids=[each.id for each in reporters])
    own = {each.id: Decimal(0) for each in reporters}
    elsewhere = Decimal(0)
    for row in work.connection.execute(query):
        place = Organisation(**{column.name: row._mapping[column] for column in organisation.c})
        home = row.body_id or (place.id if place.id in own else find_above(place, among))
        if home in own:
            own[home] += row.cases
        else:
            elsewhere += row.cases
    if bodies is not None:
        own, elsewhere = {each: figure for each, figure in own.items() if each in bodies}, Decimal(0)
    actual = _sum_up(target, own) + (elsewhere if target.per == "whole" else 0)
    figures = tuple((each, own[each.id]) for each in reporters if each.id in own)
    return Reached(target, actual, Decimal(0), figures, (), elsewhere)
