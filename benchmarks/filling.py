"""Thin rows in large numbers: a database as it looks after years, without the years.

Nobody has lived through these cases: their instances have no document. What inbox, counts, board and search read is there, in
the proportions of one installation: some officials with a few tasks, a province with a full table, an organiser who sees most,
and as many tasks done as open.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.candidates import list_members, name_set
from engine.tables import candidate_set, definition, deployment, instance, user_task
from workflows.people import Person
from workflows.search import OF_ORGANISATION, write_entries
from workflows.tables import campaign, case, membership, notice, organisation, person, recommending_body

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
BODIES = 33
CAMPAIGNS = 10
FEW = 50
"""Open tasks of an ordinary official: so many claimed, and so many for the group."""
FULL = 5000
"""Unclaimed tasks of the province whose table is full (at most a fifth of all)."""
RARE = 10
"""Tasks of the organiser in the smallest campaign, and cases with a rare word."""
BYTES = 12_000
"""What one open task may need on the disk with its case, its instance, what is done, all indexes and the log of changes."""
FIELDS = (
    "检验检测",
    "食品安全",
    "计量校准",
    "特种设备",
    "环境监测",
    "纺织材料",
    "医疗器械",
    "建筑工程",
    "新能源汽车",
    "集成电路",
)
DEEDS = ("促进产业优化升级", "服务中小企业", "助力乡村振兴", "公共服务平台", "数字化转型", "质量提升行动", "标准创新应用")
PLACES = ("东江", "西湖", "南岭", "北川", "中原", "海州", "河间", "山阳", "云溪", "林泉")
RARE_WORD = "钻石"


@dataclass
class Filled:
    """Who is who in a filled database."""

    people: dict[str, Person] = field(default_factory=dict)
    campaigns: list[str] = field(default_factory=list)


def fill(database: sa.Engine, tasks: int, *, seed: int = 1) -> Filled:
    """Fill an empty database with `tasks` open tasks, as many done ones, and a case for each pair."""
    return _Filling(database, tasks, random.Random(seed)).run()


class _Filling:
    def __init__(self, database: sa.Engine, tasks: int, dice: random.Random) -> None:
        self.database, self.tasks, self.dice = database, tasks, dice
        self.full = min(FULL, tasks // 5)
        self.institutions = max(100, tasks // 20)
        self.bodies = [f"body{number:028d}" for number in range(BODIES)]
        self.campaigns = [f"campaign{number:024d}" for number in range(CAMPAIGNS)]

    def run(self) -> Filled:
        filled = Filled(campaigns=self.campaigns)
        with self.database.begin() as connection:
            self.connection = connection
            self._write_places()
            filled.people = self._write_people()
            self._write_notice()
            write_entries(connection, self._entries())
            self._load(instance, self._instances())
            self._load(case, self._cases())
            self._load(candidate_set, self._sets())
            self._load(user_task, self._open_tasks())
            self._load(user_task, self._done_tasks())
        if self.database.dialect.name == "postgresql":  # as it does by itself; nobody does it on SQLite
            with self.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        return filled

    # ---- a few rows --------------------------------------------------------------------------------------------------
    def _write_places(self) -> None:
        authority = {"id": "authority", "path": "/authority/", "kind": "authority", "name": "总局", "short_name": "总局"}
        rows = [authority]
        rows += [
            {"id": each, "path": f"/authority/{each}/", "kind": "province", "name": f"第{number}局", "short_name": f"{number}局"}
            for number, each in enumerate(self.bodies)
        ]
        self.connection.execute(organisation.insert(), rows)
        self._load(
            organisation,
            (
                {
                    "id": institution(number),
                    "path": f"/authority/{institution(number)}/",
                    "kind": "institution",
                    "name": self._institution(number),
                    "short_name": f"院{number}",
                }
                for number in range(self.institutions)
            ),
        )

    def _write_people(self) -> dict[str, Person]:
        held = {
            "ordinary": ("auditor", self.bodies[1]),
            "busy": ("auditor", self.bodies[0]),
            "organiser": ("organiser", "authority"),
            "applicant": ("applicant", institution(self.institutions - 1)),
        }
        rows = {"disabled": False, "failed_logins": 0, "language": "zh", "created_at": NOW}
        self.connection.execute(
            person.insert(),
            [{"id": name, "login": name, "name": name, "organisation_id": at, **rows} for name, (_, at) in held.items()],
        )
        self.connection.execute(
            membership.insert(), [{"person_id": name, "role": role, "organisation_id": at} for name, (role, at) in held.items()]
        )
        return {name: Person(name, name, name, place[1], "zh", frozenset([place])) for name, place in held.items()}

    def _write_notice(self) -> None:
        connection = self.connection
        connection.execute(deployment.insert().values(id="d", source="folder", name="thin", sha256="0" * 64, deployed_at=NOW))
        connection.execute(
            definition.insert().values(
                id="d",
                deployment_id="d",
                key="thin",
                version=1,
                name="thin",
                kernel="tokens",
                xml=b"",
                sha256="0" * 64,
                findings=[],
            )
        )
        connection.execute(
            notice.insert().values(
                id="n", key="thin", version=1, sha256="0" * 64, deployment_id="d", source="folder", state="deployed",
                content={"identity": None}, forms={}, deployed_at=NOW,
            )
        )  # fmt: skip
        connection.execute(
            campaign.insert(),
            [
                {
                    "id": each, "key": f"year-{number}", "notice_id": "n", "case_definition_id": "d", "organiser_id": "authority",
                    "title": f"第{number}批征集", "demo": False, "phase": "collecting", "settings": {}, "dates": {},
                    "next_number": 1, "created_at": NOW,
                }
                for number, each in enumerate(self.campaigns)
            ],
        )  # fmt: skip
        connection.execute(
            recommending_body.insert(),
            [
                {"campaign_id": at, "organisation_id": body, "place": place}
                for at in self.campaigns
                for place, body in enumerate(self.bodies)
            ],
        )

    # ---- many rows ---------------------------------------------------------------------------------------------------
    def _instances(self) -> Iterator[dict[str, Any]]:
        for number in range(self.tasks):
            yield {
                "id": f"{number:032x}", "definition_id": "d", "business_key": self._number(number), "state": "running",
                "belongs_to": self._campaign(number), "document": {}, "revision": 1, "history_count": 0, "history_hash": "",
                "started_at": NOW,
            }  # fmt: skip

    def _cases(self) -> Iterator[dict[str, Any]]:
        states = ("submitted", "submitted", "audited", "recommended")
        for number in range(self.tasks):
            yield {
                "id": f"{number:032x}", "number": self._number(number), "campaign_id": self._campaign(number),
                "instance_id": f"{number:032x}", "institution_id": institution(number % self.institutions),
                "body_id": self._body(number),
                "channel": "recommended", "title": self._title(number), "directions": [], "state": self.dice.choice(states),
                "received_at": NOW, "created_at": NOW,
            }  # fmt: skip

    def _entries(self) -> Iterator[tuple[str, list[str]]]:
        for number in range(self.institutions):
            yield OF_ORGANISATION + institution(number), [self._institution(number)]
        for number in range(self.tasks):
            yield self._number(number), [self._number(number), self._title(number)]

    def _sets(self) -> Iterator[dict[str, Any]]:
        for group in ("organiser@authority", *(f"auditor@{body}" for body in self.bodies)):
            yield from list_members({("group", group)})
        for number in range(self.institutions):
            yield from list_members({("group", f"applicant@{institution(number)}")})

    def _open_tasks(self) -> Iterator[dict[str, Any]]:
        for number in range(self.tasks):
            dated = self.dice.random() < 0.8
            group = self._group(number)
            yield {
                **self._task(number, group),
                "state": "open",
                "assignee": "ordinary" if FEW <= number < 2 * FEW else None,
                "due_at": NOW + timedelta(minutes=self.dice.randrange(-1000, 100_000)) if dated else None,
            }

    def _done_tasks(self) -> Iterator[dict[str, Any]]:
        for number in range(self.tasks):
            task = self._task(number, self._group(number))
            by = "busy" if number < self.full else "organiser"
            closed = NOW - timedelta(minutes=self.dice.randrange(100_000))
            yield {**task, "id": f"f{number:031x}", "state": "completed", "assignee": by, "closed_at": closed, "closed_by": by}

    def _task(self, number: int, group: str) -> dict[str, Any]:
        element, name = {"applicant": ("apply", "申报"), "auditor": ("audit", "省级审核")}.get(
            group.partition("@")[0], ("accept", "形式审查")
        )
        return {
            "id": f"{number:032x}", "instance_id": f"{number:032x}", "business_key": self._number(number),
            "belongs_to": self._campaign(number), "token": "1", "element_id": element, "name": name, "revision": 1,
            "candidate_set": name_set({("group", group)}), "priority": 50, "created_at": NOW,
        }  # fmt: skip

    # ---- what is where -----------------------------------------------------------------------------------------------
    def _group(self, number: int) -> str:
        """The first wait for the ordinary official, then the full table's; of the rest two of three for the organiser."""
        if number < 2 * FEW:
            return f"auditor@{self.bodies[1]}"
        if number < 2 * FEW + self.full:
            return f"auditor@{self.bodies[0]}"
        return f"applicant@{institution(number % self.institutions)}" if number % 3 == 0 else "organiser@authority"

    def _campaign(self, number: int) -> str:
        last = self.tasks - RARE * 2
        return self.campaigns[-1] if number >= last else self.campaigns[0 if number % 2 else number % (CAMPAIGNS - 1)]

    def _number(self, number: int) -> str:
        return f"year-{self._campaign(number)[-1]}-{number:07d}"

    def _body(self, number: int) -> str:
        return (
            self.bodies[1]
            if number < 2 * FEW
            else self.bodies[0]
            if number < 2 * FEW + self.full
            else self.bodies[number % BODIES]
        )

    def _title(self, number: int) -> str:
        rare = RARE_WORD if number % (self.tasks // RARE) == 7 else ""
        return f"{FIELDS[number * 7 % 11 % 10]}{rare}{DEEDS[number * 5 % 13 % 7]}案例"

    def _institution(self, number: int) -> str:
        return f"{PLACES[number % 10]}{FIELDS[number // 10 % 10]}研究院{number}"

    def _load(self, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
        load(self.connection, table, rows)


def institution(number: int) -> str:
    """The id of an institution."""
    return f"institution{number:021d}"


def load(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]], *, part: int = 5000) -> None:
    """Write rows (all with the same keys) as fast as the database takes them: COPY on PostgreSQL."""
    source = iter(rows)
    first = next(source, None)
    if first is None:
        return
    columns = [table.c[name] for name in first]
    dialect = connection.dialect
    writers = [(column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in columns]

    def values(row: dict[str, Any]) -> list[Any]:
        return [write(row[name]) if write is not None else row[name] for name, write in writers]

    cursor = connection.connection.cursor()
    names = ", ".join(f'"{column.name}"' for column in columns)
    if dialect.name == "postgresql":
        with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            copy.write_row(values(first))
            for row in source:
                copy.write_row(values(row))
        return
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" for _ in columns)})'
    cursor.execute(statement, values(first))
    while some := [values(row) for row in islice(source, part)]:
        cursor.executemany(statement, some)
