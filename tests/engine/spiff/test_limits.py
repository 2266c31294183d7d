"""What the second kernel cannot run is found in the diagram, said in both languages, and refused at the first step."""

from __future__ import annotations

import pytest

from engine.definitions import deploy
from engine.errors import DiagramRefused, OperationNotSupported
from engine.opinion import second_opinion
from engine.spiff import SpiffKernel, limits
from engine.texts import LANGUAGES, Catalogue
from engine.tokens import TokenKernel
from engine.work import ProcessEngine
from tests.engine.kernel_runs import Run, diagram, read

BASE = '<startEvent id="s"/><endEvent id="e"/><userTask id="a" camunda:assignee="x"/>'
FLOWS = ("s a", "a x", "x e")
CALLED = '<process id="r" isExecutable="true"><startEvent id="r1"/></process>'
CASES = {
    "limit_call_other": '<callActivity id="x" calledElement="elsewhere"/>',
    "limit_call_mapping": '<callActivity id="x" calledElement="r"><extensionElements><camunda:in variables="all" local="true"/>'
    "</extensionElements></callActivity>",
}


@pytest.mark.parametrize("code", CASES)
def test_each_limit_is_named_with_its_element(code: str) -> None:
    definition = read(diagram(BASE + CASES[code], *FLOWS, more=CALLED))
    found = limits(definition, "p")
    assert [(finding.element, finding.code, finding.severity) for finding in found] == [("x", code, "warning")]
    assert second_opinion(definition, "p", kernels=(TokenKernel(), SpiffKernel())) == found
    with pytest.raises(OperationNotSupported) as problem:
        Run(SpiffKernel(), definition).start()
    assert list(problem.value.findings) == found
    catalogue = Catalogue("engine")
    for language in LANGUAGES:
        assert all("{" not in catalogue.tell(each, language) for each in (*found, problem.value))


def test_no_limit_in_an_ordinary_diagram() -> None:
    assert limits(read(diagram(BASE, "s a", "a e"))) == []


def test_a_limit_concerns_its_process_and_those_that_call_it() -> None:
    inner = '<process id="q" isExecutable="true"><startEvent id="q1"/><callActivity id="x" calledElement="elsewhere"/>'
    inner += '<sequenceFlow id="qf" sourceRef="q1" targetRef="x"/></process>'
    calls = BASE + '<callActivity id="k" calledElement="q"/>'
    definition = read(diagram(calls, "s k", "k a", "a e", more=inner + CALLED))
    assert [finding.element for finding in limits(definition, "p")] == ["x"]
    assert limits(definition, "r") == []
    assert Run(SpiffKernel(), definition, "r").start().ended


def test_a_kernel_is_not_chosen_for_what_it_cannot_run(sqlite_engine: ProcessEngine) -> None:
    drawn = diagram(BASE + CASES["limit_call_mapping"], *FLOWS, more=CALLED)
    with sqlite_engine.begin() as work:
        deploy(work, {"p.bpmn": drawn}, name="p", kernel="tokens")
    with pytest.raises(DiagramRefused) as refused, sqlite_engine.begin() as work:
        deploy(work, {"p.bpmn": drawn}, name="p", kernel="spiff")
    (told,) = [finding for finding in refused.value.findings if finding.severity == "error"]
    assert (told.code, told.element) == ("KernelCannotRun", "x")
    assert "mappings of call activities" in Catalogue("engine").tell(told, "en") and "映射" in Catalogue("engine").tell(
        told, "zh"
    )
