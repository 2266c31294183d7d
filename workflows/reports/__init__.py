"""Reports: what bodies tell the organiser by a date or at any time, rolled up from below, and targets with what is reached."""

from workflows.reports.figures import Reached, RollUp, reached_targets, roll_up
from workflows.reports.opening import (
    CollectionRefused,
    ReporterUnclear,
    ReportScheduled,
    begin,
    collect,
    first_report_task,
    list_subordinates,
    open_reports,
    start_report,
)
from workflows.reports.plans import Reporter, ReportPlanUnknown, list_plans, list_reporters
from workflows.reports.reading import ReportLine, ReportView, get_report, list_reports, list_unfinished
from workflows.reports.steps import close, conclude, examine, submit

__all__ = [
    "CollectionRefused",
    "Reached",
    "ReportLine",
    "ReportPlanUnknown",
    "ReportScheduled",
    "ReportView",
    "Reporter",
    "ReporterUnclear",
    "RollUp",
    "begin",
    "close",
    "collect",
    "conclude",
    "examine",
    "first_report_task",
    "get_report",
    "list_plans",
    "list_reporters",
    "list_reports",
    "list_subordinates",
    "list_unfinished",
    "open_reports",
    "reached_targets",
    "roll_up",
    "start_report",
    "submit",
]
