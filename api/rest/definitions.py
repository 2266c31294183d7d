"""`/definitions`: what is deployed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.pages.designer import read_xml
from api.pages.present import process_engine, reader
from api.rest.operations import Resource
from api.rest.shapes import Told
from engine.definitions import list_definitions
from workflows.rules import require

resource = Resource("definitions")


class DefinitionTold(Told):
    """One version of a process."""

    id: str
    key: str
    version: int
    version_tag: str | None
    name: str
    kernel: str
    sha256: str
    source: str
    deployed_at: datetime


class DefinitionsTold(Told):
    """All versions, the newest of each key first."""

    items: list[DefinitionTold]


@resource.get("/definitions", DefinitionsTold)
def list_all() -> DefinitionsTold:
    """All deployed processes.

    Raises NotPermitted.
    """
    require(reader(), "definition.read")
    with process_engine().read(by=reader().id) as work:
        return DefinitionsTold(items=[DefinitionTold.model_validate(row) for row in list_definitions(work)])


@resource.get("/definitions/<definition_id>/xml", "application/xml")
def show_xml(definition_id: str) -> Any:
    """The diagram, BPMN 2.0: for everybody who is logged in.

    Raises DefinitionUnknown.
    """
    return read_xml(definition_id)
