"""A campaign on three hosts: pages on one, background workers on another, PostgreSQL on a third. Workers are killed all the way
through, and nobody at the pages notices: every request is answered, and what is to happen by itself happens in time."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.security import cookie_name
from engine.due import list_overdue
from engine.tables import instance, timer
from engine.work import ProcessEngine
from tests.faults.breaking import administer, name_database, start_server
from tests.faults.browsing import Browser, Tally
from tests.faults.collecting import make_collecting, open_engine
from tests.faults.hosts import Hosts, find_hindrance
from tests.faults.offices import Office
from tests.faults.programs import Program, wait_until
from tests.faults.test_timer_faults import PROMISED
from tests.faults.wholeness import find_faults
from tests.setup.postgresql import find_binaries
from workflows.people import create_person
from workflows.sessions import open_session
from workflows.tables import case, organisation, person

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL is installed that could be started and broken"),
    pytest.mark.skipif(find_hindrance() is not None, reason=f"no hosts: {find_hindrance()}"),
]

PORT = 8000
SLACK_S = 20
"""For what the work itself takes, on a busy machine."""
ROUNDS = 40
"""Many more than a campaign has steps and deadlines."""

STEPS = Counter(
    {"apply": 2, "audit": 4, "correct": 2, "recommend": 1, "organise_review": 1, "review": 10}
    | {"select_cases": 1, "settle_comments": 1, "publish": 1}
)
"""What people do with two cases that are each returned once and reviewed by five experts."""


@pytest.mark.slow
def test_a_campaign_on_three_hosts_while_workers_are_killed(tmp_path: Path) -> None:
    with Hosts("database", "web", "worker") as hosts, start_server(hosts) as server:
        hosts.join()
        administer(server, "CREATE DATABASE campaign")
        url = name_database(server, "campaign")
        far = sa.make_url(url).update_query_dict({"host": hosts.address("database")}).render_as_string(hide_password=False)
        make_collecting(url, tmp_path, applicants=2, cases=1)
        process_engine = open_engine(url, tmp_path)
        tally = Tally()
        office = Office(process_engine, let_in(process_engine, hosts.address("web"), tally))
        with Farm(hosts, far, tmp_path) as farm:
            done = play(process_engine, office, farm)
        try:
            assert done == STEPS
            assert tally.lost == 0
            assert find_faults(process_engine) == []
            with process_engine.read() as work:
                assert set(work.connection.execute(sa.select(case.c.state)).scalars()) == {"published"}
        finally:
            process_engine.database.dispose()


class Farm:
    """The programs: one server of two processes, two background workers."""

    def __init__(self, hosts: Hosts, url: str, folder: Path) -> None:
        self.hosts, self.url, self.folder = hosts, url, folder
        self.count = 0

    def __enter__(self) -> Farm:
        web = ("serve", "--host", self.hosts.address("web"), "--port", PORT, "--workers", 2)
        self.web = self.start("web", *web)
        self.workers = [self.start("worker", "worker") for _ in range(2)]
        wait_until(lambda: f":{PORT}" in self.web.said(), self.web)
        return self

    def __exit__(self, *_: object) -> None:
        for program in (self.web, *self.workers):
            program.kill()

    def start(self, host: str, *verb: object) -> Program:
        """A program on a host; all share the folder of files."""
        self.count += 1
        folder = self.folder / f"{host}-{self.count}"
        folder.mkdir()
        shared = {
            "LINXUAN_FILE_FOLDER": str(self.folder / "files"),
            "LINXUAN_BASE_URL": f"http://{self.hosts.address('web')}:{PORT}",
        }
        command = ("-m", "api.cli", "--lang", "en", *verb, "--database", self.url)
        return Program(*command, folder=folder, environment=shared, within=self.hosts.within(host))

    def kill_worker(self) -> None:
        """kill -9 of a background worker; the other one stays, and another is started."""
        self.workers.pop(0).kill()
        self.workers.append(self.start("worker", "worker"))

    def kill_web_process(self) -> None:
        """kill -9 of one process of the server."""
        os.kill(min(self.web.children()), signal.SIGKILL)


def let_in(process_engine: ProcessEngine, host: str, tally: Tally) -> dict[str, Browser]:
    """Auditor and experts beside those who are there; for everybody a browser that is logged in."""
    name = cookie_name("session", process_engine.extras["settings"])
    browsers = {}
    with process_engine.begin() as work:
        places = {row.kind: row.id for row in work.connection.execute(sa.select(organisation))}
        top, body = places["authority"], places["province"]
        create_person(work, login="auditor", name="孙审核", organisation_id=body, roles=[("auditor", body)])
        for number in range(1, 6):
            create_person(work, login=f"expert-{number}", name="周专家", organisation_id=top, roles=[("expert", top)])
        for person_id in work.connection.execute(sa.select(person.c.id).where(person.c.login != "colleague")).scalars().all():
            browsers[person_id] = Browser(PORT, tally, host=host)
            browsers[person_id].cookies = {name: open_session(work, person_id)}
    return browsers


def play(process_engine: ProcessEngine, office: Office, farm: Farm) -> Counter[str]:
    """The whole campaign; which steps people did how often.

    Raises AssertionError when what happens by itself takes longer than is promised.
    """
    kills = cycle((farm.kill_worker, farm.kill_web_process, farm.kill_worker))
    done: Counter[str] = Counter()
    for _ in range(ROUNDS):
        did = office.work_off()
        done.update(did)
        if not did:
            if is_over(process_engine):
                return done
            bring_next_deadline(process_engine)
        next(kills)()
        settle(process_engine, farm)
    raise AssertionError(f"the campaign does not end: {done}")


def settle(process_engine: ProcessEngine, farm: Farm) -> None:
    """Until nothing is due any more."""
    began = time.monotonic()
    wait_until(lambda: not count_due(process_engine), farm.workers[0], pause=0.1)
    assert time.monotonic() - began < PROMISED + SLACK_S


def count_due(process_engine: ProcessEngine) -> int:
    """How many rows are due and not done."""
    with process_engine.read() as work:
        return sum(count for count, _ in list_overdue(work).values())


def is_over(process_engine: ProcessEngine) -> bool:
    """Whether no instance runs any more."""
    with process_engine.read() as work:
        running = sa.select(sa.func.count()).where(instance.c.state == "running")
        return work.connection.execute(running).scalar_one() == 0


def bring_next_deadline(process_engine: ProcessEngine) -> None:
    """Time passes: all deadlines and windows come nearer by as much as makes the next one of a process due in a second."""
    with process_engine.begin() as work:
        waiting = sa.select(sa.func.min(timer.c.due_at, type_=timer.c.due_at.type)).where(
            timer.c.state == "armed", timer.c.instance_id.is_not(None)
        )
        passed = {"passed": (work.connection.execute(waiting).scalar_one() - work.now).total_seconds() - 1}
        by = "make_interval(secs => :passed)"
        for change in (
            f"UPDATE timer SET due_at = due_at - {by}, next_try_at = next_try_at - {by} WHERE state = 'armed'",
            f'UPDATE "window" SET opens_at = opens_at - {by}, cutoff_at = cutoff_at - {by}',
        ):
            work.connection.execute(sa.text(change), passed)
    time.sleep(1)
