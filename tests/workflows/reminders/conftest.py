"""The world of the process tests with mailboxes: everybody's address is `<log-in>@example.org`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import outbox
from tests.workflows.world import World
from workflows.reminders.plans import Rule
from workflows.tables import campaign, letter, person


def _give_mailboxes(found: World) -> World:
    with found.process_engine.begin() as work:
        work.connection.execute(sa.update(person).values(email=person.c.login + "@example.org"))
    return found


@pytest.fixture
def mailed(world: World) -> World:
    """On SQLite, with an issued campaign."""
    return _give_mailboxes(world)


@pytest.fixture
def mailed_anywhere(small_world: World) -> World:
    """On each database, with an issued campaign."""
    small_world.make_campaign()
    return _give_mailboxes(small_world)


@pytest.fixture
def set_rules() -> Callable[..., None]:
    """`set_rules(world, Rule(...), ...)`: another plan for the campaign's notice, as if it had been read from it."""

    def change(world: World, *rules: Rule) -> None:
        known: dict[str, Mapping[str, Rule]] = world.process_engine.extras.setdefault("reminder_rules", {})
        known[str(world.scalar(sa.select(campaign.c.notice_id).where(campaign.c.id == world.campaign_id)))] = {
            rule.task: rule for rule in rules
        }

    return change


@pytest.fixture
def read_letters() -> Callable[..., list[sa.Row[Any]]]:
    """`read_letters(world, name)`: rows of the outbox that are this letter, in the order of their recipients."""

    def read(world: World, *names: str) -> list[sa.Row[Any]]:
        query = sa.select(outbox, letter.c.name, letter.c.person_id).join(letter, letter.c.outbox_id == outbox.c.id)
        return world.rows(query.where(letter.c.name.in_(names)).order_by(outbox.c.created_at, outbox.c.recipient))

    return read
