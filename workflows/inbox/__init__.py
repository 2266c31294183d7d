"""The inbox: what waits for a person, one task with everything needed to do it, and doing it."""

from workflows.inbox.acting import check_reason, claim, read_draft, return_, save_draft, transfer, unclaim
from workflows.inbox.completing import Receipt, complete, find_faults
from workflows.inbox.filters import (
    FilterInvalid,
    FilterUnknown,
    SavedFilter,
    drop_filter,
    keep_filter,
    list_filters,
    rename_filter,
)
from workflows.inbox.listing import (
    COUNTED,
    TaskCounts,
    TaskLine,
    TaskPage,
    count_tasks,
    find_next,
    list_bodies,
    list_steps,
    list_tasks,
)
from workflows.inbox.narrowing import DUE_RANGES, TaskFilter
from workflows.inbox.operating import Asked, Line, OperationPreview, operate, preview_operation
from workflows.inbox.picking import VIEWS
from workflows.inbox.planning import PRIORITIES, PlanInvalid, plan, prioritise
from workflows.inbox.sorting import SORTS
from workflows.inbox.starting import Start, keep_start, read_start
from workflows.inbox.viewing import Task, TaskView, open_task

__all__ = [
    "COUNTED",
    "DUE_RANGES",
    "SORTS",
    "VIEWS",
    "FilterInvalid",
    "FilterUnknown",
    "SavedFilter",
    "TaskFilter",
    "PRIORITIES",
    "Asked",
    "Line",
    "OperationPreview",
    "PlanInvalid",
    "Receipt",
    "Start",
    "Task",
    "TaskCounts",
    "TaskLine",
    "TaskPage",
    "TaskView",
    "check_reason",
    "claim",
    "complete",
    "count_tasks",
    "drop_filter",
    "keep_filter",
    "keep_start",
    "list_bodies",
    "list_filters",
    "list_steps",
    "find_faults",
    "find_next",
    "list_tasks",
    "open_task",
    "operate",
    "plan",
    "preview_operation",
    "prioritise",
    "read_draft",
    "read_start",
    "rename_filter",
    "return_",
    "save_draft",
    "transfer",
    "unclaim",
]
