"""What a request carries, read and checked whole: query, body, file, keys. All faults of one part are told at once."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import orjson
from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage

from api.pages.present import LONGEST_KEY
from api.pages.uploads import read_piece
from api.rest.problems import ActionKeyMissing, BodyUnreadable, MediaTypeRefused, RequestInvalid, RevisionMissing
from engine.errors import Finding
from workflows.forms.faults import tell_faults, write_path

M = TypeVar("M", bound=BaseModel)
DEEPEST = 32
"""How deep JSON may be nested; no form is deeper than 3."""
OCTETS = "application/octet-stream"
_KEY = re.compile(rf'"?([!#-~]{{1,{LONGEST_KEY}}})"?')
_REVISION = re.compile(r'"([0-9]{1,9})(-[!#-~]*)?"')


def read_query(model: type[M]) -> M:
    """The query by its model; a parameter that is unknown or stands twice is a fault.

    Raises RequestInvalid.
    """
    twice = [
        Finding("ParameterTwice", path=name, values={"key": name}) for name in request.args if len(request.args.getlist(name)) > 1
    ]
    try:
        found = model.model_validate_strings(request.args.to_dict())
    except ValidationError as fault:
        raise RequestInvalid(findings=[*tell_faults(fault, known={(): model.model_fields}), *twice]) from fault
    if twice:
        raise RequestInvalid(findings=twice)
    return found


def read_body(model: type[M]) -> M:
    """The JSON body by its model.

    Raises MediaTypeRefused, BodyUnreadable, RequestInvalid; RequestEntityTooLarge beyond `callers.LARGEST_BODY`.
    """
    if request.mimetype != "application/json":
        raise MediaTypeRefused(expected="application/json")
    raw = request.get_data(cache=False)
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        raise BodyUnreadable(reason=str(fault)) from fault
    if findings := _find_unfit(data):
        raise RequestInvalid(findings=findings)
    try:
        return model.model_validate_json(orjson.dumps(data))  # as it was checked: no number of more than 64 bits
    except ValidationError as fault:
        raise RequestInvalid(findings=tell_faults(fault, known={(): model.model_fields}, data=data)) from fault


def read_file() -> FileStorage:
    """The one file of a multipart body, its part named `file`.

    Raises MediaTypeRefused, RequestInvalid.
    """
    if request.mimetype != "multipart/form-data":
        raise MediaTypeRefused(expected="multipart/form-data")
    sent = request.files.getlist("file")
    if len(sent) != 1 or not sent[0].filename:
        raise RequestInvalid(findings=[Finding("KeyMissing", path="file", values={"key": "file"})])
    others = [name for name in (*request.files, *request.form) if name != "file"]
    if others:
        raise RequestInvalid(findings=[Finding("KeyUnknown", path=name[:80], values={"key": name[:80]}) for name in others])
    return sent[0]


def read_octets() -> bytes:
    """The body as it is, at most one piece of a file; when the connection breaks, what came.

    Raises MediaTypeRefused.
    """
    if request.mimetype != OCTETS:
        raise MediaTypeRefused(expected=OCTETS)
    return read_piece()


def read_action_key() -> str:
    """The header `Idempotency-Key`, with or without the quotes of a structured field.

    Raises ActionKeyMissing.
    """
    found = _KEY.fullmatch(request.headers.get("Idempotency-Key", ""))
    if found is None:
        raise ActionKeyMissing(most=LONGEST_KEY)
    return found[1]


def read_revision() -> int:
    """The revision of a task, or the version of a draft, in the ETag that `If-Match` names.

    Raises RevisionMissing.
    """
    found = _REVISION.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise RevisionMissing()
    return int(found[1])


def _find_unfit(data: Any) -> list[Finding]:
    """Nesting beyond `DEEPEST`, and the character that no text holds and PostgreSQL cannot store."""
    findings: list[Finding] = []
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting and len(findings) < 100:
        place, value = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            findings.append(Finding("TextHasNull", path=write_path(place)))
        if not isinstance(value, (dict, list)):
            continue
        if len(place) >= DEEPEST:
            return [Finding("JsonTooDeep", path=write_path(place[:3]), values={"most": DEEPEST})]
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            if isinstance(key, str) and "\0" in key:
                findings.append(Finding("TextHasNull", path=write_path(place)))
            elif isinstance(inner, (dict, list, str)):
                waiting.append(((*place, key), inner))
    return findings
