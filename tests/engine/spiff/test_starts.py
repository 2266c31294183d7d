"""Where a process begins: several start events, receive tasks and event gateways that instantiate it."""

from __future__ import annotations

import pytest

from engine.errors import OperationNotSupported
from engine.opinion import second_opinion, start_elements
from tests.engine.kernel_runs import END, KERNELS, MESSAGE, START, USER, Run, diagram, read

GATEWAY = '<eventBasedGateway id="g" instantiate="true"/><receiveTask id="r" messageRef="M"/>'
GATEWAY += '<intermediateCatchEvent id="i"><signalEventDefinition signalRef="S"/></intermediateCatchEvent>'
INSTANTIATING = (
    diagram(END + GATEWAY + USER.format("a") + USER.format("b"), "g r", "g i", "r a", "i b", "a e", "b e"),
    diagram(END + '<receiveTask id="r" messageRef="M" instantiate="true"/>' + USER.format("a"), "r a", "a e"),
    diagram(START + END + '<receiveTask id="r" messageRef="M" instantiate="true"/>' + USER.format("a"), "s a", "r a", "a e"),
)


@pytest.mark.parametrize("xml", INSTANTIATING)
def test_the_message_that_starts_the_process_is_not_waited_for_again(xml: bytes) -> None:
    stories = []
    for kernel in KERNELS:
        run = Run(kernel, read(xml)).start("r")
        assert run.tasks() == ["a"]
        stories.append((run.story, run.complete("a").ended))
    assert stories[0] == stories[1] and stories[0][1]


def test_the_other_event_of_a_gateway_starts_the_process_too() -> None:
    for kernel in KERNELS:
        assert Run(kernel, read(INSTANTIATING[0])).start("i").open() == [("b", "task")]


def test_a_parallel_gateway_starts_the_process_once_and_waits_for_the_rest() -> None:
    xml = INSTANTIATING[0].replace(b'instantiate="true"', b'instantiate="true" eventGatewayType="Parallel"')
    stories = []
    for kernel in KERNELS:
        run = Run(kernel, read(xml)).start("i")
        assert run.open() == [("b", "task"), ("r", "message")]
        stories.append(run.message("m").complete("b").complete("a").story)
        assert run.ended
    assert stories[0] == stories[1]


@pytest.mark.parametrize("element", ["g", "a", "e", "nothing"])
def test_a_process_does_not_begin_anywhere_else(element: str) -> None:
    for kernel in KERNELS:
        with pytest.raises(OperationNotSupported):
            Run(kernel, read(INSTANTIATING[0])).start(element)


def test_what_only_an_event_starts_does_not_start_by_itself() -> None:
    for kernel in KERNELS:
        with pytest.raises(OperationNotSupported):
            Run(kernel, read(INSTANTIATING[1])).start()
        assert Run(kernel, read(INSTANTIATING[2])).start().tasks() == ["a"]


def test_the_second_opinion_starts_a_process_in_all_its_ways() -> None:
    assert [start_elements(read(xml), "p") for xml in INSTANTIATING] == [["r", "i"], ["r"], [None, "r"]]
    for xml in INSTANTIATING:
        assert second_opinion(read(xml), "p", kernels=KERNELS) == []


def test_each_of_several_plain_start_events_gets_a_token_and_an_event_only_its_own() -> None:
    body = (
        START
        + '<startEvent id="s2"/>'
        + f'<startEvent id="s3">{MESSAGE}</startEvent>'
        + END
        + USER.format("a")
        + USER.format("b")
    )
    definition = read(diagram(body, "s a", "s2 b", "s3 b", "a e", "b e"))
    for kernel in KERNELS:
        assert Run(kernel, definition).start().tasks() == ["a", "b"]
        assert Run(kernel, definition).start("s3").tasks() == ["b"]
