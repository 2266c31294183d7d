"""The one document of `/api/v1`: OpenAPI 3.1, made from the operations and their pydantic models, and a page that lists it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, render_template
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.pages.errors import STATUS as STATUS_OF_KIND
from api.rest.callers import PREFIX
from api.rest.operations import Operation
from api.rest.problems import MEDIA_TYPE, STATUS
from api.rest.reading import OCTETS
from api.rest.shapes import Listed, ProblemTold
from api.security import cookie_name
from api.settings import Settings
from engine.texts import Catalogue

pages = Blueprint("rest", __name__)
VERSION = "1"
"""Of the interface: what a client relies on stays within it; new paths, parameters and keys of answers may come."""
SCHEMAS = "#/components/schemas/{model}"
ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
KEY = {"type": "string", "minLength": 1, "maxLength": 100}
NUMBER = {"type": "string", "pattern": "^[0-9]{1,15}$"}
VARIABLE = re.compile(r"<(?:path:)?(\w+)>")
"""A variable of an operation's path. The one of a file within a draft (`<path:path>`) may hold slashes."""
DIAGRAM = "application/xml"


@pages.get(f"{PREFIX}/openapi.json")
def show_document() -> Response:
    """The document; the same for everybody."""
    return jsonify(write_document(operations(), catalogue(), cast(Settings, current_app.extensions["settings"])))


@pages.get("/api")
def show_page() -> str:
    """The operations as a page for people."""
    return render_template("rest.html", resources=group(operations()), prefix=PREFIX, statuses=list_statuses)


def operations() -> tuple[Operation, ...]:
    """All operations of this application."""
    return cast("tuple[Operation, ...]", current_app.extensions["operations"])


def catalogue() -> Catalogue:
    """The texts of this application."""
    return cast(Catalogue, current_app.extensions["catalogue"])


def group(found: Iterable[Operation]) -> dict[str, list[Operation]]:
    """The operations by resource, in their order."""
    groups: dict[str, list[Operation]] = {}
    for operation in found:
        groups.setdefault(operation.resource, []).append(operation)
    return groups


def list_statuses(operation: Operation) -> list[int]:
    """Every status of a fault that the operation may answer."""
    found = {400, 422, 500, 503}
    if not operation.public:
        found |= {401, 403}
    if "<" in operation.path:
        found |= {404}
    if operation.method != "GET":
        found |= {403, 409}
    if operation.takes is not None or operation.file or operation.pieced:
        found |= {413, 415}
    if operation.tagged and operation.method == "GET":
        found |= {412}
    if operation.revised:
        found |= {412, 428}
    if operation.public and operation.method != "GET":
        found |= {429}
    if operation.public:
        found |= {401}  # a bearer token that is not valid is refused everywhere
    return sorted(found | {STATUS.get(each, STATUS_OF_KIND[each.kind]) for each in operation.raises})


def write_document(found: Iterable[Operation], texts: Catalogue, settings: Settings) -> dict[str, Any]:
    """OpenAPI 3.1."""
    listed = list(found)
    names, schemas = write_schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        address = PREFIX + VARIABLE.sub(r"{\1}", operation.path)
        paths.setdefault(address, {})[operation.method.lower()] = write_operation(operation, names, texts)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Linxuan",
            "version": VERSION,
            "summary": texts.say("rest.summary", "en"),
            "description": f"{texts.say('rest.lead', 'en')}\n\n{texts.say('rest.lead', 'zh')}",
        },
        "servers": [{"url": settings.base_url}],
        "tags": [
            {"name": name, "description": f"{texts.say(f'rest.{name}', 'en')} · {texts.say(f'rest.{name}', 'zh')}"}
            for name in group(listed)
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": texts.say("rest.token", "en")},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie_name("session", settings)},
                "form_token": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
        },
    }


def write_schemas(found: Iterable[Operation]) -> tuple[Mapping[Any, Any], dict[str, Any]]:
    """The schemas of all models by their names, and references to them."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemTold, "serialization"): None}
    for operation in found:
        if isinstance(operation.gives, type):
            wanted[(operation.gives, "serialization")] = None
        if operation.takes is not None:
            wanted[(operation.takes, "validation")] = None
    names, schemas = models_json_schema(list(wanted), ref_template=SCHEMAS)
    return names, schemas["$defs"]


def write_operation(operation: Operation, names: Mapping[Any, Any], texts: Catalogue) -> dict[str, Any]:
    """One method of one path."""
    code = f"rest.{operation.name}"
    acting = operation.method != "GET"
    written: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.resource],
        "summary": texts.say(code, "en"),
        "description": texts.say(code, "zh"),
        "parameters": write_parameters(operation),
        "responses": {str(operation.status): write_answer(operation, names)},
    }
    if not operation.public:
        written["security"] = [{"token": []}, {"session": [], **({"form_token": []} if acting else {})}]
    if operation.takes is not None:
        schema = names[(operation.takes, "validation")]
        written["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.file:
        schema = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}}
        schema |= {"required": ["file"], "additionalProperties": False}
        written["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    if operation.tagged and not acting:
        written["responses"]["304"] = {"description": "Not Modified", "headers": write_headers(operation)}
    if operation.pieced:
        written["requestBody"] = {"required": True, "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}
    fault = {MEDIA_TYPE: {"schema": names[(ProblemTold, "serialization")]}}
    for status in list_statuses(operation):
        headers = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}} if status == 401 else {}
        told = {"description": texts.say(f"error.title_{status}", "en"), "content": fault}
        written["responses"][str(status)] = {**told, "headers": headers} if headers else told
    return written


def write_parameters(operation: Operation) -> list[dict[str, Any]]:
    """What comes in the path, the query and the headers."""
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": ID if name.endswith("_id") else KEY}
        for name in VARIABLE.findall(operation.path)
    ]
    asked = operation.query.model_json_schema()
    for name, schema in asked.get("properties", {}).items():
        options = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
        shown = {key: value for key, value in {**schema, **(options[0] if options else {})}.items() if key != "title"}
        if shown.get("default", ...) is None:
            del shown["default"]
        found.append({"name": name, "in": "query", "required": name in asked.get("required", []), "schema": shown})
    if operation.keyed:
        schema = {"type": "string", "pattern": "^[!#-~]{1,100}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema})
    if operation.revised:
        schema = {"type": "string", "pattern": '^"[0-9]{1,9}(-[!#-~]*)?"$'}
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": schema})
    if operation.pieced:
        found.append({"name": "Upload-Offset", "in": "header", "required": True, "schema": NUMBER})
    if operation.tagged and operation.method == "GET":
        found.append({"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    return found


def write_answer(operation: Operation, names: Mapping[Any, Any]) -> dict[str, Any]:
    """The answer when all went well."""
    if isinstance(operation.gives, str):  # a file is of any type, a diagram is XML
        media_type = operation.gives if operation.gives == DIAGRAM else "*/*"
        return {"description": "OK", "content": {media_type: {}}}
    schema = names[(operation.gives, "serialization")]
    told: dict[str, Any] = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    if headers := write_headers(operation):
        told["headers"] = headers
    return told


def write_headers(operation: Operation) -> dict[str, Any]:
    """What the answer says beside its body."""
    headers: dict[str, Any] = {name: {"required": True, "schema": NUMBER} for name in operation.heads}
    if operation.tagged:
        headers["ETag"] = {"required": True, "schema": {"type": "string"}}
    if isinstance(operation.gives, type) and issubclass(operation.gives, Listed):
        headers["Link"] = {"schema": {"type": "string"}}
    return headers
