"""Logging in and out."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from api.pages.fields import read_draft
from api.pages.present import find_texts, person, process_engine, reader, settings, words
from api.security import cookie_name, set_cookie
from engine.errors import Problem
from workflows import demo, inbox, people, sessions
from workflows.people import LoginRefused, Person
from workflows.replay.setting import PASSWORD
from workflows.rules import can

pages = Blueprint("login", __name__)
TASK_PREFIX = "/tasks/"
DRAFTING = {"designer", "releaser"}
"""Roles whose work lies in drafts, not in tasks."""


@pages.get("/login")
def show() -> Any:
    """The log-in page; somebody who is logged in goes on at once."""
    if person() is not None:
        return redirect(safe_address(request.args.get("next"), reader()), 303)
    return render_template("login.html", next=request.args.get("next", ""), demo_logins=list_demo_logins())


@pages.post("/login")
def log_in() -> Any:
    """Check the password, open a session under a new token, and go where the person wanted to go."""
    login = request.form.get("login", "")
    carried = request.form.get("carried")  # there when a form was sent after the session had ended, be it an empty one
    try:
        who = people.authenticate(process_engine(), login, request.form.get("password", ""))
    except LoginRefused as refusal:
        page = render_template(
            "login.html",
            fault=words().tell(refusal),
            login=login,
            next=request.form.get("next", ""),
            back=request.form.get("back", ""),
            carried=None if carried is None else read_carried(carried),
            demo_logins=list_demo_logins(),
        )
        return page, 403
    with process_engine().begin(by=who.id) as work:
        token = sessions.open_session(work, who.id, address=request.remote_addr)
    session.clear()  # a new form token as well
    address = safe_address(request.form.get("next"), who)
    typed = read_carried(carried or "")
    if carried is not None and not is_task(address):
        g.person = who
        back = safe_address(request.form.get("back"), who)
        response = make_response(
            render_template("login_again.html", address=address, typed=typed, texts=find_texts(typed), back=back)
        )
    else:
        rescue_typed(who, address, typed)
        response = make_response(redirect(address, 303))
    set_cookie(response, "session", token, settings())
    return response


@pages.post("/logout")
def log_out() -> Response:
    """End this session here and on the server."""
    token = request.cookies.get(cookie_name("session", settings()))
    who = person()
    if token and who:
        with process_engine().begin(by=who.id) as work:
            sessions.close_session(work, token)
    session.clear()
    response = redirect(url_for("home.show"), 303)
    response.delete_cookie(cookie_name("session", settings()), path="/", secure=settings().https, httponly=True, samesite="Lax")
    return response


def safe_address(wish: str | None, who: Person) -> str:
    """An address on this site: a path, never another host; by default where the person's work lies, tasks or drafts."""
    if wish and wish.startswith("/") and not wish.startswith("//") and "\\" not in wish and wish.isprintable():
        return wish
    only_drafts = can(who, "notice.review") and not {role for role, _ in who.memberships} - DRAFTING
    return url_for("drafts.list_all" if only_drafts else "inbox.show")


def read_carried(text: str) -> list[tuple[str, str]]:
    """The typed values that a form carried over a session's end; nothing when they were tampered with."""
    try:
        pairs = json.loads(text) if text else []
        return [(str(name), str(value)) for name, value in pairs]
    except (ValueError, TypeError):
        return []


def is_task(address: str) -> bool:
    """Whether this is the page of a task, whose form can be kept as a draft."""
    return address.startswith(TASK_PREFIX) and "/" not in address.removeprefix(TASK_PREFIX)


def rescue_typed(who: people.Person, address: str, typed: list[tuple[str, str]]) -> None:
    """Keep the values of a task's form as the person's draft; a task that is gone or not theirs has nothing to keep."""
    if not typed:
        return
    task_id = address.removeprefix(TASK_PREFIX).split("?")[0]
    try:
        with process_engine().begin(by=who.id) as work:
            view = inbox.open_task(work, who, task_id)
            if view.form is None:
                return
            inbox.save_draft(work, who, task_id, read_draft(view.form, MultiDict(typed)), revision=view.task.revision)
    except Problem:
        return


def list_demo_logins() -> list[dict[str, str]]:
    """The log-ins of a demo installation, one per role; none anywhere else."""
    if not demo.is_demo(process_engine()):
        return []
    return [
        {"role": known.role, "login": known.login, "name": known.name, "password": PASSWORD}
        for known in demo.list_logins(process_engine())
    ]
