"""Feeds: a secret address for each person, its digest alone in the database; what moves keeps its identity."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import sqlalchemy as sa

from engine.due import run_due
from tests.workflows.agenda.test_icalendar import read
from workflows import extensions
from workflows.applications import start_application
from workflows.tables import agenda_feed, person


def make(place: Any, send: Any, login: str) -> str:
    """The path of a new feed."""
    told = unescape(send(place.client(login), "/agenda/feed", "/agenda/feed", {}).get_data(as_text=True))
    found = re.search(r"/feeds/[\w-]{43}\.ics", told)
    assert found
    return found[0]


def test_a_feed_holds_what_its_person_may_see(place: Any, send: Any) -> None:
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        start_application(work, who, place.campaign, channel="recommended")
    run_due(place.engine)
    anybody = place.client()
    titles = {}
    for login in ("applicant", "applicant_b", "organiser"):
        answer = anybody.get(make(place, send, login))
        assert answer.status_code == 200 and answer.mimetype == "text/calendar"
        assert "private" in answer.headers["Cache-Control"]
        titles[login] = {each["SUMMARY"][1] for each in read(answer.get_data())[1]}
    assert titles["applicant_b"] == {"征集截止", "评审截止", "公布结果", "推荐单位受理截止"}
    assert {each.split()[0] for each in titles["applicant"] - titles["applicant_b"]} == {"填写申报材料"}


def test_a_feed_is_in_the_language_of_its_person(place: Any, send: Any) -> None:
    path = make(place, send, "organiser")
    with place.engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "organiser").values(language="en"))
    calendar, events = read(place.client().get(path).get_data())
    assert calendar["NAME"][0][1] == "Linxuan agenda"
    assert "End of the collection" in {each["SUMMARY"][1] for each in events}


def test_the_secret_is_renewed_and_switched_off(place: Any, send: Any) -> None:
    anybody, client = place.client(), place.client("auditor")
    first, second = make(place, send, "auditor"), make(place, send, "auditor")
    assert [anybody.get(path).status_code for path in (first, second, "/feeds/none.ics")] == [404, 200, 404]
    with place.engine.read() as work:
        stored = work.connection.execute(sa.select(agenda_feed.c.token_hash)).scalars().all()
    assert len(stored) == 1 and second[7:-4] not in stored[0]
    with place.engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "auditor").values(disabled=True))
    assert anybody.get(second).status_code == 404
    with place.engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "auditor").values(disabled=False))
    assert send(client, "/agenda/feed", "/agenda/feed/end", {}).status_code == 303
    assert anybody.get(second).status_code == 404


def test_what_is_unchanged_is_not_sent_again(place: Any) -> None:
    anybody, path = place.client(), f"/campaigns/{place.campaign}/agenda.ics"
    answer = anybody.get(path)
    assert anybody.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_date_that_moves_keeps_its_identity(place: Any) -> None:
    anybody, path, organiser = place.client(), f"/campaigns/{place.campaign}/agenda.ics", place.person("organiser")

    def cutoff() -> tuple[str, ...]:
        (found,) = [each for each in read(anybody.get(path).get_data())[1] if each["SUMMARY"][1] == "征集截止"]
        return tuple(found[name][1] for name in ("UID", "DTSTART", "SEQUENCE", "STATUS"))

    uid, *before = cutoff()
    with place.engine.begin(by=organiser.id) as work:
        extensions.hold_campaign(work, place.campaign)
        asked = extensions.ask_extension(work, place.campaign, "collection_cutoff", "2022-08-20")
        plan = extensions.preview_extension(work, organiser, place.campaign, asked)
        given = {"digest": plan.digest, "reason": "汛期", "document_number": "1号"}
        extensions.extend(work, organiser, place.campaign, asked, **given)
    assert (before, cutoff()) == (["20220810", "0", "CONFIRMED"], (uid, "20220820", "1", "CONFIRMED"))


def test_a_single_date(place: Any) -> None:
    client = place.client("auditor")
    page = unescape(client.get("/agenda?view=list").get_data(as_text=True))
    links = re.findall(r'href="(/agenda/date\.ics\?[^"]+)"', page)
    assert len(links) >= 4
    answer = client.get(links[0])
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    assert len(read(answer.get_data())[1]) == 1
