"""What a permission is asked about: the few facts of a row that the rules look at, read in one or two statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from engine.database import Moment
from engine.errors import Problem, TaskUnknown
from engine.tables import candidate_set, incident, user_task
from engine.work import Work, foresee, recalled
from workflows.organisations import get_organisation
from workflows.rules.standing import stands_in
from workflows.tables import campaign, case, notice, organisation, recommending_body, report, review, substitution

REVIEWING = ("assigned", "submitted", "closed")
"""States of a review in which its expert belongs to the case; a dropped expert sees it no more."""
PART = 300
"""Things of which one statement reads the facts: SQLite bounds its values."""


class CaseUnknown(Problem):
    """There is no such case, or the person may not see it: the answer is the same, so that nobody can probe."""

    kind = "missing"


class CampaignUnknown(Problem):
    """There is no such campaign, or the person may not see it."""

    kind = "missing"


class ReportUnknown(Problem):
    """There is no such report, or the person may not see it."""

    kind = "missing"


class NoticeUnknown(Problem):
    """There is no such notice, or the person may not see it."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class TaskSubject:
    """A user task. `candidates` holds groups (`auditor@<organisation id>`) and ids of persons; `acting` who may do it for whom
    now: (substitute, who is away), see `standing.stands_in`."""

    id: str
    state: str
    assignee: str | None
    owner: str | None
    closed_by: str | None
    candidates: frozenset[str]
    acting: frozenset[tuple[str, str]] = frozenset()

    def find_absent(self, person_id: str) -> str | None:
        """For whom this person may do it; None where that is nobody."""
        return min((away for substitute, away in self.acting if substitute == person_id), default=None)


@dataclass(frozen=True, slots=True)
class BulkSubject:
    """A bulk job: who asked for it."""

    created_by: str | None


@dataclass(frozen=True, slots=True)
class HelperSubject:
    """A step that somebody is asked to help with: the task's candidates, and the groups of the person who asks."""

    candidates: frozenset[str]
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class CampaignSubject:
    """A campaign with its recommending bodies; with `parent_id` a body's own stage within that campaign."""

    id: str
    organiser_id: str
    phase: str
    bodies: frozenset[str]
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """A case; `experts` are the ids of the persons who review it, `stage_id` and `prefecture_id` where its body runs a stage."""

    id: str
    number: str
    campaign_id: str
    organiser_id: str
    institution_id: str
    body_id: str | None
    state: str
    experts: frozenset[str]
    stage_id: str | None = None
    prefecture_id: str | None = None

    @property
    def forms_of(self) -> str:
        """The campaign whose forms it is filled in with: its body's own stage, else its own."""
        return self.stage_id or self.campaign_id


@dataclass(frozen=True, slots=True)
class RemarkSubject:
    """A remark on a case. `place_id` is the office whose officials it is for; None: all who handle the case."""

    case: CaseSubject
    place_id: str | None
    author_id: str


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """A report. `recipient_id` examines it: the campaign's organiser, or for a `child` the body that asked for it."""

    id: str
    campaign_id: str
    reporter_id: str
    recipient_id: str
    child: bool
    state: str


@dataclass(frozen=True, slots=True)
class AttachmentSubject:
    """An uploaded file. `handed_in`: its task was completed with it. `blind`: its field may be shown in blind review."""

    id: str
    uploaded_by: str
    case: CaseSubject | None
    task: TaskSubject | None
    handed_in: bool
    blind: bool


@dataclass(frozen=True, slots=True)
class NoticeSubject:
    """A notice's version: `deployed`, or a `draft` of the designer."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class DraftSubject:
    """A draft of a notice; `writers` are the ids of all who saved a version of it."""

    id: str
    state: str
    writers: frozenset[str]


@dataclass(frozen=True, slots=True)
class IncidentSubject:
    """Something that gave up; `organiser_id` is the organiser of the campaign it stopped, where there is one."""

    id: str
    organiser_id: str | None


@dataclass(frozen=True, slots=True)
class SubstitutionSubject:
    """That somebody acts for somebody else."""

    person_id: str
    substitute_id: str
    created_by: str


@dataclass(frozen=True, slots=True)
class OrganisationSubject:
    """A place in the tree: `path` holds the ids from the root down to it."""

    id: str
    path: str


@dataclass(frozen=True, slots=True)
class ActivitySubject:
    """An activity of a notice's calendar: the organiser of the campaign, and the organisations of the tree that hold it."""

    organiser_id: str
    organisations: frozenset[str]


Subject = (
    ActivitySubject
    | TaskSubject
    | BulkSubject
    | HelperSubject
    | CampaignSubject
    | CaseSubject
    | RemarkSubject
    | ReportSubject
    | AttachmentSubject
    | NoticeSubject
    | DraftSubject
    | IncidentSubject
    | OrganisationSubject
    | SubstitutionSubject
    | None
)
"""None stands for the installation as a whole."""


_TASK = (
    sa.select(
        user_task.c.id, user_task.c.state, user_task.c.assignee, user_task.c.owner, user_task.c.closed_by,
        candidate_set.c.candidate, substitution.c.substitute_id, substitution.c.person_id,
    )
    .outerjoin(candidate_set, candidate_set.c.id == user_task.c.candidate_set)
    .outerjoin(substitution, stands_in(sa.bindparam("now", type_=Moment)))
)  # fmt: skip
_ONE_TASK = _TASK.where(user_task.c.id == sa.bindparam("task"))
_CAMPAIGN = sa.select(campaign.c.id, campaign.c.organiser_id, campaign.c.phase, campaign.c.parent_id).where(
    campaign.c.id == sa.bindparam("campaign")
)
_BODIES = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == sa.bindparam("campaign"))
_CASE = (
    sa.select(
        case.c.id, case.c.number, case.c.campaign_id, campaign.c.organiser_id, case.c.institution_id, case.c.body_id,
        case.c.state, case.c.stage_id, case.c.prefecture_id, review.c.expert_id,
    )
    .join(campaign, campaign.c.id == case.c.campaign_id)
    .outerjoin(review, sa.and_(review.c.case_id == case.c.id, review.c.state.in_(REVIEWING)))
)  # fmt: skip
_ONE_CASE = _CASE.where(case.c.id == sa.bindparam("case"))


@recalled
def task_subject(work: Work, task_id: str) -> TaskSubject:
    """The facts of a user task.

    Raises TaskUnknown.
    """
    rows = work.connection.execute(_ONE_TASK, {"task": task_id, "now": work.now}).all()
    if not rows:
        raise TaskUnknown()
    return _tell_task(rows)


def foresee_tasks(work: Work, task_ids: Sequence[str]) -> None:
    """Read the facts of some hundreds of tasks, for each of which `task_subject` is going to be asked."""
    rows = work.connection.execute(_TASK.where(user_task.c.id.in_(task_ids)).order_by(user_task.c.id), {"now": work.now}).all()
    foresee(work, task_subject, [(each, _tell_task(list(of_it))) for each, of_it in groupby(rows, key=lambda row: str(row.id))])


def _tell_task(rows: Sequence[Any]) -> TaskSubject:
    row, candidates = rows[0], frozenset(each.candidate for each in rows if each.candidate is not None)
    acting = frozenset((each.substitute_id, each.person_id) for each in rows if each.substitute_id is not None)
    return TaskSubject(row.id, row.state, row.assignee, row.owner, row.closed_by, candidates, acting)


@recalled
def campaign_subject(work: Work, campaign_id: str) -> CampaignSubject:
    """The facts of a campaign.

    Raises CampaignUnknown.
    """
    row = work.connection.execute(_CAMPAIGN, {"campaign": campaign_id}).one_or_none()
    if row is None:
        raise CampaignUnknown()
    bodies = frozenset(work.connection.execute(_BODIES, {"campaign": campaign_id}).scalars())
    return CampaignSubject(row.id, row.organiser_id, row.phase, bodies, row.parent_id)


@recalled
def case_subject(work: Work, case_id: str) -> CaseSubject:
    """The facts of a case.

    Raises CaseUnknown.
    """
    rows = work.connection.execute(_ONE_CASE, {"case": case_id}).all()
    if not rows:
        raise CaseUnknown()
    return _tell_case(rows)


def case_subjects(work: Work, case_ids: Iterable[str]) -> dict[str, CaseSubject]:
    """The facts of many cases by their ids, in few statements; cases that are not there are left out."""
    found, ids = {}, sorted(set(case_ids))
    for start in range(0, len(ids), PART):
        query = _CASE.where(case.c.id.in_(ids[start : start + PART])).order_by(case.c.id)
        for case_id, rows in groupby(work.connection.execute(query).all(), key=lambda row: str(row.id)):
            found[case_id] = _tell_case(list(rows))
    return found


def _tell_case(rows: Sequence[Any]) -> CaseSubject:
    row = rows[0]
    return CaseSubject(
        id=row.id,
        number=row.number,
        campaign_id=row.campaign_id,
        organiser_id=row.organiser_id,
        institution_id=row.institution_id,
        body_id=row.body_id,
        state=row.state,
        experts=frozenset(each.expert_id for each in rows if each.expert_id is not None),
        stage_id=row.stage_id,
        prefecture_id=row.prefecture_id,
    )


def report_subject(work: Work, report_id: str) -> ReportSubject:
    """The facts of a report.

    Raises ReportUnknown.
    """
    row = work.connection.execute(sa.select(report).where(report.c.id == report_id)).one_or_none()
    if row is None:
        raise ReportUnknown()
    return ReportSubject(row.id, row.campaign_id, row.reporter_id, row.recipient_id, row.parent_id is not None, row.state)


def notice_subject(work: Work, notice_id: str) -> NoticeSubject:
    """The facts of a notice's version.

    Raises NoticeUnknown.
    """
    row = work.connection.execute(sa.select(notice.c.id, notice.c.state).where(notice.c.id == notice_id)).one_or_none()
    if row is None:
        raise NoticeUnknown()
    return NoticeSubject(row.id, row.state)


def incident_subject(work: Work, incident_id: str) -> IncidentSubject | None:
    """The facts of an incident; None when there is no such."""
    row = work.connection.execute(sa.select(incident).where(incident.c.id == incident_id)).one_or_none()
    if row is None:
        return None
    of_case = sa.select(case.c.campaign_id).where(case.c.instance_id == row.instance_id)
    of_report = sa.select(report.c.campaign_id).where(report.c.instance_id == row.instance_id)
    stopped = sa.or_(campaign.c.instance_id == row.instance_id, campaign.c.id.in_(of_case), campaign.c.id.in_(of_report))
    organiser = work.connection.execute(sa.select(campaign.c.organiser_id).where(stopped)).scalar()
    return IncidentSubject(row.id, organiser)


def activity_subject(work: Work, organiser_id: str, names: Sequence[str]) -> ActivitySubject:
    """The facts of an activity that is held by organisations of these names (or short names)."""
    named = sa.or_(organisation.c.name.in_(names), organisation.c.short_name.in_(names))
    found = work.connection.execute(sa.select(organisation.c.id).where(named)).scalars()
    return ActivitySubject(organiser_id, frozenset(found))


def organisation_subject(work: Work, organisation_id: str) -> OrganisationSubject:
    """The place of an organisation in the tree.

    Raises OrganisationUnknown.
    """
    found = get_organisation(work, organisation_id)
    return OrganisationSubject(found.id, found.path)
