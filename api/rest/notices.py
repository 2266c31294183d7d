"""`/notices`: every value of a notice with its source."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.pages.notices import find_version, list_deployed
from api.pages.present import process_engine
from api.rest.operations import Resource
from api.rest.shapes import Asked, Free, Told
from workflows import notices

resource = Resource("notices")


class NoticeLineTold(Told):
    """A version of a notice."""

    id: str
    key: str
    version: int
    state: str
    title: str
    number: str | None
    deployed_at: datetime


class NoticesTold(Told):
    """The newest deployed version of each notice."""

    items: list[NoticeLineTold]


class VersionAsked(Asked):
    """The newest deployed version, unless another one is asked for."""

    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class NoticeTold(Told):
    """One version; `content` is its `notice.yaml`: each value with its source `notice`, `outside` or `ours`."""

    id: str
    key: str
    version: int
    state: str
    source: str
    sha256: str
    deployed_at: datetime
    definitions: dict[str, str]
    forms: list[str]
    content: Free


@resource.get("/notices", NoticesTold, public=True)
def list_all() -> NoticesTold:
    """The newest deployed version of each notice."""
    with process_engine().read() as work:
        return NoticesTold(items=[NoticeLineTold.model_validate(each) for each in list_deployed(work)])


@resource.get("/notices/<notice_key>", NoticeTold, query=VersionAsked, public=True, tagged=True)
def show(notice_key: str, query: VersionAsked) -> NoticeTold:
    """One notice as facts.

    Raises NoticeUnknown.
    """
    with process_engine().read() as work:
        stored = notices.get_notice(work, find_version(work, notice_key, query.version))
    plain = {name: getattr(stored, name) for name in NoticeTold.model_fields if name not in ("content", "forms")}
    content = stored.notice.model_dump(mode="json", exclude_unset=True)
    return NoticeTold.model_validate({**plain, "forms": sorted(stored.forms), "content": content})
