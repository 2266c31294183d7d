"""Business rule tasks: which version of a decision they ask, what they take over, what is told when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.decisions import DecisionFailed, DecisionUnknown, list_decisions
from engine.definitions import Deployed, deploy
from engine.errors import DiagramRefused
from engine.history import list_entries
from engine.instances import instance_variables, start_instance
from engine.tasks import complete_task
from engine.work import ProcessEngine
from tests.engine.conftest import DIAGRAMS
from tests.engine.decisions.tables import table
from tests.engine.store_rows import the_task

DIAGRAM = (DIAGRAMS / "decision.bpmn").read_text("utf-8")
PASS = table('>= 60 | "pass"', '< 60 | "fail"')
GOOD = table('>= 60 | "good"', '< 60 | "bad"')


def put(process_engine: ProcessEngine, *, kernel: str = "tokens", **files: bytes | str) -> Deployed:
    """Deploy files; `a_dmn` is `a.dmn`."""
    named = {name.replace("_", "."): data.encode() if isinstance(data, str) else data for name, data in files.items()}
    with process_engine.begin() as work:
        return deploy(work, named, name="decision", kernel=kernel)


def play(process_engine: ProcessEngine, deployed: Deployed, score: Any = 70) -> Mapping[str, Any]:
    """Start an instance and let its score be given; its variables then."""
    with process_engine.begin(by="anna") as work:
        instance = start_instance(work, deployed.definitions["decision_process"], "case-1", {"score": None})
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {"score": score})
    with process_engine.read() as work:
        return instance_variables(work, instance)


def test_a_task_asks_the_decision(process_engine: ProcessEngine, kernel: str) -> None:
    deployed = put(process_engine, kernel=kernel, a_bpmn=DIAGRAM, a_dmn=PASS)
    assert [found.severity for found in deployed.findings if found.severity != "information"] == []
    assert play(process_engine, deployed) == {"score": 70, "grade": "pass", "told": "pass", "doubled": 140}


def test_the_history_says_which_rules_held(sqlite_engine: ProcessEngine) -> None:
    play(sqlite_engine, put(sqlite_engine, a_bpmn=DIAGRAM, a_dmn=PASS))
    with sqlite_engine.read() as work:
        (entry,) = [row for row in list_entries(work, the_task(sqlite_engine).instance_id) if row.kind == "completed"]
    asked = {"decision": "grading", "version": 1, "rules": [1]}
    assert entry.detail["decided"] == [{"element": "grade", **asked}, {"element": "count", **asked}]


def bound(binding: str, **more: str) -> str:
    """The diagram with another binding at its first task."""
    text = "".join(f' camunda:{name}="{value}"' for name, value in more.items())
    return DIAGRAM.replace('decisionRefBinding="latest"', f'decisionRefBinding="{binding}"{text}')


BINDINGS = [
    (bound("latest"), "good"),
    (bound("deployment"), "pass"),
    (bound("version", decisionRefVersion="1"), "old"),
    (bound("versionTag", decisionRefVersionTag="v2"), "pass"),
]


@pytest.mark.parametrize(("diagram", "expected"), BINDINGS, ids=["latest", "deployment", "version", "versionTag"])
def test_bindings(process_engine: ProcessEngine, diagram: str, expected: str) -> None:
    tagged = PASS.replace(b"<decision ", b'<decision xmlns:c="http://camunda.org/schema/1.0/dmn" c:versionTag="v2" ')
    put(process_engine, a_dmn=table('- | "old"'))
    deployed = put(process_engine, a_bpmn=diagram, a_dmn=tagged)
    put(process_engine, a_dmn=GOOD)
    assert play(process_engine, deployed)["grade"] == expected


def test_the_reference_may_be_an_expression(sqlite_engine: ProcessEngine) -> None:
    diagram = DIAGRAM.replace(
        'decisionRef="grading" camunda:decisionRefBinding', 'decisionRef="${which}" camunda:decisionRefBinding'
    )
    other = table('- | "other"').replace(b'"grading"', b'"other"')
    deployed = put(sqlite_engine, a_bpmn=diagram.replace("${which}", "${'oth' + 'er'}"), a_dmn=PASS, b_dmn=other)
    assert play(sqlite_engine, deployed)["grade"] == "other"


def test_a_decision_without_result_changes_nothing(sqlite_engine: ProcessEngine) -> None:
    deployed = put(sqlite_engine, a_bpmn=DIAGRAM, a_dmn=table('>= 60 | "pass"', '>= 90 | "good"'))
    with pytest.raises(DecisionFailed) as caught:
        play(sqlite_engine, deployed, score=95)
    assert (caught.value.values["element"], caught.value.values["reason"].code) == ("grade", "decision_several_hits")
    assert the_task(sqlite_engine).element_id == "score"


def test_a_decision_may_be_deployed_later(process_engine: ProcessEngine) -> None:
    deployed = put(process_engine, a_bpmn=DIAGRAM)
    assert [(found.code, found.severity) for found in deployed.findings if found.severity == "warning"] == [
        ("diagram_decision_later", "warning"),
        ("diagram_decision_later", "warning"),
    ]
    with pytest.raises(DecisionUnknown):
        play(process_engine, deployed)
    put(process_engine, a_dmn=PASS)
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {"score": 60})
    assert the_task(process_engine).element_id == "look"


REFUSED: list[tuple[str, dict[str, bytes | str]]] = [
    ("diagram_decision_unknown", {"a_bpmn": bound("deployment")}),
    ("decision_cell", {"a_bpmn": DIAGRAM, "a_dmn": table("> | 1")}),
    ("decision_key_taken", {"a_bpmn": DIAGRAM, "a_dmn": PASS, "b_dmn": GOOD}),
    ("diagram_decision_binding", {"a_bpmn": bound("version"), "a_dmn": PASS}),
    ("diagram_decision_binding", {"a_bpmn": bound("newest"), "a_dmn": PASS}),
    ("diagram_decision_mapping", {"a_bpmn": DIAGRAM.replace("singleEntry", "first"), "a_dmn": PASS}),
    ("diagram_decision_misplaced", {"a_bpmn": DIAGRAM.replace("businessRuleTask", "serviceTask"), "a_dmn": PASS}),
]


@pytest.mark.parametrize(("code", "files"), REFUSED, ids=[f"{code}-{place}" for place, (code, _) in enumerate(REFUSED)])
def test_what_is_refused_at_deployment(sqlite_engine: ProcessEngine, code: str, files: dict[str, bytes | str]) -> None:
    with pytest.raises(DiagramRefused) as caught:
        put(sqlite_engine, **files)
    assert code in {found.code for found in caught.value.findings if found.severity == "error"}
    with sqlite_engine.read() as work:
        assert list_decisions(work, "") == {}


def test_files_come_back_as_they_were(process_engine: ProcessEngine) -> None:
    deployed = put(process_engine, a_bpmn=DIAGRAM, a_dmn=PASS)
    with process_engine.read() as work:
        assert list_decisions(work, deployed.deployment_id) == {"a.dmn": PASS}
