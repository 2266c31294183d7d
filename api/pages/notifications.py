"""What the reader is told (消息): the bell, the list, and by which ways each kind comes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.present import person, process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import desk

pages = Blueprint("notifications", __name__)
PAGE = 50


@pages.app_context_processor
def offer() -> dict[str, Any]:
    """The masthead of every page shows how many are unread."""
    return {"count_unread": count_unread, "bell_end": desk.COUNTED}


def count_unread() -> int:
    """How many notifications the reader has not read; none for nobody."""
    who = person()
    if who is None:
        return 0
    with process_engine().read(by=who.id) as work:
        return desk.count_unread(work, who)


@pages.get("/notifications")
@signed_in
def show() -> str:
    """A page of notifications, the newest on top.

    Raises NotificationPageUnknown.
    """
    return page()


@pages.post("/notifications/<notification_id>/read")
@signed_in
def read(notification_id: str) -> Any:
    """Mark one as read and go to what it is about.

    Raises NotificationUnknown.
    """
    with process_engine().begin(by=reader().id) as work:
        found = desk.read_notification(work, reader(), notification_id)
    return redirect(find_address(found), 303)


@pages.post("/notifications/read")
@signed_in
def read_all() -> Any:
    """Mark all as read."""
    with process_engine().begin(by=reader().id) as work:
        desk.read_all(work, reader())
    tell_next("bell.all_read")
    return redirect(url_for("notifications.show"), 303)


@pages.post("/notifications/settings")
@signed_in
def keep() -> Any:
    """Keep by which ways the reader is told."""
    ways = {kind: request.form[kind] for kind in desk.KINDS if kind in request.form}

    def act(work: Work) -> dict[str, Any]:
        desk.keep_ways(work, reader(), ways)
        return {}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "notifications.keep", ways, lambda: act(work))
    except desk.NotificationWaysInvalid as problem:
        return page(problem=problem), STATUS[problem.kind]
    tell_next("bell.kept")
    return redirect(url_for("notifications.show") + "#settings", 303)


def page(*, problem: Problem | None = None) -> str:
    """The page; with why the settings were refused."""
    who, after = reader(), request.args.get("after") or None
    with process_engine().read(by=who.id) as work:
        found = desk.list_notifications(work, who, limit=PAGE, after=after)
        ways = desk.read_ways(work, who)
    return render_template(
        "notifications.html",
        page=found,
        after=after,
        ways=ways,
        choices={kind: desk.list_ways(kind) for kind in desk.KINDS},
        faults=[words().tell(each) for each in problem.findings] if problem else [],
        address_of=find_address,
    )


def find_address(found: desk.Notification) -> str:
    """Where a notification leads: to the bulk job, to the task where the reader may see it, else the case, else the campaign."""
    if "job" in found.values:
        return url_for("bulk.show", bulk_id=found.values["job"])
    if found.task_id is not None:
        return url_for("tasks.show", task_id=found.task_id)
    if found.case_id is not None:
        place = f"#remark_{found.values['remark']}" if "remark" in found.values else ""
        return url_for("cases.show", case_id=found.case_id) + place
    if found.campaign_id is not None:
        return url_for("campaigns.show", campaign_id=found.campaign_id)
    return url_for("inbox.show")
