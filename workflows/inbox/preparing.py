"""What a task's form is shown with: values to begin with, options from the database, things to look at beside it.

Which it is depends on the handler that takes the form, as the diagram names it: the same step drawn elsewhere gets the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from engine.instances import instance_variables
from engine.model import Node
from engine.moments import SHANGHAI
from engine.states import definition_of
from engine.tables import user_task_candidate
from engine.work import Work
from workflows import consultations, forwardings, publications, reports, reviews, rounds, selection
from workflows.applications import last_version
from workflows.campaigns.confirming import candidate_options
from workflows.campaigns.forms import campaign_form
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import LATE_REASON, Window, deciding_window, window_of_case
from workflows.choosing import list_choosable
from workflows.deadlines import load_date, say_day
from workflows.duplicates import list_similar
from workflows.forms import Field, Form
from workflows.inbox.lateness import find_late_field
from workflows.organisations import get_organisation, list_organisations
from workflows.people import Person
from workflows.ranked_lists import digest_list, list_ranked, read_list
from workflows.recommendations import get_body, list_audited
from workflows.reports.reading import get_report, latest_versions
from workflows.rules import campaign_subject, can
from workflows.tables import case


@dataclass(frozen=True)
class Ground:
    """The task and what it belongs to."""

    work: Work
    task: sa.Row[Any]
    campaign_id: str
    case: sa.Row[Any] | None
    report: sa.Row[Any] | None
    person: Person
    node: Node  # the step in the diagram
    shown: bool = True  # False when a form is only to be read: then nothing is gathered to look at

    @property
    def handlers(self) -> tuple[str, ...]:
        """What the diagram names for the task's completion."""
        return tuple(self.node.camunda.listeners.get("complete", ()))

    @cached_property
    def campaign(self) -> Campaign:
        """The campaign's row, for who needs more of it than its id."""
        return get_campaign(self.work, self.campaign_id)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`values` fill the form, `fixed` those of its read-only fields that are stored with it, `options` the choices that come
    from outside (value, label), `context` is what the page shows beside the form, `decided` are fields that this task may only
    show, whatever the form says: their values are in `fixed`."""

    values: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Iterable[tuple[str, str]]] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    decided: frozenset[str] = frozenset()
    late: Field | None = None

    def finish(self, form: Form | None) -> Form | None:
        """The task's form with its options, and with what is decided already only to be read; asks why it is late where it is."""
        if form is None:
            return None
        whole = form.bind(self.options).freeze(self.decided)
        return whole if self.late is None else whole.append(self.late)


def find_handlers(work: Work, task: sa.Row[Any], element_id: str | None = None) -> tuple[str, ...]:
    """The handlers that the diagram names for the completion of the task, or of another step of its instance."""
    return tuple(find_node(work, task, element_id).camunda.listeners.get("complete", ()))


def find_node(work: Work, task: sa.Row[Any], element_id: str | None = None) -> Node:
    """The task's step in the diagram of its instance, or another step of it."""
    return definition_of(work, task.instance_id).model.nodes[element_id or task.element_id]


def find_form(work: Work, ground: Ground) -> Form | None:
    """The task's form; None when it has none."""
    stage_id = None if ground.case is None else ground.case.stage_id
    key = ground.task.form_key
    return None if key is None else campaign_form(work, stage_id or ground.campaign_id, key)


def prepare(work: Work, ground: Ground) -> Prepared:
    """All that the handlers of this task want to be shown."""
    whole = Prepared()
    for name in ground.handlers:
        if name in PREPARATIONS:
            part = PREPARATIONS[name](work, ground)
            whole = Prepared(
                {**whole.values, **part.values},
                {**whole.fixed, **part.fixed},
                {**whole.options, **part.options},
                {**whole.context, **part.context},
                whole.decided | part.decided,
                part.late or whole.late,
            )
    return whole


def _application(name: str) -> Callable[[Work, Ground], Prepared]:
    def prepare_application(work: Work, ground: Ground) -> Prepared:
        """The last version to go on from, the unit's name, and the cut-off that will decide."""
        assert ground.case is not None
        institution = get_organisation(work, ground.case.institution_id)
        before = None if ground.case.received_at is None else last_version(work, ground.case.id)
        values: dict[str, Any] = {} if before is None else {key: said for key, said in before.data.items() if key != LATE_REASON}
        fixed = {"institution_name": institution.name}
        if not ground.shown:
            return Prepared(values=values, fixed=fixed)
        where = window_of_case(work, name, ground.case, ground.campaign.settings)
        if before is None:
            form = campaign_form(work, ground.campaign.id, ground.task.form_key)
            values = forwardings.begin_with(work, ground.case.id, form)
            if institution.institution_kind:
                values["institution_kind"] = institution.institution_kind
        return Prepared(values=values, fixed=fixed, context=_tell_window(where), late=_late_field(work, name, where))

    return prepare_application


def _recommendation(work: Work, ground: Ground) -> Prepared:
    """The audited cases that wait for the list, and the quota."""
    body_id = find_body(work, ground.task.id)
    body = get_body(work, ground.campaign.id, body_id)
    waiting = list_audited(work, ground.campaign.id, body_id)
    units = {each.id: each.name for each in list_organisations(work, ids=[row.institution_id for row in waiting])}
    audited = [
        {
            "id": row.id,
            "number": row.number,
            "title": row.title,
            "unit": units[row.institution_id],
            "received_at": row.received_at,
        }
        for row in waiting
    ]
    where = deciding_window(work, "recommendations.submit", {"campaign": ground.campaign.id, "body": body_id})
    sealed = None if body.stage_id is None else read_list(work, body.stage_id)
    decided = {}
    if body.stage_id is not None:  # the body's own stage decides the list: here it is only sent
        decided["ranking"] = list(sealed.cases) if sealed is not None and sealed.sealed else []
    return Prepared(
        fixed=decided,
        decided=frozenset(decided),
        options=_name_cases(waiting, units),
        context={
            "candidates": audited,
            "quota_min": body.quota_min,
            "quota_max": body.quota_max,
            **_tell_window(where),
            "stage": body.stage_id,
            "sealed": sealed,
        },
        late=_late_field(work, "recommendations.submit", where),
    )


def _report_onward(work: Work, ground: Ground) -> Prepared:
    """As `_examine`, with the cut-off that decides about what the body reports."""
    assert ground.case is not None
    where = None
    if ground.shown:
        variables = {"campaign": ground.campaign.id, "body": ground.case.body_id}
        where = deciding_window(work, "audits.report", variables)
    return replace(_examine(work, ground), late=_late_field(work, "audits.report", where))


def _tell_window(where: Window | None) -> dict[str, Any]:
    """The cut-off that decides, and until when what is late is taken."""
    if where is None:
        return {"cutoff_at": None}
    return {"cutoff_at": where.cutoff_at, "late": where.late, "closes_at": where.closes_at}


def _late_field(work: Work, name: str, where: Window | None) -> Field | None:
    return None if where is None or not where.asks_reason(work.now) else find_late_field((name,))


def _rank(work: Work, ground: Ground) -> Prepared:
    """The body's audited cases, and how many are still on their way."""
    stage = ground.campaign
    assert stage.parent_id is not None
    body = get_body(work, stage.parent_id, stage.organiser_id)
    waiting = list_audited(work, stage.parent_id, stage.organiser_id)
    units = {each.id: each.name for each in list_organisations(work, ids=[row.institution_id for row in waiting])}
    pending = sa.select(sa.func.count()).where(case.c.stage_id == stage.id, case.c.state.in_(("submitted", "returned")))
    return Prepared(
        options=_name_cases(waiting, units),
        context={
            "quota_min": body.quota_min,
            "quota_max": body.quota_max,
            "pending": work.connection.execute(pending).scalar_one(),
        },
    )


def _seal(work: Work, ground: Ground) -> Prepared:
    """The list as it will be sealed, with its digest."""
    known = read_list(work, ground.campaign.id)
    if known is None or not ground.shown:
        return Prepared()
    return Prepared(context={"listed": list_ranked(work, known.cases), "digest": digest_list(work, known.cases)})


def _name_cases(rows: Sequence[sa.Row[Any]], units: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    return {"audited_cases": [(row.id, f"{row.title}（{units[row.institution_id]}，{row.number}）") for row in rows]}


def _issue(work: Work, ground: Ground) -> Prepared:
    return Prepared(values={"title": ground.campaign.title})


def _organise(work: Work, ground: Ground) -> Prepared:
    """The pool of experts to choose from, all of them at first."""
    experts = reviews.list_pool(work)
    return Prepared(
        values={"experts_per_case": ground.campaign.settings.get("experts_per_case"), "pool": [row.id for row in experts]},
        options={"experts": [(row.id, f"{row.name}（{row.unit}）") for row in experts]},
    )


def _review(work: Work, ground: Ground) -> Prepared:
    return Prepared(context=reviews.review_context(work, ground.person, ground.task)) if ground.shown else Prepared()


def _select(work: Work, ground: Ground) -> Prepared:
    settings = ground.campaign.settings
    return Prepared(
        values={"cut": settings.get("cut"), "method": settings.get("score_method")},
        options={"tied_cases": selection.list_tied(work, ground.campaign.id)},
        context={"ranking": selection.ranking(work, ground.campaign.id)} if ground.shown else {},
    )


def _choose(work: Work, ground: Ground) -> Prepared:
    rows = list_choosable(work, ground.campaign.id)
    units = {each.id: each.name for each in list_organisations(work, ids=[row.institution_id for row in rows])}
    return Prepared(
        options={"accepted_cases": [(row.id, f"{row.title}（{units[row.institution_id]}，{row.number}）") for row in rows]}
    )


def _settle(work: Work, ground: Ground) -> Prepared:
    return Prepared(
        values={"decisions": consultations.list_settlement_rows(work, ground.campaign.id)},
        options={"tied_cases": selection.list_tied(work, ground.campaign.id)},
    )


def _settle_stage(work: Work, ground: Ground) -> Prepared:
    return Prepared(values={"decisions": consultations.list_settlement_rows(work, ground.campaign.id)})


def _publish(work: Work, ground: Ground) -> Prepared:
    last = selection.last_selection(work, ground.campaign.id)
    return Prepared(values={"title": ground.campaign.title}, context={"selection": last})


def _examine(work: Work, ground: Ground) -> Prepared:
    """Cases that might be the same: a warning to who examines this one."""
    assert ground.case is not None
    return Prepared(context={"similar": list_similar(work, ground.case.id)} if ground.shown else {})


def _publish_next(work: Work, ground: Ground) -> Prepared:
    """All that is accepted and not published yet; a title that names the day."""
    ready = publications.list_publishable(work, ground.campaign.id)
    title = f"{ground.campaign.title}（{say_day(work.now.astimezone(SHANGHAI).date(), 'zh')}）"
    return Prepared(
        values={"title": title[: publications.TITLE_LENGTH], "cases": [row.id for row in ready]},
        options={"accepted_cases": [(row.id, f"{row.title}（{row.unit}，{row.number}）") for row in ready]},
    )


def _forward(work: Work, ground: Ground) -> Prepared:
    """The campaigns that collect now."""
    assert ground.case is not None
    targets = forwardings.list_targets(work, ground.case.id, ground.campaign.organiser_id)
    return Prepared(options={"collecting_campaigns": targets})


def _place_rest(work: Work, ground: Ground) -> Prepared:
    """What no round of the cadence took."""
    plan = rounds.read_plans(work, ground.campaign.id)[find_node(work, ground.task).camunda.properties["round"]]
    rest = rounds.list_rest(work, ground.campaign.id, plan)
    return Prepared(options={"rest_cases": [(row.id, f"{row.title}（{row.unit}，{row.number}）") for row in rest]})


def _publicise(work: Work, ground: Ground) -> Prepared:
    """Which round it is about, with its cases, for who sees the campaign's rounds."""
    task, campaign = ground.task, ground.campaign
    if not ground.shown or task.state != "open" or not can(ground.person, "campaign.board", campaign_subject(work, campaign.id)):
        return Prepared()
    properties = find_node(work, task).camunda.properties
    period = instance_variables(work, task.instance_id, token=task.token)[properties.get("occurrence", "period")]
    line, found = rounds.list_round_cases(work, ground.person, campaign.id, properties["round"], period["key"])
    return Prepared(context={"round": line, "round_cases": found})


def _confirm_date(work: Work, ground: Ground) -> Prepared:
    """The candidates of the unknown date, beside the notice's words."""
    name = find_node(work, ground.task).camunda.properties["date"]
    value = load_date(ground.campaign.dates[name])
    return Prepared(options={"date_candidates": candidate_options(value)}, context={"date": value, "date_name": name})


def _report(work: Work, ground: Ground) -> Prepared:
    """The last version to go on from, and what the recipient said of it."""
    assert ground.report is not None
    values = latest_versions(work, [ground.report.id]).get(ground.report.id, {})
    return Prepared(values=values, context={"report": get_report(work, ground.person, ground.report.id)} if ground.shown else {})


def _examine_report(work: Work, ground: Ground) -> Prepared:
    assert ground.report is not None
    return Prepared(context={"report": get_report(work, ground.person, ground.report.id)} if ground.shown else {})


def _conclude(work: Work, ground: Ground) -> Prepared:
    """Who has not handed in, of the reports that this step concludes."""
    properties = find_node(work, ground.task).camunda.properties
    return Prepared(context={"unfinished": reports.list_unfinished(work, ground.campaign.id, properties)} if ground.shown else {})


def find_body(work: Work, task_id: str) -> str:
    """The body that a recommendation's task belongs to: the organisation of its candidate group."""
    groups = sa.select(user_task_candidate.c.candidate).where(
        user_task_candidate.c.task_id == task_id, user_task_candidate.c.kind == "group"
    )
    return str(work.connection.execute(groups).scalars().one()).partition("@")[2]


PREPARATIONS: dict[str, Callable[[Work, Ground], Prepared]] = {
    "applications.submit": _application("applications.submit"),
    "applications.correct": _application("applications.correct"),
    "applications.supplement": _application("applications.supplement"),
    "recommendations.submit": _recommendation,
    "campaigns.issue": _issue,
    "audits.record": _examine,
    "audits.report": _report_onward,
    "audits.assess": _examine,
    "publications.publish_next": _publish_next,
    "forwardings.record": _forward,
    "rounds.place_rest": _place_rest,
    "rounds.publicise": _publicise,
    "reviews.organise": _organise,
    "reviews.record": _review,
    "selection.record": _select,
    "selection.choose": _choose,
    "consultations.settle": _settle,
    "publications.publish": _publish,
    "dates.confirm": _confirm_date,
    "reports.submit": _report,
    "reports.examine": _examine_report,
    "reports.conclude": _conclude,
    "stages.rank": _rank,
    "stages.settle": _settle_stage,
    "stages.seal": _seal,
}
