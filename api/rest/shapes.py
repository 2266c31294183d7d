"""What all answers and requests of the REST interface share: strict requests, answers read from the domain's values, pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from workflows.inbox.picking import PageUnknown

PAGE, LARGEST_PAGE = 50, 200
"""Items of a page unless asked for, and at most."""
MOST_TEXT = 200

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""An id of ours: a UUID of version 7 as 32 hexadecimal digits."""
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT)]
"""A short text of a query."""


class Asked(BaseModel):
    """What a client sends: every key is known, every type is exact."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """What we answer; made from a value of the domain by its attributes. Later versions may add keys."""

    model_config = ConfigDict(from_attributes=True)


class Nothing(Asked):
    """No query parameters."""


class Paging(Asked):
    """Which page of a list: `cursor` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = PAGE
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=400)] | None = None

    @property
    def after(self) -> str | None:
        """The mark that the list itself gave out.

        Raises PageUnknown.
        """
        if self.cursor is None:
            return None
        try:
            padded = self.cursor.encode("ascii") + b"=" * (-len(self.cursor) % 4)
            mark = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (ValueError, binascii.Error) as fault:
            raise PageUnknown() from fault
        if not mark or not mark.isprintable():
            raise PageUnknown()
        return mark


def write_cursor(mark: str | None) -> str | None:
    """The mark of the next page as clients see it: they hand it back and read nothing in it."""
    return None if mark is None else base64.urlsafe_b64encode(mark.encode()).decode().rstrip("=")


class Listed(Told):
    """A page of a list. `next` is the cursor of the next page, null on the last one; the header `Link` has its address."""

    next: str | None = None


T = TypeVar("T")


def cut_page(found: Sequence[T], query: Paging, mark: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """A page of a list that was read whole, and the cursor of the next one; `mark` names an item.

    Raises PageUnknown.
    """
    begin = 0
    if query.after is not None:
        places = {mark(each): place for place, each in enumerate(found)}
        if query.after not in places:
            raise PageUnknown()
        begin = places[query.after] + 1
    page = found[begin : begin + query.limit]
    return page, write_cursor(mark(page[-1]) if begin + query.limit < len(found) else None)


class FindingTold(Told):
    """One fault: `path` is the place in what was sent, `element` the id in a diagram."""

    code: str
    severity: Literal["error", "warning", "information"]
    element: str | None
    path: str | None
    text: str


class ProblemTold(Told):
    """Why a request was refused, by RFC 9457. `code` is for programs, `detail` for people, `findings` are all faults at once."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    findings: list[FindingTold]
    reference: str | None = None


Free = dict[str, Any]
"""An object whose keys are data: fields of a form, settings by name."""
