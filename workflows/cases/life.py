"""What becomes of a case after its audits, in order: list, rounds, selection, consultation, publication, reports, deadlines.

It is read beside `get_case`, for tasks show the case without it. Each part is one statement however much there is of it and holds
what its reader may know; whoever reviews the case blind is told nothing but when their own work is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.tables import OPEN, user_task
from engine.work import Work
from workflows.campaigns.forms import campaign_notice
from workflows.case_states import PUBLIC
from workflows.cases.life_views import (
    CaseLife,
    CommentView,
    DeadlineView,
    PublicationView,
    RecommendationView,
    RoundView,
    SelectionView,
    StageListView,
)
from workflows.cases.rows import find_row
from workflows.people import Person
from workflows.ranked_lists import read_list
from workflows.reports.reading import list_reports
from workflows.rounds import read_plans
from workflows.rules import CaseSubject, CaseUnknown, awaited_tasks, campaign_subject, can, case_subject, own_tasks
from workflows.scoring import round_score
from workflows.tables import (
    comment,
    organisation,
    person,
    publication,
    publication_item,
    recommending_body,
    round_,
    round_case,
    selection,
    selection_item,
    window,
)

MOST_COMMENTS = 200
"""Comments that are told of one case, the earliest; who settles the consultation has them all."""


def read_life(work: Work, reader: Person, case_id: str) -> CaseLife:
    """The later life of the case as `reader` may know it.

    Raises CaseUnknown, also when the person may not see it.
    """
    subject = case_subject(work, case_id)
    if not can(reader, "case.read", subject):
        raise CaseUnknown()
    tasks = _list_tasks(work, reader, subject)
    if not can(reader, "case.identity", subject):
        return CaseLife(deadlines=tuple(tasks))
    row = find_row(work, subject.number)
    assert row is not None
    campaign = campaign_subject(work, subject.campaign_id)
    stage = None if subject.stage_id is None else campaign_subject(work, subject.stage_id)
    whole = {campaign.id} if can(reader, "campaign.manage", campaign) else set()
    if stage is not None and can(reader, "stage.run", stage):
        whole.add(stage.id)
    boards = can(reader, "campaign.board", campaign)
    reports = bool(subject.body_id and boards and campaign_notice(work, campaign.id).notice.reports)
    return CaseLife(
        recommendation=_read_recommendation(work, reader, subject, row),
        stage_list=_read_stage_list(work, subject) if subject.stage_id in whole else None,
        rounds=tuple(_list_rounds(work, subject)) if boards else (),
        selections=_list_selections(work, subject, whole=can(reader, "case.scores", subject), public=campaign.phase in PUBLIC),
        comments=tuple(_list_comments(work, subject, whole)),
        publications=tuple(_list_publications(work, subject)),
        reports=tuple(list_reports(work, campaign.id, reader=reader, reporter_id=subject.body_id)) if reports else (),
        deadlines=tuple(sorted([*_list_windows(work, subject), *tasks], key=lambda each: each.at)),
    )


def _read_recommendation(work: Work, reader: Person, subject: CaseSubject, row: sa.Row[Any]) -> RecommendationView | None:
    if subject.body_id is None or (row.rank is None and row.state != "not_recommended"):
        return None
    found = work.connection.execute(_LIST, {"campaign": subject.campaign_id, "body": subject.body_id}).one_or_none()
    if found is None or found.recommended_at is None:
        return None
    handles = can(reader, "case.remark", subject)  # the officials: what a list says of itself is no applicant's
    named = found.office in reader.offices or can(reader, "case.scores", subject)
    return RecommendationView(
        body=found.short_name,
        received_at=found.recommended_at,
        rank=row.rank,
        remark=found.remark if handles else None,
        by=found.name if handles and named else None,
    )


def _read_stage_list(work: Work, subject: CaseSubject) -> StageListView | None:
    found = None if subject.stage_id is None else read_list(work, subject.stage_id)
    if found is None:
        return None
    place = found.cases.index(subject.id) + 1 if subject.id in found.cases else None
    return StageListView(place, subject.id in found.dropped, found.ranked_at, found.sealed_at, found.sha256)


def _list_rounds(work: Work, subject: CaseSubject) -> Iterable[RoundView]:
    rows = work.connection.execute(_ROUNDS, {"case": subject.id}).all()
    plans = read_plans(work, subject.campaign_id) if rows else {}
    for row in rows:
        named = plans[row.plan].round
        names = {"zh": named.zh, "en": named.en}
        yield RoundView(names, row.plan, row.occurrence, row.cutoff_at, row.closed_at, row.publicity)


def _list_selections(work: Work, subject: CaseSubject, *, whole: bool, public: bool) -> tuple[SelectionView, ...]:
    if not whole and not public:
        return ()
    rows = work.connection.execute(_SELECTIONS, {"campaign": subject.campaign_id, "case": subject.id}).all()
    if not whole:
        return tuple(SelectionView(row.at, row.selected) for row in rows[-1:])
    return tuple(
        SelectionView(
            at=row.at,
            selected=row.selected,
            place=row.place,
            score=None if row.score is None else round_score(Decimal(row.score)),
            note=row.note,
            cut=row.cut,
            method=row.method,
            reason=row.reason,
            by=row.name,
        )
        for row in rows
    )


def _list_comments(work: Work, subject: CaseSubject, whole: set[str]) -> Iterable[CommentView]:
    """Those of the campaign and of its body's own stage; `whole` are the campaigns of which the reader is told all."""
    for row in work.connection.execute(_COMMENTS, {"case": subject.id}):
        told = (row.id, row.kind, row.received_at, row.state, row.answer, row.decided_at)
        if row.campaign_id in whole:
            yield CommentView(*told, row.from_name, row.from_contact, row.text, row.name)
        elif row.state != "open":
            yield CommentView(*told)


def _list_publications(work: Work, subject: CaseSubject) -> Iterable[PublicationView]:
    for row in work.connection.execute(_PUBLICATIONS, {"campaign": subject.campaign_id, "case": subject.id}):
        yield PublicationView(row.title, row.published_at, row.place, row.campaign_id)


def _list_windows(work: Work, subject: CaseSubject) -> Iterable[DeadlineView]:
    """The cut-offs that hold for the case: everybody's, its body's, its institution's, its prefecture's."""
    campaigns = [each for each in (subject.campaign_id, subject.stage_id) if each]
    places = [each for each in (subject.body_id, subject.institution_id, subject.prefecture_id) if each]
    for row in work.connection.execute(_WINDOWS, {"campaigns": campaigns, "places": places}):
        yield DeadlineView(row.name, row.cutoff_at, unit=row.short_name, stage=row.campaign_id == subject.stage_id)


def _list_tasks(work: Work, reader: Person, subject: CaseSubject) -> list[DeadlineView]:
    """Open steps of the case with a date: the reader's own, and those of offices that the reader may urge; never an expert's."""
    shown = [own_tasks(reader)]
    if can(reader, "case.urge", subject):
        shown.append(awaited_tasks(reader))
    query = sa.select(user_task.c.name, user_task.c.due_at).where(
        OPEN, user_task.c.business_key == subject.number, user_task.c.due_at.is_not(None), sa.or_(*shown)
    )
    return [DeadlineView("task", row.due_at, step=row.name) for row in work.connection.execute(query)]


_LIST = (
    sa.select(recommending_body, organisation.c.short_name, person.c.name, person.c.organisation_id.label("office"))
    .join(organisation, organisation.c.id == recommending_body.c.organisation_id)
    .outerjoin(person, person.c.id == recommending_body.c.recommended_by)
    .where(
        recommending_body.c.campaign_id == sa.bindparam("campaign"),
        recommending_body.c.organisation_id == sa.bindparam("body"),
    )
)
_ROUNDS = (
    sa.select(round_)
    .join(round_case, round_case.c.round_id == round_.c.id)
    .where(round_case.c.case_id == sa.bindparam("case"))
    .order_by(round_.c.cutoff_at, round_.c.plan)
)
_SELECTIONS = (
    sa.select(selection, *(selection_item.c[name] for name in ("place", "score", "selected", "note")), person.c.name)
    .join(selection_item, selection_item.c.selection_id == selection.c.id)
    .outerjoin(person, person.c.id == selection.c.by)
    .where(selection.c.campaign_id == sa.bindparam("campaign"), selection_item.c.case_id == sa.bindparam("case"))
    .order_by(selection.c.at, selection.c.id)
)
_COMMENTS = (
    sa.select(comment, person.c.name)
    .outerjoin(person, person.c.id == comment.c.decided_by)
    .where(comment.c.case_id == sa.bindparam("case"))
    .order_by(comment.c.received_at, comment.c.id)
    .limit(MOST_COMMENTS)
)
_PUBLICATIONS = (
    sa.select(publication, publication_item.c.place)
    .join(publication_item, publication_item.c.publication_id == publication.c.id)
    .where(publication.c.campaign_id == sa.bindparam("campaign"), publication_item.c.case_id == sa.bindparam("case"))
    .order_by(publication.c.published_at, publication.c.id)
)
_WINDOWS = (
    sa.select(window.c.name, window.c.cutoff_at, window.c.campaign_id, organisation.c.short_name)
    .outerjoin(organisation, organisation.c.id == window.c.organisation_id)
    .where(
        window.c.campaign_id.in_(sa.bindparam("campaigns", expanding=True)),
        sa.or_(window.c.organisation_id.is_(None), window.c.organisation_id.in_(sa.bindparam("places", expanding=True))),
    )
    .order_by(window.c.cutoff_at, window.c.id)
)
