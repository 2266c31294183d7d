"""Every letter can be looked at in both languages, with nothing left unfilled."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from engine.tables import outbox
from tests.workflows.world import World
from workflows.mails.letters import list_letter_names
from workflows.mails.previewing import LetterNameUnknown, preview_letter
from workflows.rules import NotPermitted, campaign_subject


def test_every_letter_reads_whole_in_both_languages_and_none_is_written(world: World) -> None:
    written = world.scalar(sa.select(sa.func.count()).select_from(outbox))
    with world.process_engine.read() as work:
        subject = campaign_subject(work, world.campaign_id)
        for name in list_letter_names():
            for each in preview_letter(work, world["organiser"], subject, name):
                whole = each.subject + each.body
                assert not re.search(r"\{\w+\}", whole) and "None" not in whole, name
                assert "优秀案例征集" in whole or "samr-2022-0001" in whole or name == "notified"
                assert re.search("[\u4e00-\u9fff]{3}", each.body) if each.language == "zh" else "Dear" in each.body
    assert world.scalar(sa.select(sa.func.count()).select_from(outbox)) == written


def test_who_may_not_read_letters_sees_no_texts_and_unknown_ones_are_told(world: World) -> None:
    with world.process_engine.read() as work:
        subject = campaign_subject(work, world.campaign_id)
        with pytest.raises(LetterNameUnknown):
            preview_letter(work, world["organiser"], subject, "nothing")
        with pytest.raises(NotPermitted):
            preview_letter(work, world["lab"], subject, "reminder")
