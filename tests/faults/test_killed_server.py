"""kill -9 of a server under load: browsers that send again are answered, and every action has happened exactly once."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.tables import history, idempotency, user_task
from tests.faults.browsing import SCAN, Answer, Browser, Tally, read_hidden, read_receipts
from tests.faults.collecting import PASSWORD, Collecting, make_collecting, open_engine
from tests.faults.conftest import APPLICANTS, CASES
from tests.faults.programs import Program, wait_until
from tests.faults.wholeness import find_faults, let_time_pass
from workflows.tables import application_version, attachment, case, draft, receipt

TYPED = (
    ("institution_kind", "product_quality_institute"),
    ("contact_name", "吴申报"),
    ("contact_phone", "010-12345678"),
    ("contact_email", "wu@example.cn"),
    ("directions", "small_business"),
    ("summary", "以共享检测数据为抓手，帮助中小企业改进质量。"),
    ("background", "中小企业缺少检测能力。"),
    ("practice", "建立共享平台，开放检测数据。"),
    ("results", "服务企业二百家。"),
    ("indicators.0.name", "服务企业"),
    ("indicators.0.value", "200"),
    ("indicators.0.unit", "家"),
    ("demonstration", "做法可以推广。"),
    ("originality", "yes"),
)


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
    yield found


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_a_server_that_is_killed_and_started_again(seed: int, copied: tuple[str, Collecting], port: int, tmp_path: Path) -> None:
    url, place = copied
    with Load(place, port) as load:
        for moment in kill_moments(seed, 2):
            with Program(*serve(url, port), folder=tmp_path) as server:
                load.wait_for(moment, server)
                server.kill()
        with Program(*serve(url, port), folder=tmp_path) as server:
            load.finish(server)
            assert server.stop() == 0
    judge(url, tmp_path, place, load)


@pytest.mark.parametrize("seed", [11, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 16))])
def test_a_server_whose_process_is_killed_goes_on_by_itself(
    seed: int, copied: tuple[str, Collecting], port: int, tmp_path: Path
) -> None:
    url, place = copied
    with Program(*serve(url, port), folder=tmp_path) as server, Load(place, port) as load:
        for moment in kill_moments(seed, 2):
            load.wait_for(moment, server)
            for child in server.children():
                os.kill(child, signal.SIGKILL)
        load.finish(server)
        assert server.stop() == 0
    judge(url, tmp_path, place, load)


@pytest.mark.postgresql
@pytest.mark.parametrize("seed", [21, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(22, 26))])
def test_two_server_processes_beside_postgresql(seed: int, postgresql_url: str, port: int, tmp_path: Path) -> None:
    place = make_collecting(postgresql_url, tmp_path, applicants=APPLICANTS, cases=CASES)
    with Load(place, port) as load:
        for moment in kill_moments(seed, 2):
            with Program(*serve(postgresql_url, port), "--workers", 2, folder=tmp_path) as server:
                load.wait_for(moment, server)
                server.kill()
        with Program(*serve(postgresql_url, port), "--workers", 2, folder=tmp_path) as server:
            load.finish(server)
            assert server.stop() == 0
    judge(postgresql_url, tmp_path, place, load)


def serve(url: str, port: int) -> tuple[object, ...]:
    """The verb."""
    return ("-m", "api.cli", "serve", "--database", url, "--port", port)


def kill_moments(seed: int, count: int) -> list[int]:
    """After how many answers (of some 120) the kills come."""
    dice = random.Random(seed)
    return sorted(dice.sample(range(5, 100), count))


# ---- the load --------------------------------------------------------------------------------------------------------
class Load:
    """Every applicant in a thread: logs in, keeps drafts, hands in all cases but the last, of which there is only a draft."""

    def __init__(self, place: Collecting, port: int) -> None:
        self.place, self.port, self.tally = place, port, Tally()
        self.dice = random.Random(port)
        self.handed_in: dict[str, tuple[str, tuple[str, ...]]] = {}  # by case: where the answer led, the receipt on the page
        self.drafts: dict[str, str] = {}  # the last title acknowledged as a draft, by task
        self.pool = ThreadPoolExecutor(len(place.tasks))

    def __enter__(self) -> Load:
        self.people = [self.pool.submit(self.play, login) for login in self.place.tasks]
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def wait_for(self, answers: int, server: Program) -> None:
        """Until so many answers came, and some more milliseconds."""
        wait_until(lambda: self.tally.answered >= answers or any(each.done() for each in self.people), server, pause=0.002)
        time.sleep(self.dice.uniform(0, 0.05))

    def finish(self, server: Program) -> None:
        """Until everybody is done."""
        wait_until(lambda: all(each.done() for each in self.people), server)
        for each in self.people:
            each.result()

    def play(self, login: str) -> None:
        """One person's work."""
        browser = Browser(self.port, self.tally)
        browser.post("/login", browser.get("/login"), [("login", login), ("password", PASSWORD)])
        *whole, (unfinished, _) = self.place.tasks[login]
        for number, (task_id, case_id) in enumerate(whole):
            path = f"/tasks/{task_id}"
            self.keep(browser, task_id, f"{login}的第{number}个案例，草稿")
            page = browser.get(path)
            data = [("title", f"{login}的第{number}个案例"), *TYPED]
            self.hand_in(browser, path, case_id, page, data)
        for turn in ("初稿", "二稿"):
            self.keep(browser, unfinished, f"{login}未交的案例，{turn}")

    def keep(self, browser: Browser, task_id: str, title: str) -> None:
        """Save a draft."""
        page = browser.get(f"/tasks/{task_id}")
        answer = browser.post(f"/tasks/{task_id}/draft", page, [("title", title), *TYPED])
        assert answer.status == 303
        self.drafts[task_id] = title

    def hand_in(self, browser: Browser, path: str, case_id: str, page: Answer, data: list[tuple[str, str]]) -> None:
        """Complete the task, by the same request twice at once and once more later: all must be answered the same."""
        request = browser.prepare("POST", f"{path}/complete", [*read_hidden(page.page), *data], ("seal_scan.new", SCAN))
        with ThreadPoolExecutor(2) as pool:
            first, double = pool.map(browser.ask, (request, request))
        (shown,) = read_receipts(browser.get(first.location.partition("#")[0]).page)
        later = browser.ask(request)
        assert first.status == 303
        assert (first.status, first.location) == (double.status, double.location) == (later.status, later.location)
        assert read_receipts(browser.get(later.location.partition("#")[0]).page) == [shown]
        self.handed_in[case_id] = (first.location, shown)


# ---- afterwards ------------------------------------------------------------------------------------------------------
def judge(url: str, folder: Path, place: Collecting, load: Load) -> None:
    """Everything acknowledged is there exactly once, nothing else is, and the campaign goes on."""
    assert load.tally.lost > 0  # else nothing was tried
    process_engine = open_engine(url, folder)
    try:
        assert find_faults(process_engine) == []
        with process_engine.read() as work:

            def count(table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
                return int(work.connection.execute(sa.select(sa.func.count()).select_from(table).where(*which)).scalar_one())

            whole = APPLICANTS * (CASES - 1)
            assert len(load.handed_in) == whole
            assert [count(table) for table in (receipt, application_version, attachment)] == [whole] * 3
            completed = sa.and_(history.c.kind == "completed", history.c.element_id == "apply")
            assert count(history, completed) == count(user_task, user_task.c.element_id == "audit") == whole
            assert count(idempotency, idempotency.c.action == "inbox.complete") == whole + 1  # and the notice
            for case_id, (_, shown) in load.handed_in.items():
                row = work.connection.execute(sa.select(case).where(case.c.id == case_id)).one()
                stored = work.connection.execute(sa.select(receipt).where(receipt.c.case_id == case_id)).one()
                assert (row.state, stored.sha256) == ("submitted", shown[-1])
                assert row.title.endswith("个案例")
            kept = {row.task_id: row.data["title"] for row in work.connection.execute(sa.select(draft))}
        last = {tasks[-1][0] for tasks in place.tasks.values()}
        assert kept == {task_id: title for task_id, title in load.drafts.items() if task_id in last}
        process_engine.clock = clock = VirtualClock(process_engine.clock.now())
        assert let_time_pass(process_engine, clock, jump=False) == []
        with process_engine.read() as work:
            assert count_states(work.connection) == {"lapsed": APPLICANTS * CASES}  # nobody audited anything
    finally:
        process_engine.database.dispose()


def count_states(connection: sa.Connection) -> dict[str, int]:
    """How many cases there are in each state."""
    query = sa.select(case.c.state, sa.func.count()).group_by(case.c.state)
    return {state: count for state, count in connection.execute(query)}
