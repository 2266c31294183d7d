"""What must neither exhaust the stack nor run for ever, and how small a document stays."""

from __future__ import annotations

import gc
import json
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.kernel import Complete, Start
from engine.tokens import TokenKernel
from engine.tokens.problems import NestingTooDeep, StepEndless

NOW = datetime(2022, 7, 1, tzinfo=UTC)


def start(definition: Any, **variables: Any) -> Any:
    return TokenKernel().step(definition, "p", None, Start(variables), NOW)


@pytest.mark.parametrize("text", [
    'start s\ntask t max=5000\nend e\ns -> t -> e',
    'start s\ntask t count=5000 seq\nend e\ns -> t -> e',
    'start s\ntask t count=5000\nend e\ns -> t -> e',
])  # fmt: skip
def test_long_loops_need_no_stack(drawing: Any, text: str) -> None:
    outcome = start(drawing(text))
    assert outcome.ended
    assert sum(line.element_id == "t" and line.event == "completed" for line in outcome.log) == 5000


@pytest.mark.parametrize("text", ["start s\nxor g\ntask t\nend e\ns -> g -> t -> g", "task t max=1000000000"])
def test_an_endless_cycle_is_stopped(drawing: Any, text: str) -> None:
    with pytest.raises(StepEndless) as caught:
        start(drawing(text))
    assert caught.value.values["element"] in ("t", "g")


def test_processes_that_call_each_other_without_end_are_stopped(drawing: Any) -> None:
    definition = drawing("process p {\nstart s\ncall c calls=q\ns -> c\n}\nprocess q {\nstart t\ncall d calls=p\nt -> d\n}")
    with pytest.raises(NestingTooDeep):
        start(definition)


def test_deep_nesting_runs(drawing: Any) -> None:
    depth = 80
    text = "".join(f"sub p{level} {{\n" for level in range(depth)) + "user a\n" + "}\n" * depth
    definition = drawing(text)
    outcome = start(definition)
    token = outcome.opened[0].token
    assert TokenKernel().step(definition, "p", outcome.document, Complete(token), NOW).ended


FORM = {f"field{index}": "检验检测促进产业优化升级" for index in range(20)}


def test_a_live_case_is_less_than_a_kilobyte_beside_its_data(drawing: Any) -> None:
    text = """
    start s
    sub collect {
      start i
      user apply
      boundary cutoff on=apply timer=2022-08-10T24:00:00+08:00
      user audit
      i -> apply -> audit
    }
    boundary closed on=collect message=closed
    user review mi=experts:expert out=scores:score
    boundary late on=review message=over
    end e
    s -> collect -> review -> e
    """
    definition = drawing(text)
    variables = {**FORM, "experts": ["x", "y", "z"]}
    data = len(json.dumps(variables, ensure_ascii=False).encode())
    outcome = start(definition, **variables)
    while not outcome.ended:
        size = len(json.dumps(outcome.document, ensure_ascii=False).encode())
        assert size - data < 1024
        token = list(outcome.document["t"])[-1]
        outcome = TokenKernel().step(definition, "p", outcome.document, Complete(token, {"score": 80}), NOW)


def test_five_hundred_instances_fit_into_sixty_kilobytes(drawing: Any) -> None:
    definition = drawing("start s\nuser review mi=experts:expert\ns -> review")
    experts = [f"{index:032x}" for index in range(500)]
    outcome = start(definition, experts=experts)
    size = len(json.dumps(outcome.document).encode()) - len(json.dumps(experts).encode())
    assert size <= 60_000


def test_what_is_derived_from_a_definition_goes_with_it(drawing: Any) -> None:
    definition = drawing("start s\ntask t\ns -> t")
    start(definition)
    gone = weakref.ref(definition)
    del definition
    gc.collect()
    assert gone() is None


def test_an_ended_instance_keeps_its_variables_alone(drawing: Any) -> None:
    outcome = start(drawing("start s\ntask t\ns -> t"), x=1)
    assert outcome.document == {"n": 2, "t": {}, "vars": {"x": 1}, "ended": True}
