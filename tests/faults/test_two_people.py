"""Two people complete one task at the same moment: one wins, the other is told so and keeps what was typed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import Problem
from engine.work import ProcessEngine
from tests.faults.browsing import SCAN
from tests.faults.collecting import Collecting, make_collecting, open_engine
from tests.faults.conftest import CASES, copy_database
from tests.faults.wholeness import find_faults
from workflows import files, inbox
from workflows.people import Person, get_person
from workflows.tables import application_version, draft, person, receipt


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def collecting(
    request: pytest.FixtureRequest, model: tuple[Path, Collecting], tmp_path: Path
) -> Iterator[tuple[ProcessEngine, Collecting]]:
    """The campaign on each database."""
    if request.param == "sqlite":
        url, place = copy_database(model[0], tmp_path), model[1]
    else:
        url = request.getfixturevalue("postgresql_url")
        place = make_collecting(url, tmp_path, applicants=1, cases=CASES)
    process_engine = open_engine(url, tmp_path)
    yield process_engine, place
    process_engine.database.dispose()


def find_person(process_engine: ProcessEngine, login: str) -> Person:
    """Who has this log-in."""
    with process_engine.read() as work:
        return get_person(work, work.connection.execute(sa.select(person.c.id).where(person.c.login == login)).scalar_one())


def fill_in(process_engine: ProcessEngine, who: Person, task_id: str, title: str) -> dict[str, Any]:
    """A whole application with its scan."""
    with process_engine.begin(by=who.id) as work:
        scan = files.store_upload(work, who, io.BytesIO(SCAN), name="scan.pdf", task_id=task_id, field="seal_scan")
    return {
        "institution_kind": "third_party_company",
        "contact_name": who.name,
        "contact_phone": "010-55501234",
        "contact_email": "contact@example.org",
        "title": title,
        "directions": ["specialised"],
        "summary": "摘要。",
        "background": "背景。",
        "practice": "做法。",
        "results": "成效。",
        "indicators": [{"name": "服务企业", "value": "120", "unit": "家"}],
        "demonstration": "示范。",
        "seal_scan": [scan.id],
        "originality": True,
    }


def complete(process_engine: ProcessEngine, who: Person, task_id: str, data: dict[str, Any], barrier: Barrier) -> tuple[str, str]:
    """Complete the task as soon as everybody is ready; what came of it, and for whom."""
    barrier.wait()
    try:
        inbox.complete(process_engine, who, task_id, data, revision=1, key=f"{who.id}:{task_id}")
    except Problem as problem:
        return problem.code, who.id
    return "Receipt", who.id


def test_one_of_two_completes_a_task_and_the_other_keeps_the_draft(collecting: tuple[ProcessEngine, Collecting]) -> None:
    process_engine, place = collecting
    people = {who.id: who for who in (find_person(process_engine, login) for login in ("applicant-1", "colleague"))}
    for task_id, case_id in place.tasks["applicant-1"]:
        forms = {who.id: fill_in(process_engine, who, task_id, f"{who.name}写的标题") for who in people.values()}
        barrier = Barrier(len(people))
        with ThreadPoolExecutor(len(people)) as pool:
            begun = [pool.submit(complete, process_engine, who, task_id, forms[who.id], barrier) for who in people.values()]
            (first, winner), (second, loser) = sorted(each.result(60) for each in begun)
        assert (first, second) == ("Receipt", "TaskAlreadyCompleted")
        with process_engine.read() as work:
            (version,) = work.connection.execute(sa.select(application_version).where(application_version.c.case_id == case_id))
            assert version.data["title"] == forms[winner]["title"]
            assert len(work.connection.execute(sa.select(receipt).where(receipt.c.case_id == case_id)).all()) == 1
            kept = work.connection.execute(sa.select(draft).where(draft.c.task_id == task_id)).all()
            assert [(row.person_id, row.data["title"]) for row in kept] == [(loser, forms[loser]["title"])]
            view = inbox.open_task(work, people[loser], task_id)
            assert view.values["title"] == forms[loser]["title"]  # the page shows it, to be copied
    assert find_faults(process_engine) == []
