"""`/campaigns/{id}/rounds`, `/activities` and `/reports` of a campaign that has them: Hubei's cadences and calendar."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.rest.conftest import make_caller
from workflows.campaigns import create_campaign
from workflows.notices import bundled_notices, deploy_folder


@pytest.fixture
def campaigns(place: Any) -> dict[str, str]:
    """A campaign of Hubei 2023 and one of Jiangxi 2022 beside the world's own, prepared by its organiser."""
    organiser, found = place.person("organiser"), {}
    with place.engine.begin(by=organiser.id) as work:
        authority = next(at for role, at in organiser.memberships if role == "organiser")
        for key in ("hubei_2023", "jiangxi_2022"):
            notice_id = deploy_folder(work, bundled_notices()[key], key=key)
            found[key] = create_campaign(work, notice_id, key=key.replace("_", "-"), organiser_id=authority)
    return found


def test_rounds_and_activities(place: Any, campaigns: dict[str, str]) -> None:
    caller = make_caller(place, "organiser")
    rounds = caller.get(f"/campaigns/{campaigns['hubei_2023']}/rounds").json["items"]
    assert [each["due_on"] for each in rounds if each["plan"] == "batch"] == ["2023-06-30", "2023-11-30"]
    assert [each["period"] for each in rounds if each["plan"] == "month"] == [f"2023-{month:02}" for month in range(5, 13)]
    one = caller.get(f"/campaigns/{campaigns['hubei_2023']}/rounds/batch/2023-H1").json
    assert (one["round"]["period"], one["items"]) == ("2023-H1", [])
    calendar = caller.get(f"/campaigns/{campaigns['hubei_2023']}/activities").json["items"]
    assert sum(each["activity"] == "device_open_day" for each in calendar) == 52
    day = calendar[0]
    where = f"/campaigns/{campaigns['hubei_2023']}/activities/{day['activity']}/{day['period']}"
    noted = caller.post(where, {"state": "done", "note": "已举办"})
    assert (noted.status_code, noted.json["state"]) == (200, "done")
    again = caller.get(f"/campaigns/{campaigns['hubei_2023']}/activities").json["items"][0]
    assert (again["progress"]["state"], again["progress"]["note"]) == ("done", "已举办")


def test_reports_of_a_campaign(place: Any, campaigns: dict[str, str]) -> None:
    caller = make_caller(place, "organiser")
    answer = caller.get(f"/campaigns/{campaigns['jiangxi_2022']}/reports")
    assert (answer.status_code, answer.json["items"]) == (200, [])
    assert caller.get(f"/reports/{'0' * 32}").json["code"] == "ReportUnknown"


def test_the_board_of_a_campaign_whose_cut_off_is_unknown(place: Any) -> None:
    organiser = place.person("organiser")
    with place.engine.begin(by=organiser.id) as work:
        notice_id = deploy_folder(work, bundled_notices()["samr_2021_34"], key="samr_2021_34")
        home, body = place.organisations["authority"], place.organisations["body_a"]
        made = create_campaign(work, notice_id, key="t2021", organiser_id=home, bodies=[(body, None)])
    answer = make_caller(place, "organiser").get(f"/campaigns/{made}")
    assert answer.status_code == 200
    assert [(each["short_name"], each["cutoff_at"]) for each in answer.json["board"]["bodies"]] == [("甲省", None)]
