"""What a campaign's review and selection go by: its criteria with their weights, and the figures an organiser may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.work import Work, lasting
from workflows.rules import CampaignUnknown
from workflows.scoring import METHODS, Method, check_weights
from workflows.tables import campaign, case, notice


@dataclass(frozen=True, slots=True)
class Terms:
    """A campaign's row and what its notice says. `weights` keep the order of the notice's demands and sum to 100
    (empty where it has none)."""

    id: str
    key: str
    title: str
    phase: str
    organiser_id: str
    instance_id: str | None
    weights: Mapping[str, Decimal]
    settings: Mapping[str, Any]
    content: Mapping[str, Any]

    def find_setting(self, name: str, default: Any = None) -> Any:
        """The campaign's own value, else the notice's, else `default`."""
        for source in (self.settings, self.content.get("settings") or {}):
            if name in source:
                found = source[name]
                return found["value"] if isinstance(found, Mapping) and "value" in found else found
        return default

    @property
    def score_method(self) -> Method:
        """How a case's score is made of its sheets."""
        wanted = self.find_setting("score_method", "trimmed")
        return next((method for method in METHODS if method == wanted), "mean")

    @property
    def recuse_region(self) -> bool:
        """Whether experts keep away from the cases of their own province: the notice's rule `conflicts_excluded`."""
        rule = (self.content.get("rules") or {}).get("conflicts_excluded")
        kinds = rule.get("value") if isinstance(rule, Mapping) else rule
        return kinds is None or "same_province" in kinds

    @property
    def disagreement(self) -> Decimal:
        """So many points between highest and lowest sheet are still agreement (ours: 20)."""
        return Decimal(str(self.find_setting("disagreement_range", 20)))


def read_terms(work: Work, campaign_id: str, *, lock: bool = False) -> Terms:
    """The terms of a campaign; with `lock` its row is held until the unit of work ends (inserts that refer to it go on).

    Order of locks, everywhere: instances, then a window's row, then the campaign's.
    Raises CampaignUnknown, and WeightsInvalid when the notice's weights do not sum to 100.
    """
    return _read(work, "id", campaign_id, lock)


def read_terms_by_key(work: Work, key: str, *, lock: bool = False) -> Terms:
    """The same by the business key of the campaign's instance.

    Raises CampaignUnknown and WeightsInvalid.
    """
    return _read(work, "key", key, lock)


_FIND = {name: sa.select(campaign).where(campaign.c[name] == sa.bindparam("which")) for name in ("id", "key")}
_LOCK = {
    name: sa.select(campaign.c.id).where(campaign.c[name] == sa.bindparam("which")).with_for_update(key_share=True)
    for name in _FIND
}


def _read(work: Work, by: str, which: str, lock: bool) -> Terms:
    if lock and work.connection.dialect.name == "postgresql":  # on SQLite nobody else writes now
        work.connection.execute(_LOCK[by], {"which": which})
    row = work.connection.execute(_FIND[by], {"which": which}).one_or_none()
    if row is None:
        raise CampaignUnknown()
    content, weights = _read_content(work, row.notice_id)
    return Terms(row.id, row.key, row.title, row.phase, row.organiser_id, row.instance_id, weights, row.settings, content)


def _read_content(work: Work, notice_id: str) -> tuple[Mapping[str, Any], Mapping[str, Decimal]]:
    """What a notice's version says, and its weights; versions never change, so each is read once per process.

    Raises WeightsInvalid.
    """
    known: dict[str, tuple[Mapping[str, Any], Mapping[str, Decimal]]] = work.engine.extras.setdefault("notice_contents", {})
    if notice_id not in known:
        content = work.connection.execute(sa.select(notice.c.content).where(notice.c.id == notice_id)).scalar_one()
        demands = [demand for demand in content.get("demands") or [] if demand.get("weight") is not None]
        weights = {demand["key"]: Decimal(str(_plain(demand["weight"]))) for demand in demands}
        if weights:  # a notice without demands is not reviewed
            check_weights(weights)
        known[notice_id] = content, weights
    return known[notice_id]


@lasting
def find_case(work: Work, number: str) -> sa.Row[Any, Any]:
    """The case whose instance has this business key: its `id`, and its `campaign_id`.

    Raises LookupError: a case instance without its case is a fault of ours.
    """
    row = work.connection.execute(_CASE, {"number": number}).one_or_none()
    if row is None:
        raise LookupError(f"no case {number}")
    return row


_CASE = sa.select(case.c.id, case.c.campaign_id).where(case.c.number == sa.bindparam("number"))


def set_phase(work: Work, campaign_id: str, phase: str) -> None:
    """Write how far the campaign is, for pages and permissions."""
    work.connection.execute(campaign.update().where(campaign.c.id == campaign_id).values(phase=phase))


def _plain(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) else value
