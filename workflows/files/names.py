"""Names of files as people see them: never used as a path, and never able to deceive the eye."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 200

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are left out: control and format characters (with them all marks of direction), unassigned ones."""


def clean_name(name: str) -> str:
    """The name in NFC, without folders, invisible characters and marks of direction, at most `LONGEST_NAME` characters.

    A name that nothing is left of becomes `file`; the extension survives the cut.
    """
    name = unicodedata.normalize("NFC", name)
    name = "".join(character for character in name if unicodedata.category(character) not in _INVISIBLE)
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, extension = " ".join(name.split()).rstrip(". ").rpartition(".")
    if not dot:
        stem, extension = extension, ""
    stem, extension = stem.strip(". ") or "file", extension.strip()
    room = LONGEST_NAME - len(dot) - len(extension)
    return f"{stem[: max(room, 1)].rstrip()}{dot}{extension}"[:LONGEST_NAME]


def extension_of(name: str) -> str:
    """The extension in lower case without its dot; empty when there is none."""
    return name.rpartition(".")[2].casefold() if "." in name else ""
