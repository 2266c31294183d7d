"""The made-up world of a replay: bodies, institutions, experts and what each is going to do. A function of the seed alone.

All names are invented and say so; every random choice has its own generator, named after what it decides, so that one more
choice somewhere does not change the others.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸")
TRADES = (
    "食品",
    "疫苗",
    "矿产",
    "软硬件",
    "辅助器具",
    "消防",
    "水环境",
    "医学",
    "数字化",
    "纤维",
    "汽车",
    "新材料",
    "能源",
    "农产品",
)
FORMS = ("质量检验中心", "产品检验院", "检测技术公司", "计量测试所", "纤维检验中心", "高校实验室", "海关技术中心")


class Fate(StrEnum):
    """What becomes of an institution's case, if everybody does what the seed says."""

    RECOMMENDED = "recommended"  # or accepted, for direct submissions
    UNLISTED = "unlisted"  # audited, but not in its body's list
    REJECTED = "rejected"
    LATE = "late"  # sent too late, refused
    LATE_CORRECTION = "late_correction"  # returned, corrected too late, refused
    SILENT = "silent"  # opened and never sent


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """A recommending body: when its own cut-off is, and when it sends its list."""

    name: str
    short_name: str
    kind: str
    region: str | None
    quota_min: int | None
    cutoff_at: datetime
    list_at: datetime
    list_late: bool


@dataclass(frozen=True, slots=True)
class InstitutionPlan:
    """An institution and its one case. `body` is an index into the bodies, None when it reports directly."""

    number: int
    name: str
    trade: str
    body: int | None
    fate: Fate
    opens_at: datetime
    sends_at: datetime
    returned: bool  # its auditor returns it once
    quality: int  # 55-97: around which the experts score it


@dataclass(frozen=True, slots=True)
class ExpertPlan:
    """An expert of the pool; `province` is an index into the bodies."""

    number: int
    name: str
    body: int
    severity: int  # added to every score
    drops: bool
    recuses: bool


@dataclass(frozen=True, slots=True)
class CommentPlan:
    """Somebody outside sends a comment or an objection. `place` is the place in the published ranking that it concerns."""

    number: int
    kind: str
    place: int | None
    share: float  # of the comment period that has passed; 1.0 and more is late
    upheld: bool


@dataclass(frozen=True, slots=True)
class Dates:
    """The moments of the campaign that the plan is built around. None: the notice has no such date.

    `cutoff_at` of a notice whose cut-off is unknown is that of the last candidate; of one that sets none, when its last report is
    due: institutions send their cases around that moment, which then binds nobody.
    """

    issued_at: datetime
    cutoff_at: datetime
    review_until: datetime | None
    published_at: datetime | None

    @property
    def last_at(self) -> datetime:
        """The last of them."""
        return max(moment for moment in (self.cutoff_at, self.review_until, self.published_at) if moment is not None)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is going to happen."""

    seed: int
    dates: Dates
    bodies: tuple[BodyPlan, ...]
    institutions: tuple[InstitutionPlan, ...]
    experts: tuple[ExpertPlan, ...]
    comments: tuple[CommentPlan, ...]
    below_quota: tuple[str, ...] = field(default=())

    def chance(self, *names: object) -> random.Random:
        """The generator of one decision."""
        return chance(self.seed, *names)


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """What the notice says of a recommending body."""

    name: str
    short_name: str
    kind: str
    region: str | None
    quota_min: int | None


def chance(seed: int, *names: object) -> random.Random:
    """A generator for one named decision: independent of all others, the same on every machine."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def build_world(
    seed: int, bodies: Sequence[BodyFacts], dates: Dates, *, institutions: int, experts: int, direct: bool = True
) -> World:
    """The world of this seed. `direct`: some institutions report directly.

    Where the notice asks bodies for a number of cases, two of them come out below it (one with none, one with one or two
    cases) and, when there are enough institutions, all others reach it; a body without a quota sends its list too late.
    Raises ValueError for fewer institutions than bodies.
    """
    if institutions < len(bodies):
        raise ValueError(f"{institutions} institutions are fewer than the {len(bodies)} recommending bodies")
    plans = _plan_bodies(seed, bodies, dates)
    few = _choose_few(seed, bodies)
    wanted = _share_out(seed, bodies, few, institutions, max(2, institutions // 14) if direct else 0)
    made: list[InstitutionPlan] = []
    for index, fates in enumerate(wanted):
        for fate in fates:
            made.append(_plan_institution(seed, len(made) + 1, index, fate, plans[index], dates))
    while len(made) < institutions:
        made.append(_plan_direct(seed, len(made) + 1, dates))
    below = []
    for index, plan in enumerate(plans):
        reached = 0 if plan.list_late else wanted[index].count(Fate.RECOMMENDED)
        if plan.quota_min is not None and reached < plan.quota_min:
            below.append(plan.short_name)
    return World(
        seed,
        dates,
        plans,
        tuple(made),
        _plan_experts(seed, experts, len(bodies)),
        _plan_comments(seed),
        tuple(below),
    )


def invent_name(seed: int, *names: object) -> str:
    """A made-up person's name, told apart from a real one by its stem (甲, 乙, 丙, ...)."""
    dice = chance(seed, "name", *names)
    return dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN)


def _plan_bodies(seed: int, bodies: Sequence[BodyFacts], dates: Dates) -> tuple[BodyPlan, ...]:
    free = [index for index, body in enumerate(bodies) if body.quota_min is None]
    late = free[-1] if 0 < len(free) < len(bodies) else None
    plans = []
    for index, body in enumerate(bodies):
        dice = chance(seed, "body", body.short_name)
        cutoff_at = dates.cutoff_at - timedelta(days=dice.randint(4, 12), hours=dice.choice((0, 0, 6, 7)))
        if index == late:
            list_at = dates.cutoff_at + timedelta(seconds=2)
        elif dice.random() < 0.2:
            list_at = dates.cutoff_at - timedelta(seconds=dice.randint(1, 5))
        else:
            ready = cutoff_at + timedelta(days=2)
            list_at = ready + (dates.cutoff_at - timedelta(hours=4) - ready) * dice.random()
        plans.append(
            BodyPlan(
                body.name, body.short_name, body.kind, body.region, body.quota_min, cutoff_at, _whole(list_at), index == late
            )
        )
    return tuple(plans)


def _choose_few(seed: int, bodies: Sequence[BodyFacts]) -> dict[int, int]:
    """Which two provinces stay below their quota, and with how many cases."""
    dice = chance(seed, "below")
    with_quota = [index for index, body in enumerate(bodies) if body.quota_min]
    if len(with_quota) < 2:
        return {}
    first, second = dice.sample(with_quota, 2)
    return {first: 0, second: dice.randint(1, 2)}


def _share_out(seed: int, bodies: Sequence[BodyFacts], few: dict[int, int], institutions: int, direct: int) -> list[list[Fate]]:
    """The fates of each body's institutions; `direct` of them are left over and report directly."""
    dice = chance(seed, "shares")
    wanted: list[list[Fate]] = [[Fate.RECOMMENDED] * few[index] if index in few else [] for index in range(len(bodies))]
    left = institutions - sum(map(len, wanted))
    others = [index for index in range(len(bodies)) if index not in few]
    odd = (Fate.LATE, Fate.REJECTED, Fate.UNLISTED, Fate.SILENT, Fate.LATE_CORRECTION)
    for turn in range(institutions // 9):  # those whom something befalls
        wanted[dice.choice(others)].append(odd[turn % len(odd)])
        left -= 1
    for _ in range(3):  # then the quota of all, as far as it goes
        for index in others:
            if left > direct:
                wanted[index].append(Fate.RECOMMENDED)
                left -= 1
    for _ in range(max(0, left - direct)):
        wanted[dice.choice(others)].append(Fate.RECOMMENDED)
    return wanted


def _plan_institution(seed: int, number: int, index: int, fate: Fate, body: BodyPlan, dates: Dates) -> InstitutionPlan:
    dice = chance(seed, "institution", number)
    cutoff_at = body.cutoff_at
    if fate is Fate.LATE:
        sends_at = cutoff_at + timedelta(seconds=dice.choice((0, 1, 5, 9)))
    elif dice.random() < 0.15:
        sends_at = cutoff_at - timedelta(seconds=dice.randint(1, 9))
    else:
        start = dates.issued_at + timedelta(days=2)
        sends_at = start + (cutoff_at - timedelta(hours=1) - start) * dice.random()
    return _institution(seed, number, index, fate, dates, _whole(sends_at), fate is Fate.LATE_CORRECTION or dice.random() < 0.25)


def _plan_direct(seed: int, number: int, dates: Dates) -> InstitutionPlan:
    dice = chance(seed, "direct", number)
    fate = (Fate.RECOMMENDED, Fate.LATE, Fate.RECOMMENDED, Fate.REJECTED, Fate.RECOMMENDED, Fate.SILENT)[number % 6]
    if fate is Fate.LATE:
        sends_at = dates.cutoff_at + timedelta(seconds=dice.choice((0, 1, 7)))
    elif dice.random() < 0.3:
        sends_at = dates.cutoff_at - timedelta(seconds=dice.randint(1, 4))
    else:
        start = dates.issued_at + timedelta(days=5)
        sends_at = start + (dates.cutoff_at - start) * dice.random()
    return _institution(seed, number, None, fate, dates, _whole(sends_at), dice.random() < 0.2)


def _institution(
    seed: int, number: int, body: int | None, fate: Fate, dates: Dates, sends_at: datetime, returned: bool
) -> InstitutionPlan:
    dice = chance(seed, "make", number)
    trade = dice.choice(TRADES)
    opens_at = sends_at - timedelta(hours=dice.randint(2, 40), minutes=dice.randint(0, 59))
    opens_at = max(opens_at, dates.issued_at + timedelta(hours=2, minutes=dice.randint(0, 59)))
    name = f"演练{trade}{dice.choice(FORMS)}{number:03d}号"
    return InstitutionPlan(number, name, trade, body, fate, min(opens_at, sends_at), sends_at, returned, dice.randint(55, 97))


def _plan_experts(seed: int, count: int, bodies: int) -> tuple[ExpertPlan, ...]:
    if count == 0:
        return ()
    order = list(range(bodies))
    chance(seed, "experts").shuffle(order)
    drops = chance(seed, "dropped expert").randrange(count)
    recuses = (drops + 1 + chance(seed, "recused expert").randrange(max(1, count - 1))) % count
    return tuple(
        ExpertPlan(
            number + 1,
            invent_name(seed, "expert", number),
            order[number % bodies],
            chance(seed, "severity", number).randint(-6, 6),
            number == drops,
            number == recuses,
        )
        for number in range(count)
    )


def _plan_comments(seed: int) -> tuple[CommentPlan, ...]:
    dice = chance(seed, "comments")
    plans = [
        CommentPlan(number + 1, "comment", None, round(dice.random() * 0.9, 4), False) for number in range(dice.randint(3, 8))
    ]
    plans.append(CommentPlan(len(plans) + 1, "objection", dice.randint(2, 20), 0.5, True))
    plans.append(CommentPlan(len(plans) + 1, "objection", dice.randint(21, 40), 0.8, False))
    plans.append(CommentPlan(len(plans) + 1, "comment", None, 1.0, False))
    return tuple(plans)


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
