"""Who calls the REST interface, by which proof, and in which language it is answered."""

from __future__ import annotations

from flask import g, request

from api.pages.present import person, process_engine, words_in
from api.rest.problems import LoginNeeded, TokenReadOnly, TokenRefused, tell_fault
from api.security import SAFE_METHODS, csrf
from api.settings import MEGABYTE
from engine.texts import LANGUAGES, Language
from workflows import tokens

PREFIX = "/api/v1"
LARGEST_BODY = 4 * MEGABYTE
"""Bytes of a request without files: twice the largest draft."""


def know_caller() -> None:
    """Before each request below `PREFIX`: faults are told as problem details, the caller is who the bearer token says.

    A request with a bearer token has no other proof: cookies that come along count for nothing.
    Raises TokenRefused.
    """
    if not request.path.startswith(f"{PREFIX}/"):
        return
    g.tell_fault = tell_fault
    if request.mimetype != "multipart/form-data":
        request.max_content_length = LARGEST_BODY  # before anything looks at the body
    g.words = words_in(choose_language(None))
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        g.person = None
        found = tokens.use_token(process_engine(), token.strip())
        if found is None:
            raise TokenRefused()
        g.person, g.scope = found
    g.words = words_in(choose_language(person()))


def check_caller(*, public: bool) -> None:
    """Before an operation: somebody is logged in unless it is public, and may do more than read if it does more.

    A session counts for acting only with the form token of its browser; a token is not sent by browsers unasked.
    Raises LoginNeeded, TokenReadOnly, CSRFError.
    """
    if public:
        return
    if person() is None:
        raise LoginNeeded()
    if request.method in SAFE_METHODS:
        return
    if "scope" not in g:
        csrf.protect()
    elif g.scope != "write":
        raise TokenReadOnly()


def choose_language(who: object) -> Language:
    """What `Accept-Language` prefers of ours, else the person's own, else Chinese."""
    wish = request.accept_languages.best_match(["zh", "zh-CN", "en", "en-US", "en-GB"])
    own = getattr(who, "language", None)
    for language in LANGUAGES:
        if (wish or own or "").startswith(language):
            return language
    return "zh"
