"""Reminders: the plan of a notice as timers, the letters when they fire, who is missing, and urging by hand."""

from workflows.reminders.missing import Choice, MissingPageUnknown, Owed, OwedCount, OwedPage, Sent, count_owed, list_owed
from workflows.reminders.plans import Occurrence, Rule, list_occurrences
from workflows.reminders.sending import send
from workflows.reminders.series import plan, plan_for_campaign
from workflows.reminders.urges import Urged, read_urged
from workflows.reminders.urging import NobodyChosen, Outcome, Preview, RemarkTooLong, preview_urge, urge_owers, urge_rest

__all__ = [
    "Choice",
    "MissingPageUnknown",
    "NobodyChosen",
    "Occurrence",
    "Outcome",
    "Owed",
    "OwedCount",
    "OwedPage",
    "Preview",
    "RemarkTooLong",
    "Rule",
    "Sent",
    "Urged",
    "count_owed",
    "list_occurrences",
    "list_owed",
    "plan",
    "plan_for_campaign",
    "preview_urge",
    "read_urged",
    "send",
    "urge_owers",
    "urge_rest",
]
