"""Making a campaign on the pages: of a notice, after an earlier one, with every fault at once and what differs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.api.world import Place, read_hidden
from workflows.campaigns.reading import Campaign, find_campaign, get_campaign
from workflows.campaigns.windows import BODY, COLLECTION, get_window
from workflows.notices import list_notices

Send = Callable[..., TestResponse]


def notice_id(place: Place) -> str:
    with place.engine.read() as work:
        return list_notices(work)[0].id


def shown(page: str) -> MultiDict[str, str]:
    """What a browser would send of the form that was not touched."""
    form = page.partition('action="/campaigns/new"')[2].partition("</form>")[0]
    fields: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            fields.append((name[1], value[1] if value else ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        assert chosen
        fields.append((name, chosen[1]))
    return MultiDict(fields)


def post(client: Any, page: str, **changes: Any) -> TestResponse:
    data = shown(page)
    for name, value in changes.items():
        data.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    answer: TestResponse = client.post("/campaigns/new", data=data)
    return answer


def made(place: Place, key: str) -> Campaign:
    with place.engine.read() as work:
        return get_campaign(work, find_campaign(work, key))


def test_a_campaign_of_a_notice_with_what_it_says(place: Place) -> None:
    client = place.client("organiser")
    assert 'href="/campaigns/new"' in client.get("/campaigns").get_data(as_text=True)
    assert "新建征集" not in place.client("applicant").get("/campaigns").get_data(as_text=True)
    choice = client.get("/campaigns/new").get_data(as_text=True)
    assert f"/campaigns/new?notice={notice_id(place)}" in choice and f"/campaigns/new?from={place.campaign}" in choice
    page = client.get(f"/campaigns/new?notice={notice_id(place)}").get_data(as_text=True)
    assert "征集截止时间为2022年8月10日" in page and "前到达市场监管总局的推荐名单和直接报送" in page
    assert "33 个尚未登记" in page  # the made-up bodies are not those of the notice
    answer = post(client, page, campaign_key="t2023")
    assert answer.status_code == 303
    campaign = made(place, "t2023")
    assert answer.location == f"/campaigns/{campaign.id}"
    assert (campaign.phase, campaign.settings["cut"], campaign.settings["quota.maximum"]) == ("prepared", 49, None)
    assert campaign.dates["collection_cutoff"]["words"] == "征集截止时间为2022年8月10日"
    assert [task.business_key for task in place.tasks("organiser", "issue_notice")] == ["t2023"]
    assert "征集已建立" in client.get(answer.location).get_data(as_text=True)


def test_dates_settings_and_bodies_are_those_typed(place: Place) -> None:
    client = place.client("organiser")
    page = client.get(f"/campaigns/new?notice={notice_id(place)}").get_data(as_text=True)
    body = place.organisations["body_b"]
    answer = post(
        client,
        page,
        campaign_key="t-own",
        title="自定名称",
        date__collection_cutoff__day="2022-09-01",
        date__collection_cutoff__time="17:00",
        date__review_until__day="2022-10-01",
        setting__cut="7",
        setting__score_method="mean",
        **{"setting__quota.corps_counts_as_province": "no", "setting__quota.maximum": "9"},
        body=[body],
        **{f"cutoff__{body}__day": "2022-08-20"},
    )
    assert answer.status_code == 303
    campaign = made(place, "t-own")
    expected = {"cut": 7, "score_method": "mean", "quota.corps_counts_as_province": False, "quota.maximum": 9}
    assert {name: campaign.settings[name] for name in expected} == expected
    assert campaign.title == "自定名称" and campaign.dates["review_until"]["kind"] == "day"
    with place.engine.read() as work:
        assert get_window(work, campaign.id, COLLECTION).cutoff_at == datetime(2022, 9, 1, 9, tzinfo=UTC)
        assert get_window(work, campaign.id, BODY, body).cutoff_at == datetime(2022, 8, 20, 16, tzinfo=UTC)


def test_every_fault_is_told_at_its_field_and_nothing_typed_is_lost(place: Place) -> None:
    place.clock.move_to(datetime(2022, 9, 1, tzinfo=UTC))
    client = place.client("organiser")
    page = client.get(f"/campaigns/new?notice={notice_id(place)}").get_data(as_text=True)
    body = place.organisations["body_a"]
    answer = post(
        client,
        page,
        campaign_key="T 2023",
        title="留住的名称",
        date__review_until__time="17:00",
        setting__cut="0",
        setting__experts_per_case="许多",
        body=[body],
        **{f"cutoff__{body}__day": "2022-12-01"},
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    summary = page.partition("error-summary")[2].partition("</div>")[0]
    links = re.findall(r'href="#([^"]*)"', summary)
    assert sorted(links) == sorted(
        ["f_campaign_key", "f_date_review_until_day", "f_setting_cut", "f_setting_experts_per_case",
         "f_date_collection_cutoff_day", f"f_cutoff_{body}_day"]
    )  # fmt: skip
    assert all(f'id="{link}"' in page for link in links)
    assert "设置项“入选数量”不能为“0”" in summary and "（2022年8月10日24:00(北京时间)）已过" in summary
    for kept in (
        'value="T 2023"',
        'value="留住的名称"',
        'value="17:00"',
        'value="许多"',
        f'value="{body}" checked',
        "2022-12-01",
    ):
        assert kept in page
    with place.engine.read() as work, pytest.raises(LookupError):
        find_campaign(work, "T 2023")


def test_the_next_campaign_after_an_earlier_one_and_what_differs(place: Place) -> None:
    client = place.client("organiser")
    page = client.get(f"/campaigns/new?from={place.campaign}").get_data(as_text=True)
    sent = shown(page)
    assert sent["date.collection_cutoff.day"] == "2023-08-10" and sent["setting.experts_per_case"] == "2"
    assert sorted(sent.getlist("body")) == sorted(place.organisations[key] for key in ("body_a", "body_b"))
    answer = post(client, page, campaign_key="t2023", setting__cut="30", body=[place.organisations["body_a"]])
    assert answer.status_code == 303 and "/compare?before=" in answer.location
    told = client.get(answer.location).get_data(as_text=True)
    for part in ("2022年8月10日24:00", "2023年8月10日24:00", "入选数量", "未参加"):
        assert part in told
    assert "计分方法" not in told  # it is the same
    other = place.client("auditor").get(answer.location)
    assert other.status_code == 404  # not issued yet
    assert "t2022" in client.get(f"/campaigns/{made(place, 't2023').id}/compare").get_data(as_text=True)


def test_the_same_form_again_makes_nothing_new(place: Place) -> None:
    client = place.client("organiser")
    page = client.get(f"/campaigns/new?notice={notice_id(place)}").get_data(as_text=True)
    assert read_hidden(page, "key")
    first, second = (post(client, page, campaign_key="once") for _ in range(2))
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)
