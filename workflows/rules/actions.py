"""The one question about permission, and the table of all actions that it knows.

| action | subject | who may |
|---|---|---|
| `inbox.read` | - | everybody who is logged in |
| `definition.read` | - | designers, releasers, organisers, administrators |
| `definition.deploy` | - | designers |
| `outbox.read` | - | administrators |
| `installation.read` | - | administrators: whether the background work keeps up |
| `notice.read` | notice | everybody; what a folder left as a draft only designers and releasers |
| `notice.edit` | - | designers: start, write and hand over drafts of notices |
| `notice.review` | - | designers, releasers: read drafts with their versions and comparisons |
| `notice.return` | - | releasers: a draft that was handed over |
| `notice.release` | draft | releasers who wrote no version of it: two pairs of eyes |
| `campaign.create` | organisation | organisers at it |
| `campaign.read` | campaign | everybody; while it is prepared only its organisers |
| `campaign.board` | campaign | its organisers; auditors of its recommending bodies (each sees its own body's row) |
| `campaign.manage` | campaign | its organisers: dates, settings, experts, comments; nobody for a body's own stage |
| `campaign.archive` | campaign | its organisers (whether it is over is asked elsewhere); nobody for a body's own stage |
| `campaign.remind` | campaign | its organisers; auditors of its recommending bodies (`owed_tasks` says of what) |
| `stage.open` | campaign | auditors of its recommending bodies, each for the own body, once it was issued; not within a stage |
| `stage.run` | campaign | of a body's own stage that body's auditors |
| `campaign.apply` | campaign | applicants, once it was issued (whether in time is decided with the window, not here) |
| `letter.read` | campaign | its organisers; administrators |
| `letter.recipient` | campaign | its organisers: whose letter it is; administrators see masks |
| `letter.resend` | campaign | its organisers |
| `case.read` | case | its applicants, its experts (blind); once submitted its body's and prefecture's auditors, its organisers |
| `case.identity` | case | who may read it and is not its expert: institution, body, contacts, names of files |
| `case.history` | case | as `case.identity` |
| `case.audits` | case | as `case.identity` |
| `case.scores` | case | its campaign's organisers who are not its experts |
| `case.personal` | case | as `case.identity`: who handles the case works with the persons named in it; others see masks |
| `case.views` | case | as `case.scores`: who saw what of it |
| `case.watch` | case | as `case.identity` |
| `case.remark` | case | once submitted its organisers, its body's and prefecture's auditors, not its experts: talk about it |
| `case.copy` | case | as `case.remark`: to show it to a colleague, and to be shown it |
| `case.stop` | case | its campaign's organisers who are not its experts: suspend, resume, terminate it; set a task's priority |
| `case.urge` | case | as `case.identity`: those whom the case waits for (`awaited_tasks` says which of its tasks) |
| `remark.read` | remark | who may talk about its case, at its office where it is for one |
| `remark.retract` | remark | its author, as long as that may read it |
| `report.start` | campaign | auditors of its bodies, once it was issued: an unscheduled report |
| `report.read` | report | auditors of the body that reports; who examines it: organisers, of a child the asking body |
| `report.collect` | report | auditors of the body that reports, while they write: ask below for the same, sum up what came |
| `case.refuse_late` | case | its campaign's organisers who are not its experts: refuse what was late and was taken |
| `case.arrive` | case | its organisers and its body's auditors, once submitted: note that it came by mail or on paper, too |
| `bulk.read` | bulk job | who asked for it: how far it is, what became of each item; and to stop it |
| `activity.report` | activity | auditors at one of the organisations that hold it; the campaign's organisers |
| `task.read` | task | assignee, owner, candidates, who closed it, who stands in for who has it (`standing.stands_in`) |
| `task.claim` | task | candidates, while it is open and nobody has it |
| `task.unclaim` | task | who has claimed it |
| `task.complete` | task | its assignee, unless it is only delegated to them; a candidate while nobody has it; who stands in |
| `task.draft` | task | as `task.complete`; who prepares it for its owner |
| `task.return` | task | as `task.complete`; the diagram says whether and whereto |
| `task.transfer` | task | as `task.complete`; the diagram says whether |
| `task.delegate` | task | as `task.complete`; the diagram says whether |
| `task.hand_back` | task | while it is delegated its owner, and who prepares it |
| `task.skip` | task | as `task.complete`; the diagram says whether |
| `task.withdraw` | task | who completed it; the diagram says whether |
| `task.cancel_branch` | task | as `task.complete`; the diagram says whether |
| `task.add_signer` | task | as `task.complete`; the diagram says whether |
| `task.remove_signer` | task | as `task.complete`; the diagram says whether |
| `task.plan` | task | as `task.complete`: its priority, and when to look at it again |
| `task.receive` | task | candidates: to whom a task can be transferred |
| `attachment.read` | attachment | who uploaded it; once handed in with its case (experts: fields shown blind), else its task |
| `external.work` | - | workers: programs that do external tasks |
| `incident.read` | incident | administrators; organisers of the campaign that it stopped |
| `incident.retry` | incident | administrators |
| `incident.skip` | incident | administrators: pass over what the system does by itself at the step that failed |
| `incident.edit` | incident | administrators: change variables of its instance (no content of forms is among them) |
| `substitution.appoint` | organisation | of who is away: administrators at or above it (others: for themselves, a colleague) |
| `substitution.end` | substitution | who is away, the substitute, who appointed them |
| `person.help` | helper | who may be asked to sign or to prepare a task: members of its groups, else of the asker's groups |
| `organisation.manage` | organisation | administrators at it or above it |
| `workdays.edit` | - | administrators: decide about days, import a year (to read them needs no permission) |

Roles are held at organisations. An administrator keeps the installation running and reads no case: separate powers (三员分立).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import Problem
from workflows.people import Person
from workflows.rules.subjects import (
    ActivitySubject,
    AttachmentSubject,
    BulkSubject,
    CampaignSubject,
    CaseSubject,
    DraftSubject,
    HelperSubject,
    IncidentSubject,
    NoticeSubject,
    OrganisationSubject,
    RemarkSubject,
    ReportSubject,
    Subject,
    SubstitutionSubject,
    TaskSubject,
)


class NotPermitted(Problem):
    """The person sees the subject but may not do this; `action` says what."""

    kind = "forbidden"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: which kind of subject, and the test."""

    subject: type | None
    test: Callable[[Person, Any], bool]


def can(person: Person, action: str, subject: Subject = None) -> bool:
    """Whether the person may do this with the subject. Knows nothing of time: a window's moment is decided elsewhere.

    Raises KeyError for an action that the table does not have, TypeError for a subject of another kind: faults of ours.
    """
    rule = ACTIONS[action]
    expected = rule.subject or type(None)
    if not isinstance(subject, expected):
        raise TypeError(f"{action} is asked about {expected.__name__}, not {type(subject).__name__}")
    return rule.test(person, subject)


def require(person: Person, action: str, subject: Subject = None) -> None:
    """Nothing when the person may.

    Raises NotPermitted.
    """
    if not can(person, action, subject):
        raise NotPermitted(action=action)


def _holds(*roles: str) -> Callable[[Person, None], bool]:
    return lambda person, _: any(held in roles for held, _at in person.memberships)


_drafts = _holds("designer", "releaser")


def _releases(person: Person, draft: DraftSubject) -> bool:
    return _holds("releaser")(person, None) and person.id not in draft.writers


def _organises(person: Person, subject: CampaignSubject | CaseSubject) -> bool:
    # A body's own stage is run by the officials who audit for the body.
    role = "auditor" if isinstance(subject, CampaignSubject) and subject.parent_id is not None else "organiser"
    return (role, subject.organiser_id) in person.memberships


def _opens_stage(person: Person, campaign: CampaignSubject) -> bool:
    within = campaign.parent_id is not None
    return not within and campaign.phase != "prepared" and bool(person.organisations("auditor") & campaign.bodies)


def _applies_for(person: Person, case: CaseSubject) -> bool:
    return ("applicant", case.institution_id) in person.memberships


def _audits(person: Person, case: CaseSubject) -> bool:
    return any(place is not None and ("auditor", place) in person.memberships for place in (case.body_id, case.prefecture_id))


def _handles(person: Person, case: CaseSubject) -> bool:
    """An official whose office the case has reached."""
    return case.state != "draft" and (_audits(person, case) or _organises(person, case))


def _knows(person: Person, case: CaseSubject) -> bool:
    # Blindness wins: whoever reviews a case sees it as an expert does, whatever else they are.
    return person.id not in case.experts and (_applies_for(person, case) or _handles(person, case))


def _talks(person: Person, case: CaseSubject) -> bool:
    """Officials among themselves: neither applicants nor experts hear what they say."""
    return person.id not in case.experts and _handles(person, case)


def _reads_remark(person: Person, remark: RemarkSubject) -> bool:
    at_place = any((role, remark.place_id) in person.memberships for role in ("auditor", "organiser"))
    return _talks(person, remark.case) and (remark.place_id is None or at_place)


def _reads_case(person: Person, case: CaseSubject) -> bool:
    return person.id in case.experts or _knows(person, case)


def _reads_campaign(person: Person, campaign: CampaignSubject) -> bool:
    return campaign.phase != "prepared" or _organises(person, campaign)


def _reads_board(person: Person, campaign: CampaignSubject) -> bool:
    return _organises(person, campaign) or bool(person.organisations("auditor") & campaign.bodies)


def _starts_reports(person: Person, campaign: CampaignSubject) -> bool:
    return campaign.phase != "prepared" and bool(person.organisations("auditor") & campaign.bodies)


def _reports(person: Person, report: ReportSubject) -> bool:
    return ("auditor", report.reporter_id) in person.memberships


def _reads_report(person: Person, report: ReportSubject) -> bool:
    examiner = ("auditor" if report.child else "organiser", report.recipient_id)
    return _reports(person, report) or examiner in person.memberships


def _reports_activity(person: Person, activity: ActivitySubject) -> bool:
    held = bool(person.organisations("auditor") & activity.organisations)
    return held or ("organiser", activity.organiser_id) in person.memberships


def _is_candidate(person: Person, task: TaskSubject) -> bool:
    return person.id in task.candidates or bool(person.groups & task.candidates)


def _stands_in(person: Person, task: TaskSubject) -> bool:
    """Somebody acts for who has the task, and is away (代办)."""
    return task.state == "open" and task.find_absent(person.id) is not None


def _reads_task(person: Person, task: TaskSubject) -> bool:
    return _stands_in(person, task) or person.id in (task.assignee, task.owner, task.closed_by) or _is_candidate(person, task)


def _claims(person: Person, task: TaskSubject) -> bool:
    return task.state == "open" and task.assignee is None and _is_candidate(person, task)


def _works_on(person: Person, task: TaskSubject) -> bool:
    return task.state == "open" and (task.assignee == person.id or _claims(person, task) or _stands_in(person, task))


def _completes(person: Person, task: TaskSubject) -> bool:
    return task.owner is None and _works_on(person, task)


def _hands_back(person: Person, task: TaskSubject) -> bool:
    return task.state == "open" and task.owner is not None and person.id in (task.owner, task.assignee)


def _helps(person: Person, asked: HelperSubject) -> bool:
    grouped = any("@" in name for name in asked.candidates)
    return bool(person.groups & (asked.candidates if grouped else asked.groups))


def _unclaims(person: Person, task: TaskSubject) -> bool:
    return task.state == "open" and task.owner is None and task.assignee == person.id and _is_candidate(person, task)


def _reads_attachment(person: Person, file: AttachmentSubject) -> bool:
    if file.case is not None and person.id in file.case.experts:
        return file.handed_in and file.blind
    if file.uploaded_by == person.id:
        return True
    if file.case is not None:
        return _applies_for(person, file.case) if not file.handed_in else _knows(person, file.case)
    return file.task is not None and _reads_task(person, file.task)


def _reads_incident(person: Person, incident: IncidentSubject) -> bool:
    return _holds("administrator")(person, None) or ("organiser", incident.organiser_id) in person.memberships


def _manages(person: Person, place: OrganisationSubject) -> bool:
    above = place.path.strip("/").split("/")
    return any(("administrator", organisation_id) in person.memberships for organisation_id in above)


ACTIONS: dict[str, Rule] = {
    "inbox.read": Rule(None, lambda person, _: True),
    "definition.read": Rule(None, _holds("designer", "releaser", "organiser", "administrator")),
    "definition.deploy": Rule(None, _holds("designer")),
    "outbox.read": Rule(None, _holds("administrator")),
    "installation.read": Rule(None, _holds("administrator")),
    "notice.read": Rule(NoticeSubject, lambda person, notice: notice.state == "deployed" or _drafts(person, None)),
    "notice.edit": Rule(None, _holds("designer")),
    "notice.review": Rule(None, _drafts),
    "notice.return": Rule(None, _holds("releaser")),
    "notice.release": Rule(DraftSubject, _releases),
    "campaign.create": Rule(OrganisationSubject, lambda person, place: ("organiser", place.id) in person.memberships),
    "campaign.read": Rule(CampaignSubject, _reads_campaign),
    "campaign.board": Rule(CampaignSubject, _reads_board),
    "campaign.manage": Rule(
        CampaignSubject, lambda person, campaign: campaign.parent_id is None and _organises(person, campaign)
    ),
    "campaign.archive": Rule(
        CampaignSubject,
        lambda person, campaign: campaign.parent_id is None and _organises(person, campaign),
    ),
    "campaign.remind": Rule(CampaignSubject, _reads_board),
    "campaign.apply": Rule(
        CampaignSubject,
        lambda person, campaign: (
            campaign.phase != "prepared" and campaign.parent_id is None and bool(person.organisations("applicant"))
        ),
    ),
    "stage.open": Rule(CampaignSubject, _opens_stage),
    "stage.run": Rule(CampaignSubject, lambda person, campaign: campaign.parent_id is not None and _organises(person, campaign)),
    "letter.read": Rule(
        CampaignSubject, lambda person, campaign: _organises(person, campaign) or _holds("administrator")(person, None)
    ),
    "letter.recipient": Rule(CampaignSubject, _organises),
    "letter.resend": Rule(CampaignSubject, _organises),
    "case.read": Rule(CaseSubject, _reads_case),
    "case.identity": Rule(CaseSubject, _knows),
    "case.history": Rule(CaseSubject, _knows),
    "case.audits": Rule(CaseSubject, _knows),
    "case.scores": Rule(CaseSubject, lambda person, case: _knows(person, case) and _organises(person, case)),
    "case.personal": Rule(CaseSubject, _knows),
    "case.views": Rule(CaseSubject, lambda person, case: _knows(person, case) and _organises(person, case)),
    "case.watch": Rule(CaseSubject, _knows),
    "case.remark": Rule(CaseSubject, _talks),
    "case.copy": Rule(CaseSubject, _talks),
    "case.stop": Rule(CaseSubject, lambda person, case: _talks(person, case) and _organises(person, case)),
    "case.urge": Rule(CaseSubject, _knows),
    "remark.read": Rule(RemarkSubject, _reads_remark),
    "remark.retract": Rule(RemarkSubject, lambda person, remark: person.id == remark.author_id and _reads_remark(person, remark)),
    "report.start": Rule(CampaignSubject, _starts_reports),
    "report.read": Rule(ReportSubject, _reads_report),
    "report.collect": Rule(
        ReportSubject, lambda person, report: _reports(person, report) and report.state in ("draft", "returned")
    ),
    "case.refuse_late": Rule(CaseSubject, lambda person, case: _knows(person, case) and _organises(person, case)),
    "case.arrive": Rule(CaseSubject, _handles),
    "bulk.read": Rule(BulkSubject, lambda person, job: job.created_by == person.id),
    "activity.report": Rule(ActivitySubject, _reports_activity),
    "task.read": Rule(TaskSubject, _reads_task),
    "task.claim": Rule(TaskSubject, _claims),
    "task.unclaim": Rule(TaskSubject, _unclaims),
    "task.complete": Rule(TaskSubject, _completes),
    "task.draft": Rule(TaskSubject, _works_on),
    "task.return": Rule(TaskSubject, _completes),
    "task.transfer": Rule(TaskSubject, _completes),
    "task.delegate": Rule(TaskSubject, _completes),
    "task.hand_back": Rule(TaskSubject, _hands_back),
    "task.skip": Rule(TaskSubject, _completes),
    "task.withdraw": Rule(TaskSubject, lambda person, task: task.state == "completed" and task.closed_by == person.id),
    "task.cancel_branch": Rule(TaskSubject, _completes),
    "task.add_signer": Rule(TaskSubject, _completes),
    "task.remove_signer": Rule(TaskSubject, _completes),
    "task.plan": Rule(TaskSubject, _completes),
    "task.receive": Rule(TaskSubject, _is_candidate),
    "attachment.read": Rule(AttachmentSubject, _reads_attachment),
    "external.work": Rule(None, _holds("worker")),
    "incident.read": Rule(IncidentSubject, _reads_incident),
    "incident.retry": Rule(IncidentSubject, lambda person, _: _holds("administrator")(person, None)),
    "incident.skip": Rule(IncidentSubject, lambda person, _: _holds("administrator")(person, None)),
    "incident.edit": Rule(IncidentSubject, lambda person, _: _holds("administrator")(person, None)),
    "person.help": Rule(HelperSubject, _helps),
    "substitution.appoint": Rule(OrganisationSubject, _manages),
    "substitution.end": Rule(
        SubstitutionSubject, lambda person, own: person.id in (own.person_id, own.substitute_id, own.created_by)
    ),
    "organisation.manage": Rule(OrganisationSubject, _manages),
    "workdays.edit": Rule(None, _holds("administrator")),
}
