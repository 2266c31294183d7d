"""Who can review what: the facts of cases and experts that the draw looks at, and the draw itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from engine.work import Work
from workflows.assignment import Assignment, Candidacy, Expert, ExpertsInsufficient, assign_experts, draw_panel, list_recusals
from workflows.organisations import Organisation, list_organisations
from workflows.reviews.terms import Terms
from workflows.tables import case, conflict, membership, organisation, panel_member, person, review

REVIEWABLE = ("recommended", "accepted")
"""States of the cases that go to review."""


PART = 1_000
"""Values in one statement: SQLite bounds them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the organiser decided. `panel_size`: experts drawn of the pool (all when None); `load_limit`: most cases for one."""

    experts_per_case: int
    seed: str
    panel_size: int | None = None
    load_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """The result: pairs of (case number, log-in), who was drawn, who is the reserve, and what it was made of."""

    assignment: Assignment
    drawn: tuple[str, ...]
    reserve: tuple[str, ...]
    input_hash: str


@dataclass(frozen=True, slots=True)
class Field:
    """Cases (by number) and experts (by log-in), as the draw sees them, with their ids and what was declared.

    Numbers and log-ins, not ids, decide the draw: they are what a supervisor reads, and the same in every replay.
    """

    cases: Mapping[str, Candidacy]
    experts: Mapping[str, Expert]
    case_ids: Mapping[str, str]
    expert_ids: Mapping[str, str]
    declared: frozenset[tuple[str, str]]


def read_field(work: Work, terms: Terms, expert_ids: Iterable[str], *, case_ids: Sequence[str] | None = None) -> Field:
    """The field of a campaign: these experts, and its cases that go to review (or just the given ones)."""
    columns = (case.c.id, case.c.number, case.c.institution_id, case.c.body_id, case.c.directions)
    query = sa.select(*columns).where(case.c.campaign_id == terms.id)
    query = query.where(case.c.state.in_(REVIEWABLE) if case_ids is None else case.c.id.in_(case_ids))
    cases = work.connection.execute(query.order_by(case.c.number)).all()
    persons = work.connection.execute(sa.select(person).where(person.c.id.in_(sorted(set(expert_ids))))).all()
    offices = _read_offices(work, [row.id for row in persons])
    places = {row.id: {row.organisation_id} | offices.get(row.id, set()) for row in persons}
    tree = _Tree.read(
        work,
        {row.institution_id for row in cases} | {row.body_id for row in cases if row.body_id} | set().union(*places.values()),
    )
    members = sa.select(panel_member.c.person_id, panel_member.c.fields).where(panel_member.c.campaign_id == terms.id)
    known = {row.person_id: frozenset(row.fields) for row in work.connection.execute(members)}
    candidacies = {
        row.number: Candidacy(
            row.number,
            units=tree.find_units(row.institution_id) | ({row.body_id} if row.body_id else set()),
            regions=tree.find_regions(row.institution_id, *([row.body_id] if row.body_id else [])),
            fields=frozenset(row.directions),
        )
        for row in cases
    }
    experts = {
        row.login: Expert(
            row.login,
            units=frozenset().union(*map(tree.find_units, places[row.id])),
            regions=tree.find_regions(row.organisation_id),
            fields=known.get(row.id, frozenset()),
        )
        for row in persons
    }
    logins = {row.id: row.login for row in persons}
    return Field(
        candidacies,
        experts,
        {row.number: row.id for row in cases},
        {login: person_id for person_id, login in logins.items()},
        _read_declared(work, terms.id, cases, logins),
    )


def draw_experts(field: Field, plan: Plan, *, recuse_region: bool, optimise: bool = True) -> Draw:
    """Draw the panel out of the pool, then give every case its experts (without `optimise`: see only whether it can be done).

    Where the drawn panel has too few experts without conflict for some case, the next of the reserve are called, one by one.
    Raises ExpertsInsufficient when even the whole pool is too small.
    """
    drawn, reserve = draw_panel(field.experts, size=plan.panel_size, seed=plan.seed)
    while True:
        try:
            assignment = assign_experts(
                field.cases.values(),
                [field.experts[login] for login in drawn],
                per_case=plan.experts_per_case,
                seed=plan.seed,
                conflicts=field.declared,
                load_limit=plan.load_limit,
                recuse_region=recuse_region,
                optimise=optimise,
            )
        except ExpertsInsufficient:
            if not reserve:
                raise
            drawn.append(reserve.pop(0))
        else:
            return Draw(assignment, tuple(drawn), tuple(reserve), hash_input(field, plan, recuse_region=recuse_region))


def hash_input(field: Field, plan: Plan, *, recuse_region: bool) -> str:
    """SHA-256 of all that the draw depends on beside its seed: whoever has the same input and seed gets the same draw."""
    recusals = list_recusals(field.cases.values(), field.experts.values(), field.declared, recuse_region=recuse_region)
    content = {
        "cases": {number: sorted(item.fields) for number, item in field.cases.items()},
        "experts": {login: sorted(item.fields) for login, item in field.experts.items()},
        "recused": sorted([number, login, why] for (number, login), why in recusals.items()),
        "experts_per_case": plan.experts_per_case,
        "panel_size": plan.panel_size,
        "load_limit": plan.load_limit,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_loads(work: Work, campaign_id: str) -> Counter[str]:
    """How many reviews each expert (by id) has or had to do; dropped ones do not count."""
    query = (
        sa.select(review.c.expert_id, sa.func.count())
        .join(case, case.c.id == review.c.case_id)
        .where(case.c.campaign_id == campaign_id, review.c.state != "dropped")
        .group_by(review.c.expert_id)
    )
    return Counter({row[0]: row[1] for row in work.connection.execute(query)})


def list_pool(work: Work) -> list[sa.Row[Any]]:
    """Everybody who may be put into a pool: who has the role of an expert and is not disabled; id, log-in, name, unit."""
    experts = sa.select(membership.c.person_id).where(membership.c.role == "expert")
    query = (
        sa.select(person.c.id, person.c.login, person.c.name, organisation.c.short_name.label("unit"))
        .join(organisation, organisation.c.id == person.c.organisation_id)
        .where(person.c.id.in_(experts), sa.not_(person.c.disabled))
        .order_by(organisation.c.region, organisation.c.short_name, person.c.name, person.c.login)
    )
    return [*work.connection.execute(query)]


def _read_offices(work: Work, person_ids: Sequence[str]) -> dict[str, set[str]]:
    """Person → the organisations for which the person acts beside being an expert."""
    found: dict[str, set[str]] = {}
    for start in range(0, len(person_ids), PART):
        query = sa.select(membership.c.person_id, membership.c.organisation_id).where(
            membership.c.person_id.in_(person_ids[start : start + PART]), membership.c.role != "expert"
        )
        for row in work.connection.execute(query):
            found.setdefault(row.person_id, set()).add(row.organisation_id)
    return found


def _read_declared(work: Work, campaign_id: str, cases: Sequence[Any], logins: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """(case number, log-in) of all conflicts that were declared or noted, of one case or of a whole unit."""
    found = set()
    for row in work.connection.execute(sa.select(conflict).where(conflict.c.campaign_id == campaign_id)):
        for item in cases if row.person_id in logins else ():
            if item.id == row.case_id or row.organisation_id in (item.institution_id, item.body_id) and row.organisation_id:
                found.add((item.number, logins[row.person_id]))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Tree:
    """The organisations that matter, with all above them."""

    places: Mapping[str, Organisation]

    @classmethod
    def read(cls, work: Work, ids: Iterable[str]) -> _Tree:
        places = _read_places(work, ids)
        above = {name for place in places.values() for name in place.ancestors} - places.keys()
        return cls({**places, **_read_places(work, above)})

    def find_units(self, organisation_id: str) -> frozenset[str]:
        """The organisation and, for an institution, the institutions that it belongs to: one unit for recusal.

        A bureau is only itself: all of a province is the matter of `find_regions`.
        """
        place = self.places[organisation_id]
        above = [name for name in place.ancestors if self.places[name].kind == "institution"]
        return frozenset([organisation_id, *(above if place.kind == "institution" else ())])

    def find_regions(self, *organisation_ids: str) -> frozenset[str]:
        """The province of each: the nearest code on the way up, else the province without a code itself (the Corps)."""
        return frozenset(filter(None, map(self._find_region, organisation_ids)))

    def _find_region(self, organisation_id: str) -> str | None:
        for name in (organisation_id, *self.places[organisation_id].ancestors):
            place = self.places[name]
            if place.kind == "authority":
                return None
            if place.region is not None:
                return place.region
            if place.kind in ("province", "consortium"):
                return place.id
        return None


def _read_places(work: Work, ids: Iterable[str]) -> dict[str, Organisation]:
    wanted = sorted(set(ids))
    found: dict[str, Organisation] = {}
    for start in range(0, len(wanted), PART):
        found |= {place.id: place for place in list_organisations(work, ids=wanted[start : start + PART])}
    return found
