"""Telling people something, by the bell, by mail, or both, as each of them wants it."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ids import new_id
from engine.texts import LANGUAGES
from engine.work import Work
from workflows.desk.kinds import PREFERENCE, choose_way
from workflows.desk.notifications import Told, ring
from workflows.mails import find_persons, queue_letter, say
from workflows.people import find_name
from workflows.preferences import read_preferences

LETTER = "notified"
PART = 300


def tell(work: Work, person_ids: Iterable[str], told: Told) -> None:
    """Tell these people; nobody is told what they did themselves. By mail only what belongs to a campaign, without its words."""
    ids = [each for each in dict.fromkeys(person_ids) if each != work.by]
    if not ids:
        return
    ring(work, ids, told)
    if told.campaign_id is None:
        return
    for start in range(0, len(ids), PART):
        kept = read_preferences(work, ids[start : start + PART], PREFERENCE)
        mailed = [each for each in kept if choose_way(kept[each], told.kind) in ("mail", "both")]
        if not mailed:
            continue
        values = {"by": find_name(work, work.by) or "", "number": "", "step": "", "text": "", **told.values}
        lines = {language: say(f"notification.{told.kind}", language, **values) for language in LANGUAGES}
        queue_letter(
            work,
            LETTER,
            find_persons(work, mailed),
            campaign_id=told.campaign_id,
            about=str(values["number"]),
            unique_key=f"notified:{new_id()}",
            values={"line": lines},
        )
