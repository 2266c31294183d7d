"""`/api/v1`: the campaigns for programs. One file for each resource; how to add one: `docs/reference/rest.md`."""

from __future__ import annotations

from flask import Flask

from api.rest import (
    arrivals,
    bulk,
    campaigns,
    cases,
    consultations,
    definitions,
    desk,
    document,
    drafts,
    extensions,
    external_tasks,
    files,
    filters,
    forwardings,
    incidents,
    lateness,
    letters,
    me,
    notices,
    panels,
    recounts,
    reminders,
    reports,
    rounds,
    stages,
    talk,
    task_operations,
    tasks,
    uploads,
    work_days,
)
from api.rest.callers import PREFIX, know_caller

__all__ = ["PREFIX", "RESOURCES", "install", "know_caller"]

RESOURCES = tuple(
    each.resource
    for each in (
        me,
        campaigns,
        consultations,
        cases,
        arrivals,
        forwardings,
        lateness,
        talk,
        reports,
        rounds,
        stages,
        extensions,
        recounts,
        work_days,
        reminders,
        letters,
        panels,
        tasks,
        task_operations,
        filters,
        bulk,
        desk,
        files,
        uploads,
        notices,
        drafts,
        definitions,
        incidents,
        external_tasks,
    )
)
"""In the order of the document."""


def install(app: Flask) -> None:
    """Register all resources, the document and its page. `know_caller` must run before every request, first of all."""
    for resource in RESOURCES:
        app.register_blueprint(resource.blueprint, url_prefix=PREFIX, name=f"rest_{resource.name}")
    app.extensions["operations"] = tuple(operation for resource in RESOURCES for operation in resource.operations)
    app.register_blueprint(document.pages)
