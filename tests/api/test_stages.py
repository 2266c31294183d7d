"""The pages of a body's own stage: who may open one, what each sees, that it opens once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import create_person
from workflows.tables import campaign, window

OVERLAY = "samr_2022_932_province"


@pytest.fixture
def stage(place: Any, send: Callable[..., Any]) -> str:
    """The address of the stage that the official of 甲省 opened by the page; a prefecture stands below."""
    ids = place.organisations
    with place.engine.begin() as work:
        deploy_folder(work, bundled_notices()[OVERLAY], key=OVERLAY)
        ids["city"] = create_organisation(work, name="甲省一市局", short_name="一市", kind="prefecture", parent_id=ids["body_a"])
        place.people["checker"] = create_person(
            work, login="checker", name="吕初审", organisation_id=ids["city"], roles=[("auditor", ids["city"])]
        )
    form = f"/campaigns/{place.campaign}/stages/new"
    client = place.client("auditor")
    wrong = send(
        client,
        form,
        f"/campaigns/{place.campaign}/stages",
        {**fields(place), "date_checked_by": "", "setting_body_lead_days": "x"},
    )
    text = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert "市州完成初审：请填写这个日期" in text and 'value="2022-07-25"' in text
    page = client.get(form).get_data(as_text=True)
    token, key = (page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("csrf_token", "key"))
    sent = {"csrf_token": token, "key": key, **fields(place)}
    answers = [client.post(f"/campaigns/{place.campaign}/stages", data=sent) for _ in range(2)]  # sent twice, opened once
    assert [each.status_code for each in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    return str(answers[0].location)


def test_the_form_keeps_the_days_distance_from_the_national_end(place: Any) -> None:
    """An official who opens a stage of a later call gets days of that call, and sees what they must precede."""
    with place.engine.begin() as work:
        deploy_folder(work, bundled_notices()[OVERLAY], key=OVERLAY)
        work.connection.execute(sa.update(window).values(cutoff_at=datetime(2022, 8, 30, 16, tzinfo=UTC)))
    page = place.client("auditor").get(f"/campaigns/{place.campaign}/stages/new").get_data(as_text=True)
    found = re.findall(r'name="date_(\w+)" value="([^"]*)"', page)
    assert dict(found) == {
        "collection_cutoff": "2022-08-14",
        "checked_by": "2022-08-17",
        "ranked_by": "2022-08-21",
        "sealed_by": "2022-08-29",
    }
    assert "全国征集截止" in page and "2022年8月30日24:00" in page


def fields(place: Any) -> dict[str, str]:
    """What the form holds."""
    with place.engine.read() as work:
        overlay = work.connection.execute(sa.text("SELECT id FROM notice WHERE extends_id IS NOT NULL")).scalar_one()
    city = place.organisations["city"]
    return {
        "body": place.organisations["body_a"],
        "overlay": overlay,
        "date_collection_cutoff": "2022-07-25",
        "date_checked_by": "2022-07-28",
        "date_ranked_by": "2022-08-01",
        "date_sealed_by": "2022-08-09",
        "setting_body_lead_days": "0",
        "setting_consultation_work_days": "5",
        f"minimum_{city}": "1",
        f"maximum_{city}": "2",
    }


def test_each_sees_his_own(place: Any, stage: str) -> None:
    def look(login: str | None) -> tuple[int, bool, bool]:
        answer = place.client(login).get(stage)
        text = answer.get_data(as_text=True)
        return answer.status_code, "市州进展" in text, 'id="list"' in text

    assert {login: look(login) for login in (None, "applicant", "auditor", "checker", "auditor_b", "organiser")} == {
        None: (200, False, False),
        "applicant": (200, False, False),
        "auditor": (200, True, True),
        "checker": (200, True, False),
        "auditor_b": (200, False, False),
        "organiser": (200, False, False),
    }


def test_it_stands_within_its_campaign(place: Any, stage: str) -> None:
    client = place.client("auditor")
    stage_id = stage.rpartition("/")[2]
    assert client.get(f"/campaigns/{stage_id}").location == stage
    page = client.get(f"/campaigns/{place.campaign}").get_data(as_text=True)
    assert stage in page and "启动本单位的自办阶段" not in page
    listed = client.get("/campaigns").get_data(as_text=True)
    assert stage_id not in listed
    assert client.get(f"/campaigns/{stage_id}/missing").status_code == 200
    assert place.client("auditor_b").get(f"/campaigns/{stage_id}/missing").status_code == 403
    assert client.get(f"/notices/{OVERLAY}").status_code == 200
    assert place.client("applicant", language="en").get(stage).status_code == 200
    with place.engine.read() as work:
        parents = work.connection.execute(sa.select(campaign.c.parent_id).where(campaign.c.id == stage_id)).scalars().all()
    assert parents == [place.campaign]


def test_another_body_opens_no_stage_for_it(place: Any, stage: str, send: Callable[..., Any]) -> None:
    form = f"/campaigns/{place.campaign}/stages/new"
    answer = send(place.client("auditor_b"), form, f"/campaigns/{place.campaign}/stages", fields(place))
    assert answer.status_code == 403
    again = send(place.client("colleague"), form, f"/campaigns/{place.campaign}/stages", {**fields(place), "key": "another"})
    assert again.status_code == 409
