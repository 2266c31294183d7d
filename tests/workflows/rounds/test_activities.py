"""The calendar of annex 1: every Thursday of 2023, ranges as worded, progress by who holds an activity, what is overdue."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.workflows.rounds.hubei import Hubei, beijing
from workflows.activities import ActivityUnknown, Occurrence, ProgressInvalid, list_occurrences, report_progress
from workflows.rules import NotPermitted


def read(world: Hubei, name: str = "organiser") -> list[Occurrence]:
    """The calendar as somebody sees it."""
    with world.process_engine.read(by=world[name].id) as work:
        return list_occurrences(work, world[name], world.campaign_id)


def report(world: Hubei, name: str, activity: str, occurrence: str, state: str = "done", note: str = "") -> str:
    """Report progress."""
    with world.process_engine.begin(by=world[name].id) as work:
        return report_progress(work, world[name], world.campaign_id, activity, occurrence, state=state, note=note)


def test_every_thursday_and_sixteen_ranges(hubei: Hubei) -> None:
    found = read(hubei)
    thursdays = [line.first for line in found if line.activity.key == "device_open_day"]
    days = [date(2023, 1, 1) + timedelta(days=number) for number in range(365)]
    assert thursdays == [day for day in days if day.weekday() == 3] and len(thursdays) == 52
    ranges = {line.activity.key: (line.first.isoformat(), line.last.isoformat()) for line in found if line.first != line.last}
    assert len(ranges) == 16
    assert ranges["ultrasound_standards"] == ("2023-04-01", "2023-09-30")
    assert ranges["accreditation_day"] == ("2023-06-01", "2023-06-30")
    assert ranges["organic_experts"] == ("2023-09-01", "2023-10-31")


def test_overdue_until_it_was_held_or_called_off(hubei: Hubei) -> None:
    hubei.clock.move_to(beijing(6, 2))

    def overdue() -> set[str]:
        return {line.key for line in read(hubei) if line.overdue}

    assert len(overdue()) == 22  # the Thursdays from 5 January to 1 June
    report(hubei, "devices", "device_open_day", "2023-01-05", "done", "接待二十家企业")
    report(hubei, "devices", "device_open_day", "2023-01-12", "postponed")
    report(hubei, "organiser", "device_open_day", "2023-01-19", "cancelled")
    assert {"2023-01-05", "2023-01-12", "2023-01-19"} & overdue() == {"2023-01-12"}
    report(hubei, "devices", "device_open_day", "2023-01-12", "done")
    (line,) = [line for line in read(hubei) if line.key == "2023-01-12"]
    assert line.progress is not None and (line.progress.state, line.progress.organisation) == ("done", "省器械院")


def test_who_reports(hubei: Hubei) -> None:
    mine = {line.activity.key for line in read(hubei, "devices") if line.reports}
    assert mine == {"device_open_day", "ultrasound_standards", "device_seminar", "device_training"}
    assert all(line.reports for line in read(hubei))
    for name in ("wuhan_auditor", "lab", "fibre"):
        assert not any(line.reports for line in read(hubei, name))
        with pytest.raises(NotPermitted):
            report(hubei, name, "device_open_day", "2023-01-05")
    with pytest.raises(ActivityUnknown):
        report(hubei, "organiser", "device_open_day", "2023-01-06")  # a Friday
    with pytest.raises(ProgressInvalid) as refused:
        report(hubei, "organiser", "device_open_day", "2023-01-05", "perhaps", "长" * 1001)
    assert [finding.path for finding in refused.value.findings] == ["state", "note"]
