"""A form as values: fields with what they accept, in groups and beside explaining texts, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from engine.expressions import Expression


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"  # one line
    LONG_TEXT = "long_text"  # several lines
    NUMBER = "number"  # an integer, or an exact decimal as text
    DATE = "date"  # ISO 8601, a day
    SELECT = "select"  # one of the options, chosen from a list
    RADIO = "radio"  # one of the options, all shown
    CHECKBOX = "checkbox"  # yes or no
    CHECKLIST = "checklist"  # several of the options
    RANKING = "ranking"  # several of the options, in order
    TABLE = "table"  # rows of the fields in `columns`
    FILE = "file"  # uploaded files


CHOICES = (Kind.SELECT, Kind.RADIO, Kind.CHECKLIST, Kind.RANKING)
"""The kinds that have options."""

OTHER = "other"
"""The option that stands for 其它 in every open list; another field (`other_of`) says what is meant."""

PersonalClass = Literal["name", "contact", "phone", "email", "identity"]
"""Classes of personal data; `workflows.rules` says how each is masked."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text of the form in both languages."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Option:
    """One value that can be chosen."""

    value: str
    label: Label


@dataclass(frozen=True, slots=True)
class Place:
    """Where a component stands: fields of one `row` stand beside each other, `columns` of 16 wide (None: an equal share)."""

    row: str | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Lengths are words as `count_words` counts them, sizes are bytes.

    `options` is None when they come from outside (`options_from`) and have not been bound yet. `other_of` names the choice
    field whose option `other` this text explains. `hide_if` and `required_if` are expressions over the form's values.
    `criterion` names the demand that a score field scores. `masked` is set for a reader who may see only a masked value.
    """

    key: str
    kind: Kind
    label: Label
    description: Label | None = None
    place: Place = Place()
    required: bool = False
    read_only: bool = False
    required_if: Expression | None = None
    hide_if: Expression | None = None
    default: Any = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: str | None = None  # exact decimals as text
    maximum: str | None = None
    decimals: int = 0
    check: Literal["email", "phone"] | None = None
    options: tuple[Option, ...] | None = ()
    options_from: str | None = None
    other_of: str | None = None
    columns: tuple[Field, ...] = ()
    fixed_rows: bool = False
    max_rows: int = 100
    accept: tuple[str, ...] = ()  # file name extensions with the dot, lower case
    max_files: int = 1
    max_bytes: int | None = None
    personal: PersonalClass | None = None
    shown_blind: bool = True  # whether experts of a blind review may see it
    criterion: str | None = None
    widget: Literal["hidden"] | None = None
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """An explaining text, a line or a space; holds no value."""

    kind: Literal["text", "separator", "spacer"]
    text: Label = Label("", "")
    place: Place = Place()
    hide_if: Expression | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Components under one heading; their values stand beside all others (a group has no path of its own).

    `max_length`: so many words in all of its texts together.
    """

    label: Label
    components: tuple[Component, ...]
    place: Place = Place()
    hide_if: Expression | None = field(default=None)
    max_length: int | None = None


Component = Field | Note | Group
