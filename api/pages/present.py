"""Who reads the page, in which language, and the engine behind it: what every view needs of the present request."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, current_app, flash, g, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.pages.words import HTML_LANGUAGES, Words
from api.security import SAFE_METHODS, cookie_name, set_cookie
from api.settings import Settings
from engine.errors import Problem
from engine.ids import new_id
from engine.texts import LANGUAGES, Catalogue, Language
from engine.work import ProcessEngine
from workflows import inbox, sessions
from workflows.notices.drafts import count_submitted
from workflows.organisations import get_organisation
from workflows.people import Person
from workflows.rules import can

P = ParamSpec("P")
R = TypeVar("R")
PUBLIC = Person(id="", login="", name="", organisation_id="", language="zh", memberships=frozenset())
"""Somebody who is not logged in, for the rules: nobody's assignee, in no group."""
LONGEST_KEY = 100
WISHES: dict[str, tuple[str, Sequence[str]]] = {"language": ("lang", LANGUAGES), "size": ("size", ("standard", "large"))}
"""What a reader may choose on every page: the cookie's name, the parameter, and the values."""
WISH_COOKIE_AGE = 365 * 24 * 3600


def process_engine() -> ProcessEngine:
    """The engine that this application was made with."""
    return cast(ProcessEngine, current_app.extensions["process_engine"])


def settings() -> Settings:
    """The settings that this application was made with."""
    return cast(Settings, current_app.extensions["settings"])


def words() -> Words:
    """The words of the present page."""
    if "words" not in g:
        g.words = words_in(choose_language())
    return cast(Words, g.words)


def words_in(language: Language) -> Words:
    """The words in one language, at this moment."""
    return Words(cast(Catalogue, current_app.extensions["catalogue"]), language, process_engine().clock.now())


POLLS = ("inbox.show_news",)
"""What an open page asks by itself again and again. It is no use of a session, which would never run idle else."""


def person() -> Person | None:
    """Who is logged in, if anybody; read once per request."""
    if "person" not in g:
        token = request.cookies.get(cookie_name("session", settings()))
        g.person = None
        if token and request.endpoint in POLLS:
            with process_engine().read() as work:
                g.person = sessions.read_session(work, token)
        elif token:
            g.person = sessions.use_session(process_engine(), token)
    return cast("Person | None", g.person)


def reader() -> Person:
    """Who is logged in, on pages that `signed_in` guards."""
    found = person()
    assert found is not None
    return found


def signed_in(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """Let only people who are logged in reach the view; others are led to the log-in page, what they typed goes with them."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        if person() is not None:
            return view(*args, **kwargs)
        behind = urlsplit(request.headers.get("HX-Current-URL", ""))  # a part of a page was asked for: back to the page
        here = behind.path + (f"?{behind.query}" if behind.query else "") if behind.netloc == request.host else sent_address()
        log_in = url_for("login.show", next=here)
        if request.headers.get("HX-Request"):
            headers = {"HX-Redirect": log_in} if request.method in SAFE_METHODS else {}
            return Response(words().say("login.expired"), 401, headers, mimetype="text/html")
        if request.method in SAFE_METHODS:
            return redirect(log_in, 303)
        carried = {"carried": carried_form(), "next": carried_address(), "back": address_before()}
        return Response(render_template("login.html", expired=True, **carried), 401)

    return guarded


def carried_form() -> list[tuple[str, str]]:
    """The typed values of a form that came too late for its session; files cannot be carried."""
    secret = ("csrf_token", "key", "password")
    return [(name, value) for name in request.form for value in request.form.getlist(name) if name not in secret]


def find_texts(typed: list[tuple[str, str]]) -> list[str]:
    """Of what a form carried the texts that somebody wrote, as far as they can be told from what the page had put there."""
    return [value for _name, value in typed if not value.isascii() or " " in value.strip()]


FORMS = ("tasks.complete", "tasks.save_draft")
"""What sends a task's form, which can be kept as a draft."""


def carried_address() -> str:
    """Where to go after logging in again: the task whose form was sent; else what was sent is shown, to be sent once more."""
    return url_for("tasks.show", **request.view_args or {}) if request.endpoint in FORMS else sent_address()


def sent_address() -> str:
    """Where the present form was sent."""
    return request.full_path.rstrip("?")


def address_before() -> str:
    """The page of ours from which a form was sent, as far as the browser tells."""
    before = urlsplit(request.referrer or "")
    return before.path + (f"?{before.query}" if before.query else "") if before.netloc == request.host else ""


def choose_language() -> Language:
    """`?lang=`, else the cookie, else the person's own, else Chinese."""
    if wish := _wish("language"):
        return cast(Language, wish)
    known = g.get("person")
    return cast(Language, known.language) if known and known.language in LANGUAGES else "zh"


def choose_size() -> str:
    """How large the pages are printed: `?size=`, else the cookie, else `standard`."""
    return _wish("size") or "standard"


def _wish(name: str) -> str | None:
    """What the address asks for, else what was asked for before."""
    parameter, known = WISHES[name]
    asked = (request.args.get(parameter), request.cookies.get(cookie_name(name, settings())))
    return next((wish for wish in asked if wish in known), None)


def keep_wishes(response: Response) -> Response:
    """Remember the language and the size that the address asked for."""
    for name, (parameter, known) in WISHES.items():
        if request.args.get(parameter) in known:
            set_cookie(response, name, request.args[parameter], settings(), max_age=WISH_COOKIE_AGE)
    return response


def address_with(**wish: str) -> str:
    """The address of this page with another language or size; of the page behind it where it answers a sent form."""
    if request.method not in SAFE_METHODS or request.url_rule is None:
        return f"{g.get('page_address') or url_for('home.show')}?{urlencode(wish)}"
    arguments: dict[str, Any] = {**request.args.to_dict(flat=False), **(request.view_args or {}), **wish}
    return url_for(request.endpoint or "home.show", **arguments)


def install(app: Flask) -> None:
    """Give templates the words, the reader and small makers."""
    app.after_request(keep_wishes)

    @app.before_request
    def know_reader() -> None:
        person()  # before the language is chosen: it may be the person's own

    @app.context_processor
    def offer() -> dict[str, Any]:
        present = words()
        return {
            "t": present.say,
            "words": present,
            "html_language": HTML_LANGUAGES[present.language],
            "reader": person(),
            "installation": settings(),
            "demo_installation": current_app.extensions["demo"],
            "address_with": address_with,
            "size": choose_size(),
            "main_menu": main_menu,
            "reader_organisation": reader_organisation(),
            "done_messages": done_messages,
            "new_key": new_id,
            "counted": tell_count,
        }


def tell_count(count: int) -> str:
    """A count of tasks; what has reached the end of counting is so many or more."""
    return str(count) if count < inbox.COUNTED else f"{inbox.COUNTED}+"


class PageIncomplete(Problem):
    """What every form of ours carries is missing from what was sent, or is not ours."""


def read_key() -> str:
    """The key of the page's form, which names this one action.

    Raises PageIncomplete.
    """
    key = request.form.get("key", "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise PageIncomplete()
    return key


def read_revision() -> int:
    """The revision of the task that the page showed.

    Raises PageIncomplete.
    """
    text = request.form.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise PageIncomplete()
    return int(text)


def tell_next(code: str, /, *, kind: str = "good", **values: Any) -> None:
    """Let the next page say what was done."""
    flash(json.dumps([code, values]), kind)


def done_messages() -> list[tuple[str, str, dict[str, Any]]]:
    """What the request before this one did: (kind, code, values); each is told once."""
    told = []
    for kind, message in cast(list[tuple[str, str]], get_flashed_messages(with_categories=True)):
        code, values = json.loads(message)
        told.append((kind, code, values))
    return told


def reader_organisation() -> str | None:
    """The short name of the reader's organisation."""
    who = person()
    if who is None:
        return None
    with process_engine().read(by=who.id) as work:
        return get_organisation(work, who.organisation_id).short_name


PART_OF = {
    "tasks": "inbox",
    "bulk": "inbox",
    "bulk_begin": "inbox",
    "substitutions": "inbox",
    "stages": "campaigns",
    "drafts": "designer",
    "case_papers": "cases",
    "stopping": "cases",
    "previews": "cases",
    "feeds": "agenda",
}
"""Under which entry of the menu the pages of a module are, where that is not its own."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the main menu."""

    code: str
    address: str
    here: bool
    count: int = 0


def count_waiting_drafts(who: Person) -> int:
    """How many drafts of notices wait for the reader to release them or send them back."""
    if not can(who, "notice.return"):
        return 0
    with process_engine().read(by=who.id) as work:
        return count_submitted(work)


def main_menu() -> list[MenuItem]:
    """The menu as the reader may use it; the inbox says how many tasks wait."""
    who = person()
    roles = {role for role, _ in who.memberships} if who else set()
    entries = [("menu.home", "home.show", 0)]
    if who is not None:
        with process_engine().read(by=who.id) as work:
            counts = inbox.count_tasks(work, who)
        entries.append(("menu.inbox", "inbox.show", counts.mine + counts.groups))
        if roles & {"applicant", "auditor", "organiser", "expert"}:
            entries.append(("menu.cases", "cases.list_all", 0))
    entries += [
        ("menu.agenda", "agenda.show", 0),
        ("menu.campaigns", "campaigns.list_all", 0),
        ("menu.notices", "notices.list_all", 0),
    ]
    if who is not None and can(who, "definition.read"):
        entries.append(("menu.designer", "designer.list_all", count_waiting_drafts(who)))
    if roles & {"administrator", "organiser"}:
        entries.append(("menu.incidents", "incidents.show", 0))
        entries.append(("menu.workdays", "workdays.show_now", 0))
    if who is not None and can(who, "installation.read"):
        entries.append(("menu.system", "operations.show", 0))
    here = (request.endpoint or "").partition(".")[0]
    here = PART_OF.get(here, here)
    if request.path.startswith("/campaigns/"):
        here = "campaigns"
    return [MenuItem(code, url_for(endpoint), endpoint.partition(".")[0] == here, count) for code, endpoint, count in entries]
