"""The agenda for calendar programs: a feed for each person at a secret address, one for each campaign, and single dates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import time, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from api.pages.agenda import find_address
from api.pages.present import PUBLIC, person, process_engine, read_key, reader, settings, signed_in, tell_next, words, words_in
from api.pages.words import Words
from engine.errors import Problem
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows.agenda import Agenda, Entry, Wanted, read_agenda
from workflows.agenda.feeds import end_feed, find_reader, make_feed, read_feed
from workflows.agenda.icalendar import Event, write_calendar
from workflows.campaigns.reading import get_campaign

pages = Blueprint("feeds", __name__)
BACK, AHEAD = timedelta(days=120), timedelta(days=400)
"""Which days a feed holds around the present one."""
LONGEST = 300
"""Characters of the id of an entry."""


class FeedUnknown(Problem):
    """No feed has this address (any more)."""

    kind = "missing"


class DateUnknown(Problem):
    """The agenda of the reader has no such date."""

    kind = "missing"


@pages.get("/feeds/<secret>.ics")
def fetch(secret: str) -> Response:
    """A person's feed, by its secret address alone: what the person may see, and the own tasks.

    Raises FeedUnknown.
    """
    with process_engine().read() as work:
        who = find_reader(work, secret)
        if who is None:
            raise FeedUnknown()
        agenda = read_agenda(work, who, _near(work), closed=True)
    say = words_in("en" if who.language == "en" else "zh")
    return answer(agenda, agenda.entries, name=say.say("feeds.name"), say=say)


@pages.get("/campaigns/<campaign_id>/agenda.ics")
def fetch_campaign(campaign_id: str) -> Response:
    """The public dates of a campaign.

    Raises CampaignUnknown.
    """
    with process_engine().read() as work:
        campaign = get_campaign(work, campaign_id, person=PUBLIC)
        agenda = read_agenda(work, PUBLIC, Wanted(campaign_id=campaign_id))
    return answer(agenda, agenda.entries, name=campaign.title)


@pages.get("/agenda/date.ics")
def fetch_date() -> Response:
    """One date of the reader's agenda: `?id=`.

    Raises DateUnknown.
    """
    who, wanted = person() or PUBLIC, request.args.get("id", "")[:LONGEST]
    with process_engine().read(by=who.id or None) as work:
        agenda = read_agenda(work, who)
    found = [each for each in agenda.entries if each.id == wanted]
    if not found:
        raise DateUnknown()
    response = answer(agenda, found, name=found[0].campaign_title)
    response.headers["Content-Disposition"] = 'attachment; filename="date.ics"'
    return response


@pages.get("/agenda/feed")
@signed_in
def show() -> str:
    """The person's feed: whether there is one, and the buttons to make it anew or switch it off."""
    return page()


@pages.post("/agenda/feed")
@signed_in
def make() -> str:
    """Make the feed's address, anew where there was one; it is shown once, and stored nowhere."""
    made: list[str] = []

    def act(work: Work) -> dict[str, Any]:
        made.append(make_feed(work, reader().id))
        return {}

    with process_engine().begin(by=reader().id) as work:
        once(work, read_key(), "feed.make", {}, lambda: act(work))
    return page(made=settings().base_url + url_for("feeds.fetch", secret=made[0]) if made else "")


@pages.post("/agenda/feed/end")
@signed_in
def end() -> Any:
    """Switch the feed off."""

    def act(work: Work) -> dict[str, Any]:
        end_feed(work, reader().id)
        return {}

    with process_engine().begin(by=reader().id) as work:
        once(work, read_key(), "feed.end", {}, lambda: act(work))
    tell_next("feeds.ended")
    return redirect(url_for("feeds.show"), 303)


def page(*, made: str | None = None) -> str:
    """The page; `made` is the new address, empty when it was made by an earlier copy of the same request."""
    with process_engine().read(by=reader().id) as work:
        since = read_feed(work, reader().id)
    return render_template("feed.html", since=since, made=made)


def answer(agenda: Agenda, entries: Iterable[Entry], *, name: str, say: Words | None = None) -> Response:
    """The file, with a tag by which programs ask whether it has changed; in the words of `say`, else of the request."""
    told = [tell_event(each, agenda, say or words()) for each in entries if each.state not in ("moved", "possible")]
    content = write_calendar(told, name=name)
    response = Response(content, mimetype="text/calendar")
    response.headers["Cache-Control"] = "private, max-age=0, must-revalidate"
    response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    response.make_conditional(request)  # which changes it
    return response


def tell_event(entry: Entry, agenda: Agenda, say: Words) -> Event:
    """An entry as an event. A cut-off at midnight is all of the day that ends with it, another one a moment."""
    base = settings().base_url
    assert entry.changed_at is not None
    at = entry.cutoff_at
    whole = at is None or at.astimezone(SHANGHAI).time() == time(0) or entry.first != entry.last
    name = say.both(entry.title) if entry.title else say.date_name(entry.name, entry.value)
    if entry.title is None and entry.kind in ("body", "institution", "comments"):
        name = say.say(f"agenda.kind.{entry.kind}")
    period = say.period(entry.occurrence) if entry.occurrence and entry.kind not in ("activity", "task") else ""
    lines = [entry.campaign_title, say.deadline(at), entry.value.words if entry.value is not None and entry.value.words else ""]
    lines += [say.say("agenda.moved_from", moment=say.deadline(entry.moved_from)) if entry.moved_from else ""]
    lines += [say.say("form.joint").join(entry.places)]
    return Event(
        uid=f"{entry.id.replace('/', '_')}@linxuan",
        title=f"{name} {period}".strip(),
        first=entry.first,
        last=entry.last,
        changed_at=entry.changed_at,
        at=None if whole else at,
        text="\n".join(line for line in lines if line),
        address=base + find_address(entry, agenda),
        category=say.say(f"agenda.kind.{entry.kind}"),
        sequence=entry.sequence,
        cancelled=entry.state == "called_off" or (entry.kind == "task" and entry.state == "done"),
    )


def _near(work: Work) -> Wanted:
    today = work.now.astimezone(SHANGHAI).date()
    return Wanted(first=today - BACK, last=today + AHEAD)
