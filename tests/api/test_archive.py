"""A campaign that is over moves into the archive and back: by its organiser on a page, and from the command line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from api.cli import main
from api.cli.opening import bring_years
from engine.bulk import list_results
from engine.due import run_due
from engine.history import list_entries
from engine.instances import cancel_instance
from engine.tables import archived_instance, history, incident, instance, metadata
from engine.verification import verify_history
from tests.api.rest.test_bulk import PASS, send_applications
from tests.api.world import Place, send
from tests.faults.wholeness import let_time_pass
from workflows.campaigns.archiving import arm_archive, preview_archive, start_archive, start_unarchive
from workflows.cases import get_case
from workflows.reminders.missing import Choice
from workflows.reminders.urging import urge_owers
from workflows.tables import campaign, case

LEFT = {"bulk_job", "bulk_chunk", "case_view", "idempotency", "login_session"}
"""Tables in which the archive's own work, and looking at pages, leaves something."""


@dataclass
class Finished:
    """The world with a campaign that was broken off: one case was audited, of another the auditor was reminded."""

    place: Place
    instance_id: str
    cases: dict[str, Any]

    def dump(self) -> dict[str, list[Any]]:
        """All rows, but for the campaign's own history, which tells of the archive."""
        with self.place.engine.read() as work:
            found = {
                table.name: [tuple(row) for row in work.connection.execute(sa.select(table).order_by(*table.primary_key))]
                for table in metadata.sorted_tables
                if table.name not in LEFT
            }
        found["history"] = [row for row in found["history"] if row[0] != self.instance_id]
        found["instance"] = [row for row in found["instance"] if row[0] != self.instance_id]
        return found


@pytest.fixture
def finished(place: Place, application_data: dict[str, Any]) -> Finished:
    audits = send_applications(place, 2, application_data)
    place.complete("auditor", audits[0], PASS)
    place.move_to(place.clock.now() + timedelta(days=1))
    organiser = place.person("organiser")
    with place.engine.begin(by=organiser.id) as work:
        urge_owers(work, organiser, place.campaign, Choice(), "请抓紧")
    run_due(place.engine)
    with place.engine.begin(by=organiser.id) as work:
        rows = work.connection.execute(sa.select(case).order_by(case.c.number)).all()
        own = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
        for each in (*(row.instance_id for row in rows), own):
            cancel_instance(work, each, reason="征集取消")
    run_due(place.engine)
    return Finished(place, own, {row.number: row for row in rows})


def test_the_organiser_archives_it_and_puts_it_back(finished: Finished) -> None:
    organiser, address = finished.place.person("organiser"), f"/campaigns/{finished.place.campaign}/archive"
    client, before = finished.place.client("organiser"), finished.dump()
    number, row = next(iter(finished.cases.items()))
    with finished.place.engine.read() as work:
        seen = get_case(work, organiser, row.id)
        verified = verify_history(work)
    assert address in client.get(f"/campaigns/{finished.place.campaign}").get_data(as_text=True)
    page = client.get(address).get_data(as_text=True)
    assert f"{len(finished.cases)} 个案例和报送" in page and "办理经过" in page and "撤销归档" not in page
    answer = send(client, address, address, {}, follow_redirects=True)
    assert "正在归档" in answer.get_data(as_text=True)
    run_due(finished.place.engine)
    page = client.get(address).get_data(as_text=True)
    assert "没有需要归档的数据。" in page and "撤销归档" in page
    with finished.place.engine.read() as work:
        after = get_case(work, organiser, row.id)
        assert (after.history, after.marks, after.versions, after.receipts) == (
            seen.history, seen.marks, seen.versions, seen.receipts
        )  # fmt: skip
        assert seen.archived_at is None and after.archived_at is not None
        again = verify_history(work)
        assert (again.broken, again.instances, again.rows) == (None, verified.instances, verified.rows + 1)
        left = sa.select(history.c.instance_id).distinct()
        assert work.connection.execute(left).scalars().all() == [finished.instance_id]
    shown = client.get(f"/cases/{row.id}").get_data(as_text=True)
    assert "归档；办理经过仍可在本页查阅" in shown and "省级审核" in shown
    assert number in client.get(f"/cases?q={number}").get_data(as_text=True)
    told = client.get(f"/campaigns/{finished.place.campaign}/history").get_data(as_text=True)
    assert f"{len(finished.cases)} 个案例和报送" in told
    send(client, address, f"/campaigns/{finished.place.campaign}/unarchive", {})
    run_due(finished.place.engine)
    assert finished.dump() == before


def test_who_may_and_when(finished: Finished) -> None:
    address = f"/campaigns/{finished.place.campaign}/archive"
    for login, status in (("auditor", 403), ("applicant", 403), ("administrator", 403), ("organiser", 200)):
        client = finished.place.client(login)
        assert client.get(address).status_code == status
        assert (address in client.get(f"/campaigns/{finished.place.campaign}").get_data(as_text=True)) == (status == 200)


def test_before_the_campaign_is_over(place: Place) -> None:
    address, client = f"/campaigns/{place.campaign}/archive", place.client("organiser")
    page = client.get(address).get_data(as_text=True)
    assert "征集流程尚未结束" in page and "结束 365 天后将自动归档。" in page and "确认归档" not in page
    early = send(client, "/notices", address, {"csrf_token": read_token(page), "key": "k"})
    assert (early.status_code, "尚未结束" in early.get_data(as_text=True)) == (409, True)


def test_what_nobody_archives_moves_in_its_time(finished: Finished) -> None:
    place, address = finished.place, f"/campaigns/{finished.place.campaign}/archive"
    due = place.clock.now() + timedelta(days=365)
    assert "将于 2023年7月2日09:00 自动归档" in place.client("organiser").get(address).get_data(as_text=True)
    place.move_to(due - timedelta(seconds=1))
    with place.engine.read() as work:
        found = preview_archive(work, place.campaign)
        assert (found.archived, found.due_at) == (0, due)
    place.move_to(due)
    with place.engine.read() as work:
        found = preview_archive(work, place.campaign)
        assert (found.archived, found.instances, found.due_at) == (len(finished.cases), 0, None)
        told = [row for row in list_entries(work, finished.instance_id) if row.kind == "archived"]
        assert [(row.by, row.detail["instances"]) for row in told] == [(None, len(finished.cases))]
        assert verify_history(work).broken is None
    with place.engine.begin(by=place.person("organiser").id) as work:
        start_unarchive(work, place.campaign)
    place.move_to(due + timedelta(days=3_650))  # it happens once
    with place.engine.read() as work:
        found = preview_archive(work, place.campaign)
        assert (found.archived, found.instances, found.due_at) == (0, len(finished.cases), None)


def test_a_campaign_that_goes_on_is_let_be(place: Place) -> None:
    with place.engine.read() as work:
        own = work.connection.execute(sa.select(campaign.c.instance_id)).scalar_one()
    place.move_to(place.clock.now() + timedelta(days=1_000))
    with place.engine.begin() as work:
        assert work.connection.execute(sa.select(instance.c.state).where(instance.c.id == own)).scalar_one() == "running"
        assert preview_archive(work, place.campaign).due_at is None
        cancel_instance(work, own, reason="征集取消")
    with place.engine.read() as work:
        assert preview_archive(work, place.campaign).due_at == place.clock.now() + timedelta(days=365)


def test_what_never_ends_is_left_to_people(place: Place) -> None:
    assert let_time_pass(place.engine, place.clock, jump=False) == []
    assert place.clock.now().year == 2042  # one look a year


def test_only_by_hand_or_by_hand_before(finished: Finished) -> None:
    place, organiser = finished.place, finished.place.person("organiser")
    with place.engine.begin() as work:
        settings = work.connection.execute(sa.select(campaign.c.settings)).scalar_one()
        work.connection.execute(sa.update(campaign).values(settings={**settings, "archive_after_days": 0}))
        assert preview_archive(work, place.campaign).due_at is None
    place.move_to(place.clock.now() + timedelta(days=366))
    with place.engine.begin(by=organiser.id) as work:
        assert preview_archive(work, place.campaign).archived == 0
        work.connection.execute(sa.update(campaign).values(settings={**settings, "archive_after_days": 400}))
        arm_archive(work, place.campaign)
        start_archive(work, place.campaign)
    place.move_to(place.clock.now() + timedelta(days=800))
    with place.engine.read() as work:
        assert preview_archive(work, place.campaign).archived == len(finished.cases)
        told = [row.by for row in list_entries(work, finished.instance_id) if row.kind == "archived"]
        assert told == [organiser.id]  # the clock found nothing left to do
        gave_up = sa.select(sa.func.count()).where(incident.c.resolved_at.is_(None))
        assert work.connection.execute(gave_up).scalar_one() == 0


def read_token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]*)"', page)
    assert found is not None
    return found[1]


def test_from_the_command_line(finished: Finished, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINXUAN_FILE_FOLDER", str(finished.place.settings.file_folder))
    file = finished.place.settings.database_url.removeprefix("sqlite:///")

    def call(*arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--database", file, "--lang", "en"])
        return code, capfd.readouterr().out

    bring_years(finished.place.engine)  # as every verb does at first
    before, count = finished.dump(), len(finished.cases)
    code, out = call("archive", "t2022", "--dry-run", "--json")
    told = json.loads(out)
    assert (code, told["instances"], told["alive"], told["archived"]) == (0, count, 0, 0)
    with finished.place.engine.read() as work:
        rows = {
            table: sum(len(list_entries(work, each.instance_id)) for each in finished.cases.values()) for table in ("history",)
        }
    assert told["rows"]["history"] == rows["history"]
    assert finished.dump() == before
    assert f"{count} cases and reports" in call("archive", "t2022", "--dry-run")[1]
    code, out = call("archive", "t2022", "--json")
    assert (code, json.loads(out)["done"], json.loads(out)["rows"]) == (0, count, sum(told["rows"].values()))
    with finished.place.engine.read() as work:
        found = preview_archive(work, finished.place.campaign)
        kept = work.connection.execute(sa.select(sa.func.sum(sa.func.length(archived_instance.c.content)))).scalar_one()
    assert (found.instances, found.archived, found.archived_rows) == (0, count, sum(told["rows"].values()))
    assert found.archived_bytes == kept < told["characters"]
    assert call("verify")[0] == 0
    assert call("archive", "t2022")[0] != 0  # nothing is left
    assert call("unarchive", "t2022")[0] == 0
    assert finished.dump() == before
    assert call("archive", "nowhere")[0] != 0


def test_a_history_that_is_not_whole_is_told_and_stays(finished: Finished) -> None:
    row = next(iter(finished.cases.values()))
    with finished.place.engine.begin() as work:
        mine = sa.and_(history.c.instance_id == row.instance_id, history.c.seq == 2)
        work.connection.execute(history.update().where(mine).values(by="mallory"))
        job = start_archive(work, finished.place.campaign)
        assert start_archive(work, finished.place.campaign).id == job.id
    run_due(finished.place.engine)
    with finished.place.engine.read() as work:
        (refused,) = list_results(work, job.id, refused=True)
        assert (refused.item["instance"], refused.problem and refused.problem.code) == (row.instance_id, "ChainBroken")
        found = preview_archive(work, finished.place.campaign)
    assert (found.instances, found.archived) == (1, len(finished.cases) - 1)
