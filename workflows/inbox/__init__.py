"""The inbox: what waits for a person, one task with everything needed to do it, and doing it."""

from workflows.inbox.acting import check_reason, claim, read_draft, return_, save_draft, transfer, unclaim
from workflows.inbox.completing import Receipt, complete
from workflows.inbox.listing import COUNTED, TaskCounts, TaskLine, TaskPage, count_tasks, list_tasks
from workflows.inbox.operating import Asked, Line, OperationPreview, operate, preview_operation
from workflows.inbox.viewing import Task, TaskView, open_task

__all__ = [
    "COUNTED",
    "Asked",
    "Line",
    "OperationPreview",
    "Receipt",
    "Task",
    "TaskCounts",
    "TaskLine",
    "TaskPage",
    "TaskView",
    "check_reason",
    "claim",
    "complete",
    "count_tasks",
    "list_tasks",
    "open_task",
    "operate",
    "preview_operation",
    "read_draft",
    "return_",
    "save_draft",
    "transfer",
    "unclaim",
]
