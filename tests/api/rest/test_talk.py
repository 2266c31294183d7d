"""Talk about a case, notifications and substitution, by programs."""

from __future__ import annotations

from typing import Any


def test_talk_by_programs(call: Any, sent: dict[str, str], place: Any) -> None:
    auditor, where = call("auditor"), f"/cases/{sent['case']}"
    made = auditor.post(f"{where}/remarks", {"text": "请@李同事看"}, key="say")
    assert (made.status_code, auditor.post(f"{where}/remarks", {"text": "请@李同事看"}, key="say").json) == (201, made.json)
    refused = auditor.post(f"{where}/remarks", {"text": "@谁", "mentions": ["0" * 32]})
    assert (refused.status_code, [each["code"] for each in refused.json["findings"]]) == (
        422,
        ["MentionUnknown", "MentionStranger"],
    )
    (told,) = call("organiser").get(f"{where}/remarks").json["items"]
    assert (told["text"], told["mentions"], told["author"]) == ("请@李同事看", ["李同事"], "孙审核")
    colleague = call("colleague")
    heard = colleague.get("/notifications").json
    assert (heard["unread"], [each["kind"] for each in heard["items"]]) == (1, ["mention"])
    assert colleague.post("/notifications/read", None).json == {"read": 1}
    taken = f"{where}/remarks/{made.json['remark']}/retract"
    assert [auditor.post(taken, None).status_code, auditor.post(taken, None).status_code] == [200, 409]
    stopped = call("organiser").post(f"{where}/stop", {"how": "suspend", "reason": "核实"})
    assert (stopped.status_code, call("applicant").post(f"{where}/stop", {"how": "resume", "reason": "好"}).status_code) == (
        200,
        403,
    )
    asked = {"substitute": place.people["colleague"], "begins_on": "2022-07-01", "last_on": "2022-07-02"}
    appointed = auditor.post("/substitutions", asked)
    assert appointed.status_code == 201
    (line,) = colleague.get("/substitutions").json["items"]
    assert (line["name"], line["state"], line["last_on"]) == ("孙审核", "acting", "2022-07-02")
    again = auditor.post("/substitutions", asked)
    assert (again.status_code, again.json["findings"][0]["code"]) == (422, "SubstitutionOverlaps")
