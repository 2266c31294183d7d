"""Reminders: the plan of a notice as timers, the letters when they fire, who is missing, urging by hand, the weekly letter."""

from workflows.reminders.digest import SETTING as DIGEST
from workflows.reminders.digest import next_digest, send_digest, set_digest
from workflows.reminders.missing import Choice, MissingPageUnknown, Owed, OwedCount, OwedPage, Sent, count_owed, list_owed
from workflows.reminders.planning import plan, plan_for_campaign
from workflows.reminders.plans import Occurrence, Rule, list_occurrences
from workflows.reminders.sending import send
from workflows.reminders.urges import Urged, read_urged
from workflows.reminders.urging import NobodyChosen, Outcome, Preview, RemarkTooLong, preview_urge, urge_owers, urge_rest
from workflows.reminders.weekly import list_receivers, next_board, send_board, set_receivers

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
    "DIGEST",
    "list_occurrences",
    "next_digest",
    "send_digest",
    "set_digest",
    "list_owed",
    "list_receivers",
    "next_board",
    "plan",
    "plan_for_campaign",
    "preview_urge",
    "read_urged",
    "send",
    "send_board",
    "set_receivers",
    "urge_owers",
    "urge_rest",
]
