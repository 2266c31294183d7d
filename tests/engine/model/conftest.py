"""Small files to read: a body inside one executable process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.model import Read, read_diagram

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:operaton="http://operaton.org/schema/1.0/bpmn" id="d" targetNamespace="t">'
)


def read(body: str, *, top: str = "", simulation: bool = False) -> Read:
    """Read one process `p` with this body; `top` stands before the process. The body begins on line 3."""
    xml = f'{HEAD}{top}<process id="p" isExecutable="true">\n\n{body}</process></definitions>'
    return read_diagram(xml.encode(), name="small.bpmn", simulation=simulation)


@pytest.fixture(scope="session")
def read_body() -> Callable[..., Read]:
    """Read a process body."""
    return read


@pytest.fixture(scope="session")
def wrap() -> Callable[[str], bytes]:
    """A file with these root elements."""
    return lambda body: f"{HEAD}{body}</definitions>".encode()
