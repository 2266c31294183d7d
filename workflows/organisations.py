"""The tree of organisations: authority, provinces, prefectures, institutions; a consortium stands beside the provinces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.ids import new_id
from engine.work import Work, recalled
from workflows.search import write_organisation
from workflows.tables import organisation

KINDS = ("authority", "province", "consortium", "prefecture", "division", "institution")


class OrganisationUnknown(Problem):
    """No organisation has this id."""

    kind = "missing"


class OrganisationKindUnknown(Problem):
    """`organisation_kind` is none of `KINDS`."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation. `path` holds the ids from the root down to itself: `/root/province/`."""

    id: str
    parent_id: str | None
    path: str
    kind: str
    name: str
    short_name: str
    region: str | None
    institution_kind: str | None

    @property
    def ancestors(self) -> tuple[str, ...]:
        """The ids above it, nearest first."""
        return tuple(reversed(self.path.strip("/").split("/")[:-1]))


def create_organisation(
    work: Work,
    *,
    name: str,
    short_name: str,
    kind: str,
    parent_id: str | None = None,
    region: str | None = None,
    institution_kind: str | None = None,
) -> str:
    """Add an organisation to the tree and return its id. `region` is a province code of GB/T 2260 (`110000`).

    Raises OrganisationKindUnknown, and OrganisationUnknown when there is no such parent.
    """
    if kind not in KINDS:
        raise OrganisationKindUnknown(organisation_kind=kind, kinds=", ".join(KINDS))
    above = get_organisation(work, parent_id).path if parent_id else "/"
    organisation_id = new_id()
    work.connection.execute(
        sa.insert(organisation).values(
            id=organisation_id,
            parent_id=parent_id,
            path=f"{above}{organisation_id}/",
            kind=kind,
            name=name,
            short_name=short_name,
            region=region,
            institution_kind=institution_kind,
        )
    )
    write_organisation(work, organisation_id, name)
    return organisation_id


_FIND = sa.select(organisation).where(organisation.c.id == sa.bindparam("organisation"))


@recalled
def get_organisation(work: Work, organisation_id: str) -> Organisation:
    """The organisation with this id.

    Raises OrganisationUnknown.
    """
    row = work.connection.execute(_FIND, {"organisation": organisation_id}).one_or_none()
    if row is None:
        raise OrganisationUnknown(organisation=organisation_id)
    return _read(row)


def list_organisations(
    work: Work, *, kind: str | None = None, under: str | None = None, ids: Sequence[str] | None = None
) -> list[Organisation]:
    """Organisations by region and name: of one kind, below (and with) one organisation, or these ids.

    Raises OrganisationUnknown when `under` is no organisation.
    """
    query = sa.select(organisation).order_by(organisation.c.region, organisation.c.name, organisation.c.id)
    if kind is not None:
        query = query.where(organisation.c.kind == kind)
    if under is not None:
        query = query.where(organisation.c.path.startswith(get_organisation(work, under).path, autoescape=True))
    if ids is not None:
        query = query.where(organisation.c.id.in_(ids))
    return [_read(row) for row in work.connection.execute(query)]


def find_above(place: Organisation, among: Collection[Organisation]) -> str | None:
    """To which of these organisations a place belongs: the nearest above it, else the only one of its region; None where neither
    tells."""
    ids = {each.id for each in among}
    nearest = next((above for above in place.ancestors if above in ids), None)
    if nearest is not None or place.region is None:
        return nearest
    nearby = [each.id for each in among if each.region == place.region]
    return nearby[0] if len(nearby) == 1 else None


def _read(row: sa.Row[Any]) -> Organisation:
    return Organisation(**row._mapping)
