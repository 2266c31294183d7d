"""The pages: one blueprint per kind of page, all registered here."""

from __future__ import annotations

from flask import Flask

from api.pages import (
    campaign_affairs,
    campaigns,
    cases,
    consultation,
    designer,
    drafts,
    errors,
    files,
    home,
    inbox,
    incidents,
    login,
    new_campaign,
    notices,
    operations,
    present,
    reminders,
    reports,
    tasks,
    tokens,
)


def install(app: Flask) -> None:
    """Register all pages and what they share."""
    present.install(app)
    errors.install(app)
    shown = (home, login, inbox, tasks, cases, files, campaigns, reports, reminders, consultation, notices, drafts, designer)
    for part in (*shown, new_campaign, campaign_affairs, incidents, operations, tokens):
        app.register_blueprint(part.pages)
