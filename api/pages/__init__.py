"""The pages: one blueprint per kind of page, all registered here."""

from __future__ import annotations

from flask import Flask

from api.pages import (
    activities,
    agenda,
    archive,
    arrivals,
    boards,
    bulk,
    bulk_begin,
    campaign_affairs,
    campaigns,
    case_papers,
    cases,
    consultation,
    designer,
    drafts,
    errors,
    extensions,
    feeds,
    files,
    home,
    inbox,
    incidents,
    lateness,
    lists,
    login,
    new_campaign,
    notices,
    notifications,
    operations,
    present,
    previews,
    reminders,
    reports,
    rounds,
    stages,
    stopping,
    substitutions,
    talk,
    task_operations,
    tasks,
    tokens,
    uploads,
    workdays,
)


def install(app: Flask) -> None:
    """Register all pages and what they share."""
    present.install(app)
    errors.install(app)
    work = (inbox, tasks, uploads, task_operations, bulk, bulk_begin)
    shown = (home, login, *work, cases, files, campaigns, reports, reminders, consultation, notices, drafts, designer)
    whole = (
        *shown,
        stages,
        new_campaign,
        campaign_affairs,
        archive,
        extensions,
        rounds,
        activities,
        agenda,
        feeds,
        arrivals,
        lateness,
        incidents,
        operations,
        tokens,
        workdays,
        talk,
        notifications,
        case_papers,
        boards,
        substitutions,
        stopping,
        previews,
        lists,
    )
    for part in whole:
        app.register_blueprint(part.pages)
