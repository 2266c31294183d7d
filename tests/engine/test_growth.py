"""What a step costs does not grow: with the returns behind it, nor with the instances of a multi-instance step that are done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from statistics import median
from time import thread_time

import pytest
import sqlalchemy as sa

from engine.definitions import deploy
from engine.instances import start_instance
from engine.tables import user_task
from engine.tasks import complete_task, return_targets, return_task
from engine.work import ProcessEngine
from tests.engine.kernel_runs import END, START, diagram
from tests.engine.test_operations import SIGNERS, user

pytestmark = pytest.mark.slow

RATIO = 1.2
"""The last fifty steps may take so many times the first fifty (issue 4)."""
EDGE = 50


def start(sqlite_engine: ProcessEngine, body: str, *flows: str, people: int = 0) -> str:
    with sqlite_engine.begin(by="anna") as work:
        deployed = deploy(work, {"p.bpmn": diagram(START + END + body, *flows)}, name="p")
        names = [f"p{number}" for number in range(people)]
        return start_instance(work, deployed.definitions["p"], "case-1", {"starter": "anna", "people": names})


def growth(steps: Iterable[Callable[[], None]]) -> tuple[float, float]:
    """The medians of the first and of the last fifty steps, in seconds of this thread's work: what other programs take from the
    machine meanwhile does not count."""
    times = []
    for step in steps:
        begin = thread_time()
        step()
        times.append(thread_time() - begin)
    return median(times[:EDGE]), median(times[-EDGE:])


def the_open(sqlite_engine: ProcessEngine) -> str:
    with sqlite_engine.read() as work:
        query = sa.select(user_task.c.id).where(user_task.c.assignee == "anna", user_task.c.state == "open")
        return str(work.connection.execute(query).scalar_one())


def test_a_thousand_returns(sqlite_engine: ProcessEngine) -> None:
    start(sqlite_engine, user("a") + user("b", "return"), "s a", "a b", "b e")

    def send_back(task_id: str) -> None:
        with sqlite_engine.begin(by="anna") as work:
            assert [target.element_id for target in return_targets(work, task_id)] == ["a"]
            return_task(work, task_id, "a", reason="-")

    def steps() -> Iterator[Callable[[], None]]:
        for _ in range(1000):
            task_id = the_open(sqlite_engine)
            with sqlite_engine.begin(by="anna") as work:
                complete_task(work, task_id, {})
            yield partial(send_back, the_open(sqlite_engine))

    first, last = growth(steps())
    assert last <= RATIO * first, (first, last)


def test_five_hundred_signers(sqlite_engine: ProcessEngine) -> None:
    start(sqlite_engine, user("a", "", SIGNERS.format(""), "${one}"), "s a", "a e", people=500)
    with sqlite_engine.read() as work:
        ids = list(work.connection.execute(sa.select(user_task.c.id).order_by(user_task.c.id)).scalars())

    def complete(task_id: str) -> None:
        with sqlite_engine.begin(by="anna") as work:
            complete_task(work, task_id, {})

    first, last = growth(partial(complete, each) for each in ids)
    assert last <= RATIO * first, (first, last)
