"""What guards every answer: content policy, headers, form tokens, cookies, size limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from api.settings import MEGABYTE, Settings
from engine.errors import Problem

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; style-src-attr "
)
NO_INLINE_STYLE = "'none'"
PANEL_STYLE = "'unsafe-hashes' 'sha256-nR5hyLltSjfvi2rqC26RbcredWrJvTaPA1yqPX96jpY='"
"""The properties panel writes exactly one inline style, `height: 100%`; this is its hash."""
DESIGNER_ENDPOINTS = frozenset({"designer.show_definition", "designer.check_form", "designer.new_check", "drafts.edit"})
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For files that people uploaded: nothing in them may run or load."""
FRAMED_FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"
"""The same for a file that a page of ours shows in a frame."""
FRAMED_PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
"""A PDF is drawn by the browser's own viewer, which does not start in a sandboxed frame; scripts are refused all the same."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
YEAR = 365 * 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)
"""Counts per process: a brake on floods from one address, not a quota. Log-ins have their own lock-out (`workflows.people`)."""


class RequestFromElsewhere(Problem):
    """The form was sent by a page of another site."""

    kind = "forbidden"


def secure_app(app: Flask, settings: Settings) -> None:
    """Put cookies, limits, form tokens and headers on `app`. Needs `app.secret_key`."""
    app.config.update(
        SESSION_COOKIE_NAME=cookie_name("form", settings),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        MAX_CONTENT_LENGTH=settings.largest_request,
        MAX_FORM_MEMORY_SIZE=16 * MEGABYTE,  # a settlement of 5,000 comments
        MAX_FORM_PARTS=30_000,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its cookie: people type for hours
        WTF_CSRF_SSL_STRICT=False,  # the check of Sec-Fetch-Site and Origin below takes its place
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    app.before_request(lambda: refuse_other_sites(settings))
    app.before_request(refuse_unfit_texts)
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(lambda response: set_headers(response, settings))


def cookie_name(purpose: str, settings: Settings) -> str:
    """`__Host-` names over https: such a cookie cannot be set by a neighbouring host."""
    return f"__Host-linxuan_{purpose}" if settings.https else f"linxuan_{purpose}"


def set_cookie(response: AnyResponse, purpose: str, value: str, settings: Settings, **options: Any) -> None:
    """A cookie that no script reads and no other site's form sends."""
    response.set_cookie(
        cookie_name(purpose, settings), value, httponly=True, samesite="Lax", secure=settings.https, path="/", **options
    )


def refuse_other_sites(settings: Settings) -> None:
    """Refuse unsafe requests that a browser marks as coming from another site than ours (its host, or that of `base_url`).

    Raises RequestFromElsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise RequestFromElsewhere()
    origin = request.headers.get("Origin")
    ours = (request.host, urlsplit(settings.base_url).netloc)
    if origin and origin != "null" and urlsplit(origin).netloc not in ours:
        raise RequestFromElsewhere()


def refuse_unfit_texts() -> None:
    """Refuse the character that no text holds and PostgreSQL cannot store, wherever it stands, and parts without a name.

    Raises BadRequest.
    """
    sent: list[str | None] = [request.path, *request.args, *request.form, *request.files]
    for values in (*request.args.listvalues(), *request.form.listvalues()):
        sent += values
    if any(text is None or "\0" in text for text in sent):  # werkzeug calls a part without a name None
        raise BadRequest()


def set_headers(response: Response, settings: Settings) -> Response:
    """Put the security headers on an answer that does not set its own content policy."""
    if "Content-Security-Policy" not in response.headers:
        style = PANEL_STYLE if request.endpoint in DESIGNER_ENDPOINTS else NO_INLINE_STYLE
        frames = "; frame-src 'self'" if request.endpoint == "previews.show" else ""
        response.headers["Content-Security-Policy"] = POLICY + style + frames
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if settings.https:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
