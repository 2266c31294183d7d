"""API tokens: the person's own, for programs. A token is shown once, on the page that answers its making."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import tokens

pages = Blueprint("tokens", __name__)
LIVES = (30, 90, 180, 366)
"""Days to choose from."""


@pages.get("/tokens")
@signed_in
def show() -> str:
    """The person's working tokens, and the form for a new one."""
    return page()


@pages.post("/tokens")
@signed_in
def create() -> Any:
    """Make a token and show it; a repeated request says that it was made, but nobody can read it again."""
    typed = {name: request.form.get(name, "") for name in ("name", "scope", "days")}
    days = typed["days"]
    made: list[str] = []

    def make(work: Work) -> dict[str, Any]:
        number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0
        made.append(tokens.create_token(work, reader().id, name=typed["name"], scope=typed["scope"], days=number))
        return {}  # the token itself is stored nowhere

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "token.create", typed, lambda: make(work))
    except (tokens.TokenInvalid, tokens.TooManyTokens) as problem:
        return page(typed=typed, problem=problem), STATUS[problem.kind]
    return page(made=made[0] if made else "")


@pages.post("/tokens/<token_id>/revoke")
@signed_in
def revoke(token_id: str) -> Response:
    """Revoke one.

    Raises TokenUnknown.
    """

    def act(work: Work) -> dict[str, Any]:
        tokens.revoke_token(work, reader().id, token_id)
        return {}

    with process_engine().begin(by=reader().id) as work:
        once(work, read_key(), "token.revoke", {"token": token_id}, lambda: act(work))
    tell_next("tokens.revoked")
    return redirect(url_for("tokens.show"), 303)


def page(*, made: str | None = None, typed: dict[str, str] | None = None, problem: Problem | None = None) -> str:
    """The page; `made` is the new token, empty when it was made by an earlier copy of the same request."""
    with process_engine().read(by=reader().id) as work:
        listed = tokens.list_tokens(work, reader().id)
    return render_template(
        "tokens.html",
        tokens=listed,
        made=made,
        typed=typed or {},
        problem=words().tell(problem) if problem else None,
        faults={finding.path: words().tell(finding) for finding in problem.findings} if problem else {},
        lives=LIVES,
    )
