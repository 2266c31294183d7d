"""Reminders: the plan of a notice as timers, and the letters when they fire."""

from workflows.reminders.plans import Occurrence, Rule, list_occurrences
from workflows.reminders.sending import send
from workflows.reminders.series import plan, plan_for_campaign

__all__ = ["Occurrence", "Rule", "list_occurrences", "plan", "plan_for_campaign", "send"]
