"""For those who run the installation: `/health`, `/metrics`, and a page for its administrators."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Blueprint, Response, abort, jsonify, render_template, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.pages.present import process_engine, reader, settings, signed_in
from engine.backends.queue import count_workers
from engine.due import list_overdue
from engine.tables import incident, instance, message, outbox, timer, user_task
from engine.work import ProcessEngine, Work
from workflows import schema
from workflows.rules import require

pages = Blueprint("operations", __name__)
LOOPBACK = frozenset({"127.0.0.1", "::1"})

LATE = timedelta(seconds=60)
"""A row that is due for longer is told as late: with everything in order it takes seconds."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Backlog:
    """One kind of row: how many are due and not done, for how long the oldest is, how many gave up."""

    kind: str
    due: int
    lag: timedelta
    dead: int

    @property
    def is_late(self) -> bool:
        """Whether somebody should look why."""
        return self.lag > LATE


@pages.get("/system")
@signed_in
def show() -> str:
    """Whether the background work keeps up: what is due, for how long, what gave up, how many workers there are.

    Raises NotPermitted.
    """
    person = reader()
    require(person, "installation.read")
    with process_engine().read(by=person.id) as work:
        dead = sa.select(incident.c.kind, sa.func.count()).where(incident.c.resolved_at.is_(None)).group_by(incident.c.kind)
        given_up = {kind: count for kind, count in work.connection.execute(dead)}
        due = list_overdue(work)
        rows = [
            Backlog(kind, *due_and_lag(work, *due.get(kind, (0, None))), given_up.get(kind, 0))
            for kind in (*due, *(kind for kind in sorted(given_up) if kind not in due))
        ]
        workers = count_workers(work)
    return render_template("system.html", rows=rows, workers=workers)


def due_and_lag(work: Work, count: int, oldest: datetime | None) -> tuple[int, timedelta]:
    """How many, and for how long the oldest is due: nothing when there is none."""
    return count, timedelta() if oldest is None else work.now - oldest


@pages.get("/health")
def health() -> Any:
    """200 when the database answers at the schema of this version, else 503. Names nothing that a stranger could use."""
    try:
        found = schema.schema_revision(process_engine().database)
    except sa.exc.SQLAlchemyError as fault:
        log.error("health_database", exc_info=fault)
        return jsonify(status="database"), 503
    if found != schema.newest_revision():
        return jsonify(status="schema"), 503
    return jsonify(status="ok")


@pages.get("/metrics")
def metrics() -> Response:
    """Gauges in the format of Prometheus; for this machine, or with the bearer token of the settings."""
    token = settings().metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            abort(403)
    elif request.remote_addr not in LOOPBACK:
        abort(403)
    registry = CollectorRegistry()
    registry.register(EngineCollector(process_engine()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class EngineCollector:
    """What the tables say now; the same answer from every server of the installation."""

    def __init__(self, engine: ProcessEngine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge per question an operator has."""
        with self._engine.read() as work:
            yield _count(work, "linxuan_instances", "Process instances by state", instance.c.state)
            yield _count(work, "linxuan_user_tasks", "User tasks by state", user_task.c.state)
            yield _count(work, "linxuan_timers", "Timers by state", timer.c.state)
            yield _count(work, "linxuan_messages", "Messages by state", message.c.state)
            yield _count(work, "linxuan_outbox", "Letters by state", outbox.c.state)
            yield _gauge(work, "linxuan_incidents_open", "Incidents that wait for a person", incident.c.resolved_at.is_(None))
            yield from _lag(work)
            overdue = sa.and_(timer.c.state == "armed", timer.c.next_try_at <= work.now)
            yield _gauge(work, "linxuan_timers_overdue", "Armed timers that are due and not fired yet", overdue)


def _lag(work: Work) -> Iterator[GaugeMetricFamily]:
    depth = GaugeMetricFamily("linxuan_due", "Rows that are due and not done, by kind", labels=["kind"])
    lag = GaugeMetricFamily("linxuan_lag_seconds", "For how long the oldest of them is due", labels=["kind"])
    for kind, found in list_overdue(work).items():
        count, oldest = due_and_lag(work, *found)
        depth.add_metric([kind], count)
        lag.add_metric([kind], oldest.total_seconds())
    yield depth
    yield lag


def _count(work: Work, name: str, text: str, column: sa.Column[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, count in work.connection.execute(sa.select(column, sa.func.count()).group_by(column).order_by(column)):
        family.add_metric([state], count)
    return family


def _gauge(work: Work, name: str, text: str, condition: sa.ColumnElement[bool]) -> GaugeMetricFamily:
    count = work.connection.execute(sa.select(sa.func.count()).where(condition)).scalar_one()
    return GaugeMetricFamily(name, text, value=count)
