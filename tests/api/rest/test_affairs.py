"""What officials look after, by programs: arrivals, who is missing and urging, letters, the weekly letter, the panel, stages."""

from __future__ import annotations

from typing import Any

from engine.due import run_due
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation


def test_an_arrival_is_noted_once_for_each_key(call: Any, sent: dict[str, str]) -> None:
    auditor, where = call("auditor"), f"/cases/{sent['case']}/arrivals"
    asked = {"channel": "paper", "received_at": "2022-07-01T08:30:00+08:00", "note": " 一式两份 "}
    first = auditor.post(where, asked, key="paper")
    assert (first.status_code, auditor.post(where, asked, key="paper").json) == (201, first.json)
    told = call("applicant").get(where).json
    assert [(each["channel"], each["note"], each["by"]) for each in told["items"]] == [("paper", "一式两份", "孙审核")]
    assert "paper" in {each["key"] for each in told["channels"]}
    wrong = auditor.post(where, {"channel": "pigeon", "received_at": "0001-01-01T00:00:00+14:00"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "ArrivalInvalid")
    assert [(each["path"], each["code"]) for each in wrong.json["findings"]] == [
        ("channel", "ArrivalChannelUnknown"),
        ("received_at", "ArrivalLongAgo"),
    ]
    assert call("organiser").get(f"/cases/{sent['case']}/forwardings").json == {"items": [], "origin": None}


def test_who_owes_something_is_urged_and_the_letter_told(call: Any, place: Any) -> None:
    organiser, where = call("organiser"), f"/campaigns/{place.campaign}"
    with place.engine.begin(by=place.people["organiser"]) as work:
        work.connection.exec_driver_sql("UPDATE person SET email = 'sun@example.org' WHERE login = 'auditor'")
    body = place.organisations["body_a"]
    owed = organiser.get(f"{where}/missing?step=recommend&body={body}").json
    assert [(each["step"], each["units"], each["reachable"]) for each in owed["items"]] == [("报送推荐名单", ["甲省"], True)]
    assert sorted(each["body"] for each in owed["counts"]) == ["乙省", "甲省"]
    seen = organiser.get(f"{where}/urges/preview?body={body}&remark=hurry").json
    assert (seen["tasks"], seen["letters"], [each["recipient"] for each in seen["shares"]]) == (1, 1, ["孙审核"])
    assert "hurry" in seen["body"]
    done = organiser.post(f"{where}/urges", {"tasks": [owed["items"][0]["task_id"]], "remark": "hurry"}, key="urge")
    assert done.json == {"tasks": 1, "letters": 1, "unreachable": 0, "following": 0}
    assert (
        organiser.post(f"{where}/urges", {"tasks": [owed["items"][0]["task_id"]], "remark": "hurry"}, key="urge").json
        == done.json
    )
    assert organiser.get(f"{where}/missing?body={body}").json["items"][0]["urged"]["count"] == 1
    nobody = organiser.post(f"{where}/urges", {"step": "nowhere"})
    assert (nobody.status_code, nobody.json["code"]) == (422, "NobodyChosen")
    letters = organiser.get(f"{where}/letters?state=waiting").json
    assert [(each["recipient"], each["address"]) for each in letters["items"]] == [("孙审核", "sun@example.org")]
    masked = call("administrator").get(f"{where}/letters?state=waiting").json["items"]
    assert (masked[0]["recipient"], masked[0]["can_resend"]) == ("孙**", False)
    waiting = organiser.post(f"{where}/letters/{letters['items'][0]['id']}/resend")
    assert (waiting.status_code, waiting.json["code"]) == (409, "LetterWaiting")


def test_the_list_of_what_is_owed_is_paged(call: Any, place: Any) -> None:
    organiser, where = call("organiser"), f"/campaigns/{place.campaign}/missing"
    whole = [each["task_id"] for each in organiser.get(where).json["items"]]
    assert len(whole) > 1
    found, address = [], f"{where}?limit=1"
    while address:
        page = organiser.get(address)
        found += [each["task_id"] for each in page.json["items"]]
        address = f"{where}?limit=1&cursor={page.json['next']}" if page.json["next"] else ""
    assert found == whole
    made_up = organiser.get(f"{where}?cursor=bm9uZQ")
    assert (made_up.status_code, made_up.json["code"]) == (422, "MissingPageUnknown")


def test_the_weekly_letter_is_set(call: Any, place: Any) -> None:
    organiser, where = call("organiser"), f"/campaigns/{place.campaign}/weekly-letter"
    me = place.people["organiser"]
    assert organiser.get(where).json["receivers"] == [{"id": me, "name": "钱组织", "wanted": True}]
    assert organiser.post(where, {"persons": []}).json["receivers"][0]["wanted"] is False
    assert organiser.get(where).json["week"] == "2022-07-04"


def test_experts_are_added_and_dropped(call: Any, place: Any) -> None:
    organiser, where = call("organiser"), f"/campaigns/{place.campaign}"
    candidates = {each["name"]: each["id"] for each in organiser.get(f"{where}/panel").json["candidates"]}
    added = organiser.post(f"{where}/experts", {"experts": [candidates["王专家"]]})
    assert (added.status_code, added.json) == (200, {"filled": [], "vacant": []})
    assert [(each["name"], each["state"]) for each in organiser.get(f"{where}/panel").json["members"]] == [("王专家", "reserve")]
    drop = f"{where}/experts/{candidates['王专家']}/drop"
    assert organiser.post(drop, {"reason": "出差"}).status_code == 200
    again = organiser.post(drop, {"reason": "出差"})
    assert (again.status_code, again.json["code"]) == (409, "ExpertNotOnPanel")
    nobody = organiser.post(f"{where}/experts", {"experts": [place.people["auditor"]]})
    assert (nobody.status_code, nobody.json["code"]) == (422, "PoolInvalid")


def test_a_body_opens_its_own_stage(call: Any, place: Any) -> None:
    with place.engine.begin(by=place.people["organiser"]) as work:
        key = "samr_2022_932_province"
        deploy_folder(work, bundled_notices()[key], key=key)
        prefecture = create_organisation(
            work,
            name="甲省一市市场监督管理局",
            short_name="一市",
            kind="prefecture",
            parent_id=place.organisations["body_a"],
        )
    auditor, where = call("auditor"), f"/campaigns/{place.campaign}/stages"
    offered = auditor.get(where).json
    assert [(each["body"]["short_name"], [p["id"] for p in each["prefectures"]]) for each in offered["openable"]] == [
        ("甲省", [prefecture])
    ]
    (overlay,) = offered["overlays"]
    asked = {
        "body": place.organisations["body_a"],
        "overlay": overlay["id"],
        "quotas": {prefecture: {"minimum": 3, "maximum": 1}},
    }
    wrong = auditor.post(where, {**asked, "dates": {"collection_cutoff": "2022-06-01"}})
    assert (wrong.status_code, wrong.json["code"]) == (422, "StageInvalid")
    assert {"dates.collection_cutoff", f"quotas.{prefecture}.maximum"} <= {each["path"] for each in wrong.json["findings"]}
    made = auditor.post(where, {**asked, "quotas": {prefecture: {"maximum": 2}}}, key="open")
    assert made.status_code == 201, made.json
    run_due(place.engine)
    stage = f"/stages/{made.json['stage']}"
    board = auditor.get(stage).json
    assert (board["campaign_id"], [(each["name"], each["quota_max"]) for each in board["lines"]]) == (
        place.campaign,
        [("一市", 2)],
    )
    assert call().get(stage).json["lines"] == []
    assert [each["body"] for each in call().get(where).json["items"]] == ["甲省"]
    second = auditor.post(where, {**asked, "quotas": {}})
    assert (second.status_code, second.json["code"]) == (409, "StageOpened")
