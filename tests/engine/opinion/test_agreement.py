"""Random processes: both kernels must agree at every step of every walk."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from engine.model import read_diagram
from engine.opinion import second_opinion
from engine.spiff import SpiffKernel
from engine.tokens import TokenKernel
from tests.engine.random_processes import processes

KERNELS = (TokenKernel(), SpiffKernel())


def check(xml: bytes, walks: int) -> None:
    """No difference, and nothing that could not be walked."""
    read = read_diagram(xml, name="random.bpmn")
    assert read.definition is not None, read.findings
    findings = second_opinion(read.definition, "random_process", kernels=KERNELS, walks=walks)
    assert [finding for finding in findings if finding.severity != "information"] == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(processes(depth=3))
def test_kernels_agree_on_random_processes(xml: bytes) -> None:
    check(xml, 6)


@pytest.mark.slow
@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(processes(depth=4))
def test_kernels_agree_on_many_random_processes(xml: bytes) -> None:
    check(xml, 12)
