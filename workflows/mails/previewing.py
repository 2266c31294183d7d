"""How each letter reads: with facts of a campaign and examples in place of what only the occasion knows. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.texts import LANGUAGES, Language
from engine.work import Work
from workflows.mails.letters import compose_letter, list_letter_names
from workflows.mails.recipients import Recipient
from workflows.people import Person
from workflows.rules import CampaignSubject, require
from workflows.tables import campaign, notice

CUTOFFS = ("collection_cutoff", "body_cutoff")
"""The dates of a campaign that examples name, the first that there is."""


class LetterNameUnknown(Problem):
    """There are no texts for a letter of this name."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class LetterPreview:
    """A letter as it would be written: subject and text."""

    language: Language
    subject: str
    body: str


def preview_letter(work: Work, reader: Person, subject: CampaignSubject, name: str) -> tuple[LetterPreview, ...]:
    """A letter of a campaign in each language, addressed to the reader.

    Raises NotPermitted, LetterNameUnknown.
    """
    require(reader, "letter.read", subject)
    if name not in list_letter_names():
        raise LetterNameUnknown()
    query = sa.select(campaign, notice.c.content["identity"].label("identity")).join(notice, notice.c.id == campaign.c.notice_id)
    row = work.connection.execute(query.where(campaign.c.id == subject.id)).one()
    found = []
    for language in LANGUAGES:
        texts = compose_letter(
            work,
            name,
            Recipient(reader.id, reader.name, "", language),
            campaign_title=row.title,
            demo=row.demo,
            values=_sample(work, row, language),
            identity=row.identity,
        )
        found.append(LetterPreview(language, *texts))
    return tuple(found)


def _sample(work: Work, row: sa.Row[Any], language: Language) -> Mapping[str, Any]:
    """A value for whatever a letter may name; words that are made up say so."""
    dates = [row.dates[name]["cutoff_at"] for name in CUTOFFS if row.dates.get(name, {}).get("cutoff_at")]
    until = datetime.fromisoformat(dates[0]) if dates else work.now
    words = EXAMPLES[language]
    number = f"{row.key}-0001"
    step = f"{words['step']} {number}"
    return {
        **dict.fromkeys(("until", "own_until", "old_until", "due"), until),
        "received": work.now,
        "count": 2,
        "overdue": 1,
        "others": 1,
        "number": number,
        "from_number": number,
        "title": words["title"],
        "report": words["report"],
        "opinion": words["text"],
        "reason": words["text"],
        **dict.fromkeys(("remark", "line"), words["text"]),
        "document_number": words["document"],
        "missed": "",
        "page": f"{work.engine.extras.get('base_url') or ''}/campaigns/{row.id}/missing",
        "cases": [f"{number} {words['title']}"],
        **dict.fromkeys(("tasks", "states", "late", "soon", "later"), [step]),
    }


EXAMPLES: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "title": "（示例题目）",
        "step": "（示例环节）",
        "report": "（示例报告）",
        "text": "（示例文字）",
        "document": "（示例文号）",
    },
    "en": {"title": "(a title)", "step": "(a step)", "report": "(a report)", "text": "(words)", "document": "(a number)"},
}
