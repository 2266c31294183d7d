"""The length of a text as word processors count it for Chinese (字数), and texts as they are stored.

The rule, which pages state beside every limit: each Chinese character and each Chinese punctuation mark is one; an unbroken
run of other characters (a Latin word, a number with its decimal point, a web address) is one; white space is none.
"""

from __future__ import annotations

import unicodedata

_APOSTROPHES = "'’"
_CONTROL = frozenset(("Cc", "Cs", "Cn", "Co", "Cf"))
_ZERO_WIDTH_JOINER = "\u200d"  # holds emoji together; harmless, unlike the marks that turn the direction of writing


def count_words(text: str) -> int:
    """The length of `text` in words as Word counts them for Chinese (see the module)."""
    count, in_run, before = 0, False, ""
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
            continue  # belongs to the character before it
        if character.isspace():
            in_run = False
        elif _stands_alone(character) and not (character in _APOSTROPHES and before.isascii() and before.isalnum()):
            count += 1
            in_run = False
        elif not in_run:
            count += 1
            in_run = True
        before = character
    return count


def _stands_alone(character: str) -> bool:
    width = unicodedata.east_asian_width(character)
    if width in ("W", "F"):
        return True
    # Quotation marks, dashes, the ellipsis, the middle dot, circled numbers: as wide as a Chinese character in Chinese text.
    return width == "A" and unicodedata.category(character)[0] in "PSN"


def clean_text(text: str, *, lines: bool = False) -> str:
    """`text` as it is stored: NFC, without control, direction and private characters, trimmed; one line unless `lines`.

    Direction marks are taken away because they can make a text read otherwise than it is stored.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in text if _is_kept(character))
    if not lines:
        return " ".join(kept.split())
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip()


def _is_kept(character: str) -> bool:
    return character in ("\n", "\t", _ZERO_WIDTH_JOINER) or unicodedata.category(character) not in _CONTROL
