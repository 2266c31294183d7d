"""Who may do and see what: one question (`can`), the same rules as WHERE clauses, and the masks of personal data."""

from workflows.rules.actions import ACTIONS, NotPermitted, Rule, can, require
from workflows.rules.masks import MASKS, mask_value
from workflows.rules.narrowing import blind_case, owed_tasks, visible_campaigns, visible_cases, visible_tasks
from workflows.rules.subjects import (
    AttachmentSubject,
    CampaignSubject,
    CampaignUnknown,
    CaseSubject,
    CaseUnknown,
    IncidentSubject,
    NoticeSubject,
    OrganisationSubject,
    Subject,
    TaskSubject,
    campaign_subject,
    case_subject,
    incident_subject,
    notice_subject,
    organisation_subject,
    task_subject,
)

__all__ = [
    "ACTIONS",
    "MASKS",
    "AttachmentSubject",
    "CampaignSubject",
    "CampaignUnknown",
    "CaseSubject",
    "CaseUnknown",
    "IncidentSubject",
    "NotPermitted",
    "NoticeSubject",
    "OrganisationSubject",
    "Rule",
    "Subject",
    "TaskSubject",
    "blind_case",
    "campaign_subject",
    "can",
    "case_subject",
    "incident_subject",
    "mask_value",
    "notice_subject",
    "organisation_subject",
    "owed_tasks",
    "require",
    "task_subject",
    "visible_campaigns",
    "visible_cases",
    "visible_tasks",
]
