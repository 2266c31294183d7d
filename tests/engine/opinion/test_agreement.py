"""Random processes, structured and not: both kernels agree at every step of every walk, with a dump and restore at each.

What is structured comes to its end, too. The normal run walks 450 processes, `--all` walks 4,000 more.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.random_processes import processes, scopes
from tests.engine.random_tangles import tangles
from tests.engine.random_walks import check

DRAWN = frozenset(
    ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "activationCondition", "eventBasedGateway")
    + ("boundaryEvent", "multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "completionCondition", "subProcess")
    + ("transaction", "callActivity", "cancelEventDefinition", "compensateEventDefinition", "escalationEventDefinition")
    + ('triggeredByEvent="true"', 'isInterrupting="false"', 'isForCompensation="true"')
    + ("adHocSubProcess", "messageEventDefinition", "signalEventDefinition", "timerEventDefinition", "linkEventDefinition")
    + ("conditionalEventDefinition", "errorEventDefinition", "terminateEventDefinition", "sendTask", "receiveTask", "scriptTask")
    + ('startQuantity="', 'completionQuantity="', 'parallelMultiple="true"', 'cancelActivity="false"', 'behavior="Complex"')
    + ('ordering="Sequential"', 'camunda:inputParameter name="', 'isSequential="true"', 'default="', 'testBefore="true"')
)
"""What must have been in some process."""
SCOPES = frozenset(
    ('triggeredByEvent="true"', 'isInterrupting="false"', 'isInterrupting="true"', 'isForCompensation="true"', "transaction")
    + ("cancelEventDefinition", "compensateEventDefinition", 'activityRef="', 'waitForCompletion="false"', "callActivity")
    + ("errorEventDefinition", "escalationEventDefinition", "multiInstanceLoopCharacteristics", 'camunda:inputParameter name="')
)
"""What must have been in some of those that are mostly about scopes."""
MANY = settings(deadline=None, suppress_health_check=list(HealthCheck))


def test_kernels_agree_on_random_processes() -> None:
    agree(processes(depth=2), 200, DRAWN)


def test_kernels_agree_on_random_scopes() -> None:
    agree(scopes(depth=2), 150, SCOPES)


def agree(drawn: st.SearchStrategy[bytes], number: int, wanted: frozenset[str]) -> None:
    """Walk so many of them; what is wanted must have been in some."""
    missing = set(wanted)

    @settings(MANY, max_examples=number)
    @given(drawn)
    def walk(xml: bytes) -> None:
        missing.difference_update({what for what in missing if re.search(rf"[< ]{re.escape(what)}", xml.decode())})
        check(xml, walks=2)

    walk()
    assert not missing


@settings(MANY, max_examples=100)
@given(tangles())
def test_kernels_agree_on_random_graphs(xml: bytes) -> None:
    check(xml, walks=3, ends=False)


@pytest.mark.slow
@settings(MANY, max_examples=2000)
@given(processes(depth=3))
def test_kernels_agree_on_many_random_processes(xml: bytes) -> None:
    check(xml, walks=4)


@pytest.mark.slow
@settings(MANY, max_examples=1000)
@given(tangles())
def test_kernels_agree_on_many_random_graphs(xml: bytes) -> None:
    check(xml, walks=4, ends=False)


@pytest.mark.slow
@settings(MANY, max_examples=1000)
@given(scopes(depth=3))
def test_kernels_agree_on_many_random_scopes(xml: bytes) -> None:
    check(xml, walks=4)
