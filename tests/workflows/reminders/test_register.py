"""The letters of a campaign over a real mail server: what became of each, and sending one again after mending the address."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import next_due, run_due
from engine.incidents import list_incidents
from engine.tables import outbox, user_task
from tests.workflows.mails.conftest import open_server  # noqa: F401
from tests.workflows.world import BEIJING, World
from workflows import reminders
from workflows.mails import SmtpMailer, is_wanted, register
from workflows.mails.failures import hide_addresses, read_failure
from workflows.reminders import Choice
from workflows.rules import NotPermitted, campaign_subject
from workflows.tables import campaign, person

NEAR = datetime(2022, 8, 8, 10, tzinfo=BEIJING)


def letters(world: World, name: str = "organiser", **options: Any) -> register.LetterPage:
    with world.process_engine.read(by=world[name].id) as work:
        return register.list_letters(work, world[name], campaign_subject(work, world.campaign_id), **options)


def resend(world: World, letter_id: str, name: str = "organiser") -> str:
    with world.process_engine.begin(by=world[name].id) as work:
        return register.resend_letter(work, world[name], campaign_subject(work, world.campaign_id), letter_id)


def urge_east(world: World) -> None:
    with world.process_engine.begin(by=world["organiser"].id) as work:
        chosen = Choice(task_ids=(world.find_task("recommend", body="east"),))
        reminders.urge_owers(work, world["organiser"], world.campaign_id, chosen)


def give_up(world: World) -> None:
    """Try until nothing is left to be tried soon."""
    for _ in range(10):
        run_due(world.process_engine)
        with world.process_engine.read() as work:
            moment = next_due(work)
            queued = work.connection.execute(sa.select(sa.func.count()).where(outbox.c.state == "queued")).scalar_one()
        if not queued or moment is None:
            return
        world.clock.move_to(max(moment, world.clock.now()))


@pytest.fixture
def posted(mailed_anywhere: World, request: pytest.FixtureRequest) -> tuple[World, Any]:
    """The world with a mail server that refuses east_colleague; everything written before has left."""
    world = mailed_anywhere
    server = request.getfixturevalue("open_server")()
    world.process_engine.extras.update(
        senders={"mail": SmtpMailer("localhost", server.port, sender="linxuan@example.org")}, mail_wanted=is_wanted
    )
    world.at(NEAR)
    server.refused.add("east_colleague@example.org")
    return world, server


def test_a_failed_letter_is_seen_and_sent_again_to_the_mended_address(
    posted: tuple[World, Any], caplog: pytest.LogCaptureFixture
) -> None:
    world, server = posted
    urge_east(world)
    with caplog.at_level(logging.DEBUG):
        give_up(world)
    told = "".join(caplog.handler.format(record) for record in caplog.records if record.name == "engine.attempts")
    assert "SMTPRecipientsRefused" in told and "@example.org" not in told  # with the whole traceback
    lines = {line.recipient: line for line in letters(world).rows if line.subject.startswith("催办")}
    sent, failed = lines["人员east_auditor"], lines["人员east_colleague"]
    assert (sent.state, sent.attempts, sent.failure) == ("sent", 1, None)
    assert (failed.state, failed.attempts) == ("failed", 8)
    assert failed.failure is not None and failed.failure.kind == "recipient" and "no such mailbox" in failed.failure.answer
    assert "@example.org" not in failed.failure.answer
    assert [line.id for line in letters(world, state="failed").rows] == [failed.id]
    with world.process_engine.read() as work:
        [incident] = list_incidents(work)
        [owed] = [
            line
            for line in reminders.list_owed(
                work, world["organiser"], campaign_subject(work, world.campaign_id), Choice(element_id="recommend")
            ).rows
            if line.units == ("北京",)
        ]
    assert "@example.org" not in incident.detail
    assert owed.sent.states["dead"] == 1 and owed.sent.failure is not None and owed.sent.failure.kind == "recipient"
    with world.process_engine.begin() as work:
        work.connection.execute(
            sa.update(person).where(person.c.login == "east_colleague").values(email="colleague@beijing.example.org")
        )
    again = resend(world, failed.id)
    with pytest.raises(register.LetterResent):
        resend(world, failed.id)
    run_due(world.process_engine)
    lines = {line.id: line for line in letters(world).rows}
    assert (lines[again].state, lines[again].address, lines[again].resent_of, lines[again].resent_by) == (
        "sent",
        "colleague@beijing.example.org",
        failed.id,
        "人员organiser",
    )
    assert (lines[failed.id].state, lines[failed.id].resent, lines[failed.id].can_resend) == ("failed", True, False)
    assert server.letters[-1][1] == ["colleague@beijing.example.org"]
    with world.process_engine.read() as work:
        assert list_incidents(work) == []


def test_what_is_still_tried_is_replaced_by_the_new_attempt(posted: tuple[World, Any]) -> None:
    world, server = posted
    urge_east(world)
    with pytest.raises(register.LetterWaiting):
        resend(world, letters(world, state="waiting").rows[0].id)
    run_due(world.process_engine)
    [line] = letters(world, state="retrying").rows
    assert line.next_try_at is not None and line.can_resend
    server.refused.clear()
    before = len(server.letters)
    again = resend(world, line.id)
    give_up(world)
    states = {each.id: each.state for each in letters(world).rows}
    assert (states[line.id], states[again]) == ("withdrawn", "sent")
    assert [message[1] for message in server.letters[before:]] == [["east_colleague@example.org"]]


def test_nothing_is_sent_again_that_nobody_needs_or_nobody_can_get(posted: tuple[World, Any]) -> None:
    world, _server = posted
    urge_east(world)
    give_up(world)
    [failed] = letters(world, state="failed").rows
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "east_colleague").values(disabled=True))
    with pytest.raises(register.RecipientUnreachable):
        resend(world, failed.id)
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(user_task).where(user_task.c.element_id == "recommend").values(state="completed"))
    with pytest.raises(register.LetterOutdated):
        resend(world, failed.id)
    with pytest.raises(register.LetterUnknown):
        resend(world, "0" * 32)
    for name in ("administrator", "east_auditor", "lab"):
        with pytest.raises(NotPermitted):
            resend(world, failed.id, name)


def test_administrators_see_masks_and_pages_follow_each_other(mailed: World) -> None:
    mailed.at(NEAR)
    whole = letters(mailed).rows
    assert len(whole) == 5 and {line.state for line in whole} == {"waiting"}
    found, after = [], None
    while True:
        page = letters(mailed, limit=3, after=after)
        found += [line.id for line in page.rows]
        after = page.next
        if after is None:
            break
    assert found == [line.id for line in whole]
    masked = letters(mailed, "administrator").rows
    assert [line.id for line in masked] == found
    assert all("***@" in line.address and "人员" not in line.recipient and not line.can_resend for line in masked)
    for name in ("east_auditor", "lab", "expert", "designer"):
        with pytest.raises(NotPermitted):
            letters(mailed, name)
    with pytest.raises(register.LetterPageUnknown):
        letters(mailed, after="nonsense")
    with mailed.process_engine.read() as work:
        counts = register.count_letters(work, mailed["organiser"], campaign_subject(work, mailed.campaign_id))
    assert counts == {"waiting": len(whole)}


def test_a_demonstration_holds_also_what_is_sent_again(mailed: World) -> None:
    with mailed.process_engine.begin() as work:
        work.connection.execute(sa.update(campaign).values(demo=True))
    mailed.at(NEAR)
    urge_east(mailed)
    line = letters(mailed, state="held").rows[0]
    again = resend(mailed, line.id)
    assert {each.id: each.state for each in letters(mailed).rows}[again] == "held"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("SMTPRecipientsRefused: {'a@b.cn': (550, b'<a@b.cn>: no such mailbox')}", "recipient"),
        ("AddressRefused: x@y@z.cn", "address"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "server"),
        ("ValueError: header", "other"),
    ],
)
def test_failures_in_words_name_no_address(error: str, kind: str) -> None:
    found = read_failure(error)
    assert found is not None and found.kind == kind
    assert "b.cn" not in found.answer and "z.cn" not in found.answer
    assert read_failure(None) is None
    assert hide_addresses("写信给 张.三+1@检测.cn，谢谢") == "写信给 ***@***，谢谢"
