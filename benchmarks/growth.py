"""What grows, and whether its cost does: a step with what lies behind and beside it, and lists with what waits.

Each part compares databases or instances that stand side by side: their turns alternate within one run, and every figure is told
as a ratio to the smallest.

- *returns*: a step of an instance after 0, 10, 100 and 1,000 returns.
- *signers*: one completion in a multi-instance of 5, 50 and 500.
- *instances*: a step among a thousand, a hundred thousand (and with `long` a million) other instances.
- *inbox*, *counts*, *search*, *cases*, *board*: as many open tasks and as many done ones, as each kind of official sees them.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.databases import Databases, each_database, need_room
from benchmarks.filling import BYTES, NOW, RARE_WORD, Filled, fill
from benchmarks.measuring import Figure, Prepare, ratio_of, take_turns
from benchmarks.step import EngineSteps
from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.instances import start_instance
from engine.tables import user_task
from engine.tasks import complete_task, return_task
from engine.work import ProcessEngine, Work
from tests.engine.kernel_runs import END, START, diagram
from tests.engine.test_operations import SIGNERS, user
from workflows import cases, inbox
from workflows.campaigns import campaign_board
from workflows.people import Person

SIZES = (1_000, 100_000)
LONG = 1_000_000
RETURNS = (0, 10, 100, 1_000)
PEOPLE = (5, 50, 500)
FORM = {f"field_{number}": "检验检测促进产业优化升级" * 2 for number in range(20)}

Read = Callable[[Work, Person, Filled], object]
VIEWS: dict[str, tuple[str, Read]] = {
    "inbox": ("ordinary", lambda work, who, _: inbox.list_tasks(work, who, view="groups")),
    "inbox of a full table": ("busy", lambda work, who, _: inbox.list_tasks(work, who, view="groups")),
    "inbox of the organiser": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="groups")),
    "inbox of one campaign": (
        "organiser",
        lambda work, who, filled: inbox.list_tasks(work, who, view="groups", campaign_id=filled.campaigns[-1]),
    ),
    "inbox, tenth page": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="groups", after=tenth_page())),
    "inbox by a kept filter, and counts": (
        "organiser",
        lambda work, who, filled: (
            inbox.list_filters(work, who),
            inbox.count_tasks(work, who),
            inbox.list_tasks(
                work, who, view="groups", asked=inbox.TaskFilter(campaign_id=filled.campaigns[-1], due="week"), sort="priority"
            ),
        ),
    ),
    "claimed": ("ordinary", lambda work, who, _: inbox.list_tasks(work, who)),
    "done": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="done")),
    "counts": ("ordinary", lambda work, who, _: inbox.count_tasks(work, who)),
    "counts of a full table": ("busy", lambda work, who, _: inbox.count_tasks(work, who)),
    "counts of the organiser": ("organiser", lambda work, who, _: inbox.count_tasks(work, who)),
    "search, frequent word": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="groups", text="检测")),
    "search, rare word": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="groups", text=RARE_WORD)),
    "search, nothing": ("organiser", lambda work, who, _: inbox.list_tasks(work, who, view="groups", text="没有这样的")),
    "cases": ("organiser", lambda work, who, _: cases.list_cases(work, who)),
    "cases, frequent word": ("organiser", lambda work, who, _: cases.list_cases(work, who, text="检测")),
    "cases, rare word": ("organiser", lambda work, who, _: cases.list_cases(work, who, text=RARE_WORD)),
    "cases, one sign": ("organiser", lambda work, who, _: cases.list_cases(work, who, text="石")),
    "board of a small campaign": (
        "organiser",
        lambda work, who, filled: campaign_board(work, filled.campaigns[-1], person=who),
    ),
}
"""What is looked at, and by whom."""


def tenth_page() -> str:
    """A mark amid the tasks that have a due date."""
    return f"due~{NOW.isoformat()}~{'0' * 32}"


def run(
    kinds: Sequence[str],
    *,
    server: str | None = None,
    long: bool = False,
    turns: int = 10,
    steps: int = 10,
    sizes: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Measure on each kind of database: `{kind: {part: {size: {"ms", "cpu_ms", "ratio", "noise"}}}}`, times in ms.

    Raises LookupError when there is no PostgreSQL to start, and RoomMissing.
    """
    chosen = tuple(sizes) if sizes is not None else (*SIZES, LONG) if long else SIZES
    need_room(sum(chosen) * BYTES, Path(tempfile.gettempdir()))
    with each_database(kinds, server) as databases:
        return {each.kind: measure(each, chosen, turns, steps) for each in databases}


def measure(databases: Databases, sizes: Sequence[int], turns: int, steps: int) -> dict[str, Any]:
    """All parts on one kind of database."""
    told = {
        "returns": tell(take_turns(after_returns(databases), turns=turns, steps=steps, warm_up=3)),
        "signers": tell(take_turns(among_signers(databases), turns=turns, steps=steps, warm_up=3)),
    }
    engines: dict[int, tuple[ProcessEngine, Filled]] = {}
    for size in sizes:
        print(f"{databases.kind}: {size:,} tasks …", file=sys.stderr)
        database = databases.open(f"filled-{size}")
        engines[size] = ProcessEngine(database, VirtualClock(NOW)), fill(database, size)
    among: dict[str, Prepare] = {str(size): EngineSteps(engine.database).prepare for size, (engine, _) in engines.items()}
    told["instances"] = tell(take_turns(among, turns=turns, steps=2 * steps, warm_up=2 * steps))
    for name, (who, read) in VIEWS.items():
        variants = {str(size): reading(engine, read, who, filled) for size, (engine, filled) in engines.items()}
        told[name] = tell(take_turns(variants, turns=turns, steps=steps, warm_up=3))
    return told


def reading(engine: ProcessEngine, read: Read, who: str, filled: Filled) -> Prepare:
    """One look at a list, as a page does it: in a transaction of its own."""

    def look() -> object:
        with engine.read() as work:
            return read(work, filled.people[who], filled)

    return lambda: look


def tell(figures: Mapping[str, Figure]) -> dict[str, dict[str, float]]:
    """The figures of a part, the first the measure of the others."""
    first = next(iter(figures.values()))
    return {
        name: {
            "ms": round(figure.ms, 3),
            "cpu_ms": round(figure.cpu_ms, 3),
            "ratio": round(ratio_of(figure, first), 3),
            "noise": round(figure.noise, 3),
        }
        for name, figure in figures.items()
    }


# ---- what lies behind a step -----------------------------------------------------------------------------------------
class Player:
    """Anna, who starts instances and does their tasks."""

    def __init__(self, database: sa.Engine, body: str, *flows: str) -> None:
        self.engine = ProcessEngine(database)
        with self.engine.begin() as work:
            self.definition = deploy(work, {"p.bpmn": diagram(START + END + body, *flows)}, name="p").definitions["p"]
        self.number = itertools.count(1)

    def start(self, people: int = 0) -> str:
        """A new instance."""
        variables = {"starter": "anna", "people": [f"p{number}" for number in range(people)], **FORM}
        with self.engine.begin(by="anna") as work:
            return start_instance(work, self.definition, f"case-{next(self.number)}", variables)

    def task(self, instance_id: str) -> str:
        """The oldest open task of an instance."""
        query = sa.select(user_task.c.id).where(user_task.c.instance_id == instance_id, user_task.c.state == "open")
        with self.engine.read() as work:
            found: str = work.connection.execute(query.order_by(user_task.c.id).limit(1)).scalar_one()
        return found

    def complete(self, task_id: str) -> None:
        """Complete a task."""
        with self.engine.begin(by="anna") as work:
            complete_task(work, task_id, {})

    def send_back(self, instance_id: str) -> None:
        """Return an instance to its first task."""
        task_id = self.task(instance_id)
        with self.engine.begin(by="anna") as work:
            return_task(work, task_id, "a", reason="-")


def after_returns(databases: Databases) -> dict[str, Prepare]:
    """A step of an instance with so many returns behind it."""
    body = user("a") + user("b", "return")
    return {str(count): _after(Player(databases.open(f"returns-{count}"), body, "s a", "a b", "b e"), count) for count in RETURNS}


def _after(player: Player, returns: int) -> Prepare:
    def begin() -> str:
        instance_id = player.start()
        for _ in range(returns):
            player.complete(player.task(instance_id))
            player.send_back(instance_id)
        return instance_id

    kept: list[str] = []

    def prepare() -> Callable[[], object]:
        if kept and returns > 10:
            player.send_back(kept[0])  # one more, which is nothing beside so many
        else:
            kept[:] = [begin()]
        task_id = player.task(kept[0])
        return lambda: player.complete(task_id)

    return prepare


def among_signers(databases: Databases) -> dict[str, Prepare]:
    """One completion among so many that sign side by side."""
    body = user("a", "", SIGNERS.format(""), "${one}")
    return {str(people): _signing(Player(databases.open(f"signers-{people}"), body, "s a", "a e"), people) for people in PEOPLE}


def _signing(player: Player, people: int) -> Prepare:
    left: list[str] = []

    def prepare() -> Callable[[], object]:
        nonlocal left
        if not left:  # of each instance a tenth sign, so that it stays as large as it is said to be
            left = [player.start(people)] * max(people // 10, 1)
        task_id = player.task(left.pop())
        return lambda: player.complete(task_id)

    return prepare
