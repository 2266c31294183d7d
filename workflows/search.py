"""Finding by a text, in any language, words of one and two letters too: by the pairs of letters in it.

A trigram index finds no 检测, and a dictionary of words knows no names. So what can be found is stored as its pairs of letters,
and a text is looked for by its own. What has them all may still have them elsewhere: whoever asks compares the text itself
afterwards, with what the reader may see. A text that much has in common is not worth an index: it is met on the way (`find_text`
gives None).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from engine.work import Work
from workflows.tables import search_entry

OF_ORGANISATION = "@"
"""Begins the keys of organisations."""
MANY = 2000
"""So many finds are no help: among a million, walking along until fifty are met costs as much."""


REACH = 250
"""So far a list is walked at first for a text that much has: a page is full by then, else it is worth another plan."""


@dataclass(frozen=True, slots=True)
class Found:
    """What may have a text: numbers of cases and reports, ids of organisations."""

    numbers: list[str]
    organisations: list[str]


def find_text(work: Work, text: str) -> Found | None:
    """All that may have this text; None when it is much, or when nothing can be told."""
    pairs = sorted({pair for run in _runs(text) for pair in _pairs_of_text(run)})
    if not pairs:
        return None
    own = search_entry.c
    query = sa.select(own.key).limit(MANY + 1)
    if work.connection.dialect.name == "postgresql":
        sought = " & ".join(f"'{pair}'" if len(pair) == 2 else f"'{pair}':*" for pair in pairs)
        # In order, as the key's own index can give it: else a frequent word would be looked for anywhere in the table.
        query = query.where(own.words.op("@@")(sa.cast(sought, postgresql.TSQUERY))).order_by(own.key)
    else:
        sought = " AND ".join(f'"{pair}"' if len(pair) == 2 else f'"{pair}"*' for pair in pairs)
        query = query.where(sa.literal_column("search_entry").op("MATCH")(sought))
    found = list(work.connection.execute(query).scalars())
    if len(found) > MANY:
        return None
    return Found([key for key in found if key[0] != OF_ORGANISATION], [key[1:] for key in found if key[0] == OF_ORGANISATION])


def write_number(work: Work, number: str, *texts: str) -> None:
    """Let a case or report be found by its number and these texts, and by no others."""
    write_entries(work.connection, [(number, (number, *texts))])


def write_organisation(work: Work, organisation_id: str, name: str) -> None:
    """Let an organisation, and with it what is its own, be found by its name."""
    write_entries(work.connection, [(OF_ORGANISATION + organisation_id, (name,))])


def write_entries(connection: sa.Connection, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Let many be found: (key, texts)."""
    split = [(key, " ".join(sorted(_split(texts)))) for key, texts in entries]
    if split and connection.dialect.name == "postgresql":
        connection.execute(_WRITE, [{"key": key, "words": words} for key, words in split])
    elif split:  # in the order of their places: else each would be written by itself
        placed = sorted((_place(key), key, words) for key, words in split)
        connection.execute(_WRITE_VIRTUAL, [{"place": place, "key": key, "words": words} for place, key, words in placed])


_INSERT = postgresql.insert(search_entry)
_WRITE = _INSERT.on_conflict_do_update(index_elements=["key"], set_={"words": _INSERT.excluded.words})
_WRITE_VIRTUAL = sa.text("INSERT OR REPLACE INTO search_entry (rowid, key, words) VALUES (:place, :key, :words)")


def _place(key: str) -> int:
    """The row of a key in a table that has no keys of its own."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def _split(texts: Iterable[str]) -> set[str]:
    return {pair for text in texts for run in _runs(text) for pair in _pairs(run)}


def _runs(text: str) -> Iterator[str]:
    """Letters and digits in a row, small."""
    return iter("".join(letter if letter.isalnum() else " " for letter in _fold(text)).split())


def _fold(text: str) -> str:
    """Letter by letter, so that a part of a text becomes the same part."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def _pairs(run: str) -> Iterator[str]:
    """All pairs, and the last letter alone: each letter begins one."""
    return (run[place : place + 2] for place in range(len(run)))


def _pairs_of_text(run: str) -> Iterator[str]:
    """What whoever has the run has too: its pairs; of a single letter what begins with it."""
    return (run[place : place + 2] for place in range(max(len(run) - 1, 1)))
