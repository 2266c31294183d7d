"""An operation of the REST interface: one declaration from which its route, its checks and its part of the document follow."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request, url_for
from pydantic import BaseModel

from api.pages.present import process_engine, reader, words
from api.pages.uploads import read_offset
from api.pages.words import HTML_LANGUAGES
from api.rest import reading
from api.rest.callers import check_caller
from api.rest.problems import VersionDiffers
from api.rest.shapes import Listed, Nothing
from api.security import csrf, limiter
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work


@dataclass(frozen=True)
class Operation:
    """One method of one path. `takes` is the model of the JSON body, `file` whether a file comes instead; `gives` the model of
    the answer, or a media type. `raises` names problems of the domain whose statuses do not follow from the rest, `heads`
    headers of the answer by what of it they say."""

    resource: str
    method: str
    path: str
    call: Callable[..., Any]
    gives: type[BaseModel] | str
    status: int = 200
    query: type[BaseModel] = Nothing
    takes: type[BaseModel] | None = None
    file: bool = False
    public: bool = False
    tagged: bool = False
    raises: tuple[type[Problem], ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)
    wants: frozenset[str] = field(default=frozenset())

    @property
    def name(self) -> str:
        """`tasks.claim`: the id in the document, and the endpoint below `rest`."""
        return f"{self.resource}.{self.call.__name__}"

    @property
    def keyed(self) -> bool:
        """Whether it asks for an `Idempotency-Key`."""
        return "key" in self.wants

    @property
    def revised(self) -> bool:
        """Whether it asks for the ETag of what it changes (`If-Match`)."""
        return "revision" in self.wants

    @property
    def pieced(self) -> bool:
        """Whether its body is a piece of a file."""
        return "piece" in self.wants

    def answer(self, **path: str) -> Response:
        """Check who calls, read what was sent, do it, and say so.

        Raises what reading and doing raise; `api.pages.errors` tells it.
        """
        check_caller(public=self.public)
        given: dict[str, Any] = dict(path)
        query = reading.read_query(self.query)
        if "query" in self.wants:
            given["query"] = query
        if self.keyed:
            given["key"] = reading.read_action_key()
        if self.revised:
            given["revision"] = reading.read_revision()
        if self.takes is not None:
            given["body"] = reading.read_body(self.takes)
        if self.file:
            given["upload"] = reading.read_file()
        if self.pieced:
            given["offset"], given["piece"] = read_offset(), reading.read_octets()
        told = self.call(**given)
        if isinstance(told, Response):
            return told
        assert isinstance(self.gives, type)
        value = told if isinstance(told, self.gives) else self.gives.model_validate(told)
        return self.write(value, query)

    def write(self, value: BaseModel, query: BaseModel) -> Response:
        """The answer as JSON, with its ETag and the address of the next page; 304 for who has it already.

        Raises VersionDiffers.
        """
        body = value.model_dump_json()
        response = Response(body, self.status, mimetype="application/json")
        response.headers["Content-Language"] = HTML_LANGUAGES[words().language]
        response.headers["Vary"] = "Accept-Language, Authorization, Cookie"
        for name, said in self.heads.items():
            response.headers[name] = str(getattr(value, said))
        if isinstance(value, Listed) and value.next is not None:
            asked = {**query.model_dump(mode="json", exclude_none=True, by_alias=True), "cursor": value.next}
            address = url_for(request.endpoint or "", **(request.view_args or {}), **asked)
            response.headers["Link"] = f'<{address}>; rel="next"'
        if self.tagged:
            version = getattr(value, "revision", None)
            digest = hashlib.sha256(body.encode()).hexdigest()[:16]
            tag = digest if version is None else f"{version}-{digest}"
            response.set_etag(tag)
            response.headers["Cache-Control"] = "private, no-cache"
            if request.method == "GET":
                return meet_conditions(response, tag)
        return response


def meet_conditions(response: Response, tag: str) -> Response:
    """The answer to a conditional GET. Proxies and our own compression append `:gzip` or `:br` to a tag.

    Raises VersionDiffers.
    """
    known = {each.partition(":")[0] for each in request.if_none_match.as_set(include_weak=True) if each}
    expected = {each.partition(":")[0] for each in request.if_match.as_set() if each}
    if request.if_match and not request.if_match.star_tag and tag not in expected:
        raise VersionDiffers()
    if tag in known or request.if_none_match.star_tag:
        kept = {name: response.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
        return Response(status=304, headers=kept)
    return response


class Resource:
    """The operations of one file, registered together. A function's parameters say what it wants of the request beside the
    variables of its path: `query`, `body`, `upload`, `piece` with its `offset`, `key` (of the action), `revision` (of what it
    changes)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blueprint = Blueprint(name, __name__)
        self.operations: list[Operation] = []

    def get(self, path: str, gives: type[BaseModel] | str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """An operation that reads."""
        return self._add("GET", path, gives, options)

    def post(self, path: str, gives: type[BaseModel] | str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """An operation that acts, once for each `Idempotency-Key`."""
        return self._add("POST", path, gives, options)

    def put(self, path: str, gives: type[BaseModel] | str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """An operation that puts something in the place of what was there."""
        return self._add("PUT", path, gives, options)

    def patch(
        self, path: str, gives: type[BaseModel] | str, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """An operation that adds to what is there."""
        return self._add("PATCH", path, gives, options)

    def delete(
        self, path: str, gives: type[BaseModel] | str, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """An operation that takes something away; what is gone already is missing (404)."""
        return self._add("DELETE", path, gives, options)

    def _add(
        self, method: str, path: str, gives: type[BaseModel] | str, options: dict[str, Any]
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        rate = options.pop("rate", None)

        def register(call: Callable[..., Any]) -> Callable[..., Any]:
            wants = frozenset(inspect.signature(call).parameters)
            operation = Operation(self.name, method, path, call, gives, wants=wants, **options)
            assert operation.keyed == (method == "POST"), f"{operation.name}: every POST acts, and once"

            def view(**path: str) -> Response:
                return operation.answer(**path)

            view.__name__, view.__module__ = call.__name__, call.__module__
            limited = limiter.limit(rate)(view) if rate else view
            csrf.exempt(limited)  # `check_caller` asks for the form token where a session is the proof
            self.blueprint.add_url_rule(
                path, call.__name__, limited, methods=[method], provide_automatic_options=False, merge_slashes=False
            )
            self.operations.append(operation)
            return call

        return register


def act(key: str, action: str, asked: Mapping[str, Any], function: Callable[[Work], BaseModel], *, public: bool = False) -> Any:
    """Do something once for this key, in a transaction of its own; the answer as JSON, the same each time.

    Raises KeyReused and what `function` raises.
    """

    def run(work: Work) -> dict[str, Any]:
        told: dict[str, Any] = function(work).model_dump(mode="json")
        return told

    with process_engine().begin(by=None if public else reader().id) as work:
        return once(work, key, action, asked, lambda: run(work))
