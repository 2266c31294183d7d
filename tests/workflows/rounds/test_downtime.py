"""Nothing runs for a while over month ends, batches and the end of the collection; then everything comes up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import history, incident
from engine.verification import verify_history
from tests.workflows.rounds.hubei import Hubei, beijing
from workflows.tables import campaign, round_

CUTOFFS = [
    ("month_cutoff", beijing(6, 1)),
    ("batch_cutoff", beijing(7, 1)),
    ("month_cutoff", beijing(7, 1)),
    ("month_cutoff", beijing(8, 1)),
    ("month_cutoff", beijing(9, 1)),
    ("month_cutoff", beijing(10, 1)),
    ("month_cutoff", beijing(11, 1)),
    ("batch_cutoff", beijing(12, 1)),
    ("month_cutoff", beijing(12, 1)),
    ("collection_cutoff", beijing(1, 1, year=2024)),
    ("month_cutoff", beijing(1, 1, year=2024)),
]
"""All that Hubei's clock does, in due order; what is due at one moment in the order in which it was planned."""


def fired(world: Hubei) -> list[Any]:
    """The timers of the campaign as its history has them: element, due moment, the moment at which it happened."""
    query = (
        sa.select(history)
        .join(campaign, campaign.c.instance_id == history.c.instance_id)
        .where(history.c.kind == "fired")
        .order_by(history.c.seq)
    )
    return [(row.element_id, datetime.fromisoformat(row.detail["due_at"]), row.at) for row in world.rows(query)]


@pytest.mark.parametrize(
    ("down", "count"),
    [(timedelta(seconds=1), 1), (timedelta(days=1), 1), (timedelta(days=40), 3), (timedelta(days=250), 11)],
    ids=["1s", "1d", "40d", "250d"],
)
def test_every_cutoff_happens_once_in_due_order_with_its_own_date(hubei_anywhere: Hubei, down: timedelta, count: int) -> None:
    world = hubei_anywhere
    case_id = world.apply("lab")
    world.examine("wuhan_auditor", case_id)
    up = beijing(6, 1) + down
    world.at(up - timedelta(seconds=1), due=False)
    world.at(up)
    assert fired(world) == [(element, due_at, up) for element, due_at in CUTOFFS[:count]]
    closed = world.rows(sa.select(round_).order_by(round_.c.cutoff_at, round_.c.plan))
    expected = sorted((due_at, element[:5]) for element, due_at in CUTOFFS[:count] if element != "collection_cutoff")
    assert [(row.cutoff_at, row.plan) for row in closed] == expected
    assert {row.closed_at for row in closed} == {up}
    assert world.rounds("month")["2023-05"] == [world.number(case_id)]
    world.settle()
    assert len(fired(world)) == count  # and not again
    assert world.rows(sa.select(incident)) == []
    with world.process_engine.read() as work:
        assert verify_history(work).broken is None
