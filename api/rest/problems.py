"""Faults of the REST interface as problem details (RFC 9457), in the reader's language: never a page."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

from api.pages.present import words
from api.rest.shapes import FindingTold, ProblemTold
from engine.errors import Problem, TaskChanged
from engine.idempotency import KeyReused
from workflows.files import PartOffsetWrong
from workflows.notices.drafts import DraftChanged

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:linxuan:problem:"


class LoginNeeded(Problem):
    """Neither a session nor a token came with the request."""

    kind = "forbidden"


class TokenRefused(Problem):
    """The bearer token is unknown, revoked or expired, or its person is disabled."""

    kind = "forbidden"


class TokenReadOnly(Problem):
    """The token may only read."""

    kind = "forbidden"


class RequestInvalid(Problem):
    """The query or the body does not fit; `findings` name every place."""


class BodyUnreadable(Problem):
    """The body is no JSON. Values: `reason`."""


class ActionKeyMissing(Problem):
    """The header `Idempotency-Key` is absent or unfit."""


class RevisionMissing(Problem):
    """The header `If-Match` is absent or is no ETag of what is to be changed."""


class VersionDiffers(Problem):
    """What is stored has another ETag than `If-Match` names."""

    kind = "conflict"


class MediaTypeRefused(Problem):
    """The body has another media type than this operation takes. Values: `expected`."""


STATUS: dict[type[Problem], int] = {
    LoginNeeded: 401,
    TokenRefused: 401,
    BodyUnreadable: 400,
    ActionKeyMissing: 400,
    RevisionMissing: 428,
    VersionDiffers: 412,
    TaskChanged: 412,
    DraftChanged: 412,
    KeyReused: 422,  # draft-ietf-httpapi-idempotency-key-header, section 2.7
    MediaTypeRefused: 415,
}
"""Where the answer of the REST interface is another than that of the pages for this kind of problem."""
CHALLENGE: dict[type[Problem], str] = {
    LoginNeeded: 'Bearer realm="linxuan"',
    TokenRefused: 'Bearer realm="linxuan", error="invalid_token"',
    TokenReadOnly: 'Bearer realm="linxuan", error="insufficient_scope", scope="write"',
}
"""`WWW-Authenticate` by RFC 6750."""


def tell_fault(
    status: int,
    message: str,
    *,
    problem: Problem | None = None,
    reference: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a fault that `api.pages.errors` caught."""
    if problem is not None:
        status = STATUS.get(type(problem), status)
    code = problem.code if problem is not None else HTTPStatus(status).phrase.replace(" ", "")
    told = ProblemTold(
        type=TYPE + code,
        title=words().say(f"error.title_{status}"),
        status=status,
        detail=message,
        code=code,
        findings=[
            FindingTold(code=each.code, severity=each.severity, element=each.element, path=each.path, text=words().tell(each))
            for each in (problem.findings if problem is not None else ())
        ],
        reference=reference,
    )
    answer = Response(told.model_dump_json(exclude_none=False), status, headers, mimetype=MEDIA_TYPE)
    if problem is not None and type(problem) in CHALLENGE:
        answer.headers["WWW-Authenticate"] = CHALLENGE[type(problem)]
    if isinstance(problem, PartOffsetWrong):
        answer.headers["Upload-Offset"] = str(problem.values["offset"])
    return answer
