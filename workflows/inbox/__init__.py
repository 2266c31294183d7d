"""The inbox: what waits for a person, one task with everything needed to do it, and doing it."""

from workflows.inbox.acting import claim, read_draft, return_, save_draft, transfer, unclaim
from workflows.inbox.completing import Receipt, complete
from workflows.inbox.listing import TaskCounts, TaskLine, TaskPage, count_tasks, list_tasks
from workflows.inbox.viewing import Task, TaskView, open_task

__all__ = [
    "Receipt",
    "Task",
    "TaskCounts",
    "TaskLine",
    "TaskPage",
    "TaskView",
    "claim",
    "complete",
    "count_tasks",
    "list_tasks",
    "open_task",
    "read_draft",
    "return_",
    "save_draft",
    "transfer",
    "unclaim",
]
