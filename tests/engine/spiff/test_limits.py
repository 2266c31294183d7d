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
FLOWS = ("s a", "a e")
TRIGGERED = '<subProcess id="x" triggeredByEvent="true"><startEvent id="x1"><messageEventDefinition messageRef="M"/></startEvent>'
CASES = {
    "limit_event_sub_process": BASE + TRIGGERED + "</subProcess>",
    "limit_transaction": BASE + '<transaction id="x"><task id="x1"/></transaction>',
    "limit_compensation": BASE
    + '<boundaryEvent id="x" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    + '<task id="c" isForCompensation="true"/><association id="as" sourceRef="x" targetRef="c"/>',
}


@pytest.mark.parametrize("code", CASES)
def test_each_limit_is_named_with_its_element(code: str) -> None:
    extra = {"limit_transaction": ("a x", "x e")}.get(code, ())
    definition = read(diagram(CASES[code], *FLOWS, *extra, more='<signalEventDefinition id="D" signalRef="S"/>'))
    found = limits(definition, "p")
    assert ("x", code) in [(finding.element, finding.code) for finding in found]
    assert {finding.severity for finding in found} == {"warning"}
    assert second_opinion(definition, "p", kernels=(TokenKernel(), SpiffKernel())) == found
    with pytest.raises(OperationNotSupported) as problem:
        Run(SpiffKernel(), definition).start()
    assert list(problem.value.findings) == found
    catalogue = Catalogue("engine")
    for language in LANGUAGES:
        assert all("{" not in catalogue.tell(each, language) for each in (*found, problem.value))


def test_no_limit_in_an_ordinary_diagram() -> None:
    assert limits(read(diagram(BASE, *FLOWS))) == []


def test_a_limit_concerns_its_process_and_those_that_call_it() -> None:
    inner = '<process id="r" isExecutable="true"><startEvent id="r1"/><transaction id="rx"/><endEvent id="r2"/>'
    inner += (
        '<sequenceFlow id="rf" sourceRef="r1" targetRef="rx"/><sequenceFlow id="rg" sourceRef="rx" targetRef="r2"/></process>'
    )
    other = '<process id="o" isExecutable="true"><startEvent id="o1"/></process>'
    calls = BASE + '<callActivity id="k" calledElement="r"/>'
    definition = read(diagram(calls, "s k", "k a", "a e", more=inner + other))
    assert [finding.element for finding in limits(definition, "p")] == ["rx"]
    assert limits(definition, "o") == []
    assert Run(SpiffKernel(), definition, "o").start().ended


def test_a_kernel_is_not_chosen_for_what_it_cannot_run(sqlite_engine: ProcessEngine) -> None:
    drawn = diagram(CASES["limit_transaction"], *FLOWS, "a x", "x e")
    with sqlite_engine.begin() as work:
        deploy(work, {"p.bpmn": drawn}, name="p", kernel="tokens")
    with pytest.raises(DiagramRefused) as refused, sqlite_engine.begin() as work:
        deploy(work, {"p.bpmn": drawn}, name="p", kernel="spiff")
    (told,) = [finding for finding in refused.value.findings if finding.severity == "error"]
    assert (told.code, told.element) == ("KernelCannotRun", "x")
    assert "transactions" in Catalogue("engine").tell(told, "en") and "事务" in Catalogue("engine").tell(told, "zh")
