"""The drawing of an instance that has called a process of another definition."""

from __future__ import annotations

from api.pages.diagrams import draw_instance
from engine.definitions import deploy
from engine.instances import start_instance
from engine.work import ProcessEngine
from tests.engine.tokens.drawing import draw


def named(text: str) -> bytes:
    """A drawn diagram whose tasks have their ids as names: only named steps are listed."""
    xml = draw(text)
    for element in (b"userTask", b"callActivity"):
        xml = xml.replace(b"<" + element + b' id="', b"<" + element + b' name="a step" id="')
    return xml


def test_steps_of_a_called_definition_are_listed_but_not_marked_in_the_drawing(sqlite_engine: ProcessEngine) -> None:
    helper = "process helper {\nstart s\nuser read camunda:assignee=x\nuser sign camunda:assignee=x\ns -> read\nread -> sign\n}"
    caller = "process main {\nstart s\nuser ask camunda:assignee=x\ncall review calls=helper\ns -> review -> ask\n}"
    with sqlite_engine.begin() as work:
        files = {"helper.bpmn": named(helper), "main.bpmn": named(caller)}
        main = deploy(work, files, name="drawn").definitions["main"]
        drawing = draw_instance(work, start_instance(work, main, "case-1", {}))
    assert (drawing.definition_id, drawing.done, drawing.now) == (main, ("s",), ("review",))
    assert [(step.id, step.done, step.now) for step in drawing.steps] == [
        ("review", False, True),
        ("ask", False, False),
        ("read", False, True),
        ("sign", False, False),
    ]
