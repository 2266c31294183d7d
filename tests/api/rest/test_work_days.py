"""Work days by programs, and what organisers decide about moments that were counted by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

SOURCE = "局办〔2022〕18号"
OFF = {"day": "2022-08-08", "is_workday": False, "name_zh": "机关搬迁", "source": SOURCE}


def test_a_day_is_decided_and_made_plain_again(call: Any) -> None:
    administrator = call("administrator")
    before = administrator.get("/work-days?year=2022").json
    assert (before["published"], before["workdays"]) == (True, 249)
    done = administrator.post("/work-days", OFF, key="day")
    after = {"is_workday": False, "name_zh": "机关搬迁", "name_en": "机关搬迁"}
    assert done.json == {"day": "2022-08-08", "before": None, "after": after, "kept": False}
    assert administrator.post("/work-days", OFF, key="day").json == done.json
    seen = call("applicant").get("/work-days?year=2022").json
    assert seen["workdays"] == 248
    assert [each["source"] for each in seen["items"] if each["day"] == "2022-08-08"] == [SOURCE]
    refused = administrator.post("/work-days", {**OFF, "source": "", "name_zh": ""})
    assert (refused.status_code, sorted(each["path"] for each in refused.json["findings"])) == (422, ["name_zh", "source"])
    gone = administrator.post("/work-days/removals", {"day": "2022-08-08", "source": SOURCE})
    assert (gone.json["before"], gone.json["after"]) == (after, None)
    again = administrator.post("/work-days/removals", {"day": "2022-08-08", "source": SOURCE})
    assert (again.status_code, again.json["code"]) == (404, "WorkdayUnknown")
    assert call("administrator").get("/work-days?year=2022").json["workdays"] == 249


def test_a_year_is_previewed_and_imported(call: Any) -> None:
    administrator = call("administrator")
    content = "first,last,kind,name_zh\n2099-10-01,2099-10-07,休,国庆节\n2099-10-10,,班,国庆节"
    asked = {"year": 2099, "content": content, "source": "国办发明电〔2098〕1号"}
    assert administrator.post("/work-days/imports", {"year": 2099}).status_code == 422
    seen = administrator.post("/work-days/imports", asked).json
    assert (seen["state"], len(seen["items"]), seen["affected"]) == ("preview", 8, [])
    assert administrator.get("/work-days?year=2099").json["published"] is False
    outdated = administrator.post("/work-days/imports", {**asked, "digest": "0" * 64})
    assert (outdated.status_code, outdated.json["code"]) == (409, "CalendarChanged")
    done = administrator.post("/work-days/imports", {**asked, "digest": seen["digest"]}).json
    assert (done["state"], done["items"]) == ("imported", seen["items"])
    year = administrator.get("/work-days?year=2099").json
    assert (year["published"], year["source"], len(year["items"])) == (True, asked["source"], 8)


def test_an_organiser_is_shown_what_changed_and_declines(call: Any, place: Any) -> None:
    organiser, where = call("organiser"), f"/campaigns/{place.campaign}/recounts"
    assert organiser.get(where).json == {"changes": [], "preview": None}
    place.move_to(place.clock.now() + timedelta(minutes=1))
    call("administrator").post("/work-days", OFF)
    seen = organiser.get(where).json
    assert [(each["kind"], each["days"]) for each in seen["changes"]] == [("set", ["2022-08-08"])]
    place.move_to(place.clock.now() + timedelta(minutes=1))
    said = {"digest": seen["preview"]["digest"], "reason": "期限已公布", "document_number": SOURCE, "decline": True}
    outdated = organiser.post(where, {**said, "digest": "0" * 64})
    assert (outdated.status_code, outdated.json["code"]) == (409, "PreviewOutdated")
    done = organiser.post(where, said)
    assert (done.status_code, done.json["tasks"], done.json["timers"]) == (201, 0, 0)
    assert organiser.get(where).json == {"changes": [], "preview": None}
