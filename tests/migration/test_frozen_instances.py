"""Instances that released versions left running must be finished by this one, from every step of their life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playing import SCRIPTS, Player

from engine.definitions import KERNELS
from engine.model import read_diagram
from engine.states import read_document

FILES = sorted((Path(__file__).parent / "instances").glob("*/*.json"))


def frozen() -> list[Any]:
    return [
        pytest.param(path, place, id=f"{path.parent.name}-{path.stem}-{state['step']}")
        for path in FILES
        for place, state in enumerate(json.loads(path.read_text("utf-8"))["states"])
    ]


@pytest.mark.parametrize(("path", "place"), frozen())
def test_it_is_finished(path: Path, place: int) -> None:
    content = json.loads(path.read_text("utf-8"))
    state, script = content["states"][place], SCRIPTS[content["life"]]
    definition = read_diagram((path.parent / f"{content['life']}.bpmn").read_bytes(), name=content["life"]).definition
    assert definition is not None
    player = Player(KERNELS[content["kernel"]], definition, script)
    player.load(read_document(state["document"]), state["waits"])
    for element, variables in script.steps[state["step"] :]:
        player.do(element, variables)
    last = content["states"][-1]
    assert player.ended is True or state["step"] == len(script.steps)
    assert player.waits == []
    assert json.loads(json.dumps(player.document)) == last["document"]["state"]


def test_something_is_frozen() -> None:
    assert {path.stem for path in FILES} >= {f"{life}-{kernel}" for life in SCRIPTS for kernel in KERNELS}
