"""What went wrong, as a page in words: what happened, where, what to do. Never a stack, never "error 500" alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, current_app, g, jsonify, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RoutingException

from api.pages.present import address_before, carried_form, find_texts, sent_address, words
from engine.database import name_fault
from engine.errors import Problem
from engine.idempotency import KeyReused
from engine.ids import new_id

STATUS = {"invalid": 422, "forbidden": 403, "missing": 404, "conflict": 409, "busy": 503, "internal": 500}
"""The answer to each kind of problem."""
WORDED = frozenset({400, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503})


class FormTokenStale(Problem):
    """The form was sent with the token of another log-in: somebody has logged in again in another window since."""


AGAIN = (FormTokenStale, KeyReused)
"""What is no fault of the form that was sent: it can be sent as it is."""

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Answer problems, HTTP faults and unexpected exceptions."""
    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(CSRFError, answer_form_token)
    app.register_error_handler(HTTPException, answer_fault)
    app.register_error_handler(Exception, answer_exception)


def answer_problem(problem: Problem) -> Any:
    """A fact that stopped the action, with all its findings."""
    status = STATUS[problem.kind]
    reference = None
    if problem.kind == "internal":
        reference = new_id()
        log.error("problem", code=problem.code, values=str(problem), reference=reference, path=request.path)
    return say(status, words().tell(problem), problem=problem, reference=reference)


def answer_form_token(fault: CSRFError) -> Any:
    """The form's token is absent or of another session."""
    problem = FormTokenStale()
    return say(400, words().tell(problem), problem=problem)


def answer_fault(fault: HTTPException) -> Any:
    """Faults that the web layer found itself: unknown address, request too large, ..."""
    if fault.code is None or fault.code < 400:
        return fault  # a redirect
    status = fault.code if fault.code in WORDED else (400 if fault.code < 500 else 500)
    headers = {}
    if isinstance(fault, MethodNotAllowed) and (page := find_page()) is not None:
        return redirect(page, 303)
    if isinstance(fault, MethodNotAllowed) and fault.valid_methods:
        headers["Allow"] = ", ".join(sorted(fault.valid_methods))
    return say(status, words().say(f"error.{status}"), headers=headers)


def find_page() -> str | None:
    """The page whose form is sent to the present address, when somebody only opens that: by going back, or in the address bar."""
    above = request.path.rpartition("/")[0]
    if request.method != "GET" or "tell_fault" in g or not above or request.accept_mimetypes.best == "application/json":
        return None
    try:
        current_app.create_url_adapter(request).match(above, method="GET")  # type: ignore[union-attr]
    except (HTTPException, RoutingException):
        return None
    return above


def answer_exception(fault: Exception) -> Any:
    """A fault of ours, told with a reference under which the log has the details; or a full disk, a busy database."""
    reference = new_id()
    if (problem := name_fault(fault)) is not None:
        log.error("unavailable", code=problem.code, reason=str(fault), reference=reference, path=request.path)
        return say_plainly(STATUS[problem.kind], words().tell(problem), problem=problem, reference=reference)
    log.error("exception", reference=reference, path=request.path, endpoint=request.endpoint, exc_info=fault)
    return say(500, words().say("error.500"), reference=reference)


def say_plainly(status: int, message: str, **options: Any) -> Any:
    """The same when the page itself may not reach the database: then without what it shows of its reader."""
    try:
        return say(status, message, **options)
    except (SQLAlchemyError, OSError):
        g.person = None
        return say(status, message, **options)


def say(
    status: int,
    message: str,
    *,
    problem: Problem | None = None,
    reference: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """The page of a fault; for htmx only its message, for JSON requests an object. Another door tells it in its own way: it
    leaves a function of these arguments as `g.tell_fault`."""
    if "tell_fault" in g:
        return g.tell_fault(status, message, problem=problem, reference=reference, headers=headers)
    findings = [] if problem is None else [(found, words().tell(found)) for found in problem.findings]
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json" or request.is_json:
        body = {
            "message": message,
            "code": problem.code if problem else str(status),
            "findings": [
                {"code": f.code, "severity": f.severity, "element": f.element, "path": f.path, "text": text}
                for f, text in findings
            ],
        }
        return jsonify(body), status, headers
    if request.headers.get("HX-Request"):
        return render_template("fault_part.html", message=message, findings=findings), status, headers
    page = render_template(
        "fault.html",
        status=status,
        message=message,
        problem=problem,
        findings=findings,
        reference=reference,
        sent=find_sent(status, problem),
    )
    return page, status, headers


def find_sent(status: int, problem: Problem | None) -> dict[str, Any] | None:
    """What was filled in on a form of ours that met a fault, for a page that keeps it; `again`: it can be sent once more, by the
    `key` that it had: what was done before a fault of ours is not done twice."""
    back = address_before()
    try:
        typed = carried_form() if request.method == "POST" and back and "password" not in request.form else []
    except HTTPException:  # too large, or not to be read: that is the fault
        typed = []
    if not typed:
        return None
    again = isinstance(problem, AGAIN) or status >= 500
    key = None if isinstance(problem, KeyReused) else request.form.get("key")
    return {"address": sent_address(), "typed": typed, "texts": find_texts(typed), "back": back, "again": again, "key": key}
