"""What belongs to somebody's desk: what the person is told and how, and who acts for whom."""

from workflows.desk.kinds import KINDS, LETTERS, WAYS
from workflows.desk.notifications import (
    COUNTED,
    Notification,
    NotificationPage,
    NotificationPageUnknown,
    NotificationUnknown,
    NotificationWaysInvalid,
    Told,
    count_unread,
    keep_ways,
    list_notifications,
    list_ways,
    read_about_job,
    read_all,
    read_notification,
    read_ways,
)

__all__ = [
    "COUNTED",
    "KINDS",
    "LETTERS",
    "WAYS",
    "Notification",
    "NotificationPage",
    "NotificationPageUnknown",
    "NotificationUnknown",
    "NotificationWaysInvalid",
    "Told",
    "count_unread",
    "keep_ways",
    "list_notifications",
    "list_ways",
    "read_about_job",
    "read_all",
    "read_notification",
    "read_ways",
]
