"""What a `notice.yaml` is made of: values that name their source, and items with a key and a name in both languages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Strict
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from workflows.deadlines import Bilingual, Source

T = TypeVar("T")
Listed = Annotated[tuple[T, ...], Strict(False)]
"""A list; kept as a tuple."""
Name = Annotated[str, Key(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""A key: lower case, digits, underscores."""
Text = Annotated[str, Key(min_length=1, max_length=2_000)]


class Part(BaseModel):
    """Strict, frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Sourced(Part):
    """Says where it is from.

    `words` are the text's own words, `reading` how they are read, `note` what a reader should know, `text` which of the
    notice's texts it is in (the notice itself, if not said).
    """

    source: Source
    text: Name | None = None
    words: Text | None = None
    reading: Bilingual | None = None
    note: Bilingual | None = None


class Fact(Sourced, Generic[T]):
    """One value and its source."""

    value: T


class Item(Sourced):
    """Something with a key and a name in both languages, and its source."""

    key: Name
    zh: Text
    en: Text


def _read_plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_read_single(item) for item in value)
    return _read_single(value)


def _read_single(value: Any) -> str | int | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)):
        return value
    raise PydanticCustomError("NoticeValueUnsupported", "not a plain value")


Plain = Annotated[Any, AfterValidator(_read_plain)]
"""A text, a whole number, yes or no, a day (as ISO 8601 text), nothing, or a list of these."""
