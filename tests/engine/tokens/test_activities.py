"""Tasks, sub-processes, calls, loops and multi-instance activities."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kernel import Closed, Complete, Thrown, WaitKind
from engine.tokens.problems import CollectionUnreadable, InstanceOver, NothingWaits, StartUnknown


def test_each_kind_of_task_waits_for_its_own_doer(play: Any) -> None:
    text = """
    start s
    user u
    manual m
    task t
    service v handler=audits.record
    script c text="x = 1"
    send n message=sent
    send h handler=mails.send
    receive r message=answer
    end e
    s -> u -> m -> t -> v -> c -> n -> h -> r -> e
    """
    case = play(text, who="me")
    for element, kind in (("u", WaitKind.TASK), ("m", WaitKind.TASK), ("v", WaitKind.HANDLER), ("c", WaitKind.SCRIPT)):
        assert case.open(kind) == [element]
        case.do(element)
    assert case.thrown == [("message", "sent")]
    assert case.open(WaitKind.HANDLER) == ["h"]
    case.do("h")
    assert case.open(WaitKind.MESSAGE) == ["r"]
    assert case.send("answer") == 1
    assert case.ended
    assert case.completed == ["s", "u", "m", "t", "v", "c", "n", "h", "r", "e", "p"]


def test_a_wait_shows_what_its_element_sees(play: Any) -> None:
    case = play("start s\nuser a\nend e\ns -> a -> e", x=1)
    wait = next(iter(case.waits.values()))
    assert dict(wait.variables) == {"x": 1}
    with pytest.raises(TypeError):
        wait.variables["x"] = 2
    outcome = case.do("a", x=5, y=2)
    assert outcome.closed == [Closed(WaitKind.TASK, wait.token, "a", "completed")]
    assert case.variables() == {"x": 5, "y": 2}
    assert dict(wait.variables) == {"x": 1}


def test_a_throwing_event_with_a_handler_waits_and_then_goes_on(play: Any) -> None:
    text = "start s\nthrow t message= handler=reviews.tell\nuser a\nend e message= handler=mails.send\ns -> t -> a -> e"
    case = play(text)
    assert case.open(WaitKind.HANDLER) == ["t"]
    case.do("t", told=3)
    assert (case.open(), case.thrown, case.variables()) == (["a"], [], {"told": 3})
    case.do("a")
    assert case.open() == ["e"]
    case.do("e")
    assert case.ended


@pytest.mark.first_kernel
def test_completing_what_does_not_wait_is_refused(play: Any) -> None:
    case = play("start s\nuser a\nend e\ns -> a -> e")
    with pytest.raises(NothingWaits):
        case.step(Complete("99"))
    with pytest.raises(NothingWaits):
        case.step(Complete("1"))
    case.do("a")
    with pytest.raises(InstanceOver):
        case.step(Complete("2"))


def test_a_subprocess_is_done_when_no_token_is_left_in_it(play: Any) -> None:
    text = """
    start s
    sub p1 {
      start i
      user a
      user b
      i -> a
      i -> b
    }
    user c
    s -> p1 -> c
    """
    case = play(text)
    case.do("a")
    assert case.open() == ["b"]
    case.do("b")
    assert case.open() == ["c"]


def test_without_start_event_everything_without_incoming_flow_begins(play: Any) -> None:
    case = play("user a\nuser b\nuser c\na -> c")
    assert case.open() == ["a", "b"]


@pytest.mark.first_kernel
def test_start_at_one_event(play: Any) -> None:
    text = "start s\nstart m message=go\nuser a\nuser b\ns -> a\nm -> b"
    assert play(text).open() == ["a"]
    assert play(text, at="m", by="mail").open() == ["b"]
    with pytest.raises(StartUnknown):
        play(text, at="b")
    with pytest.raises(StartUnknown):
        play("start m message=go\nuser b\nm -> b")


def test_behind_a_parallel_event_gateway_all_events_are_waited_for(play: Any) -> None:
    text = "events g instantiate=true eventGatewayType=Parallel\ncatch m message=go\ncatch n message=come\nuser b\nuser c\n"
    case = play(text + "g -> m -> b\ng -> n -> c", at="m")
    assert case.open() == ["b"]
    case.do("b")
    assert not case.ended
    case.send("come")
    assert case.open() == ["c"]
    assert case.do("c").ended


def test_start_behind_an_instantiating_gateway_or_at_a_receiving_task(play: Any) -> None:
    text = "events g instantiate=true\ncatch m message=go\ncatch n message=come\nuser b\ng -> m -> b\ng -> n -> b"
    assert play(text, at="n").open() == ["b"]
    assert play("receive r message=go instantiate=true\nuser b\nr -> b", at="r").open() == ["b"]


CALL = """
process p {
  start s
  call c calls=q{}
  user after
  s -> c -> after
}
process q {
  start qs
  user inner
  qs -> inner
}
"""


def test_a_called_process_sees_the_callers_data_and_gives_back_what_it_wrote(play: Any) -> None:
    case = play(CALL.replace("{}", ""), x=1)
    assert case.variables("inner") == {"x": 1}
    case.do("inner", x=2, y=3)
    assert case.open() == ["after"]
    assert case.variables() == {"x": 2, "y": 3}


def test_a_called_process_with_mappings_sees_and_gives_only_these(play: Any) -> None:
    case = play(CALL.replace("{}", " give=x take=y"), x=1, z=9)
    assert case.variables("inner") == {"x": 1}
    case.do("inner", x=2, y=3, secret=4)
    assert case.variables() == {"x": 1, "z": 9, "y": 3}


def test_what_a_called_process_wrote_is_not_seen_outside_before_it_ends(play: Any) -> None:
    text = CALL.replace("{}", "").replace("qs -> inner", "user more\nqs -> inner -> more")
    case = play(text)
    case.do("inner", y=1)
    assert case.variables("more") == {"y": 1}
    assert case.variables() == {}
    case.do("more")
    assert case.variables() == {"y": 1}


def test_a_global_task_is_called_like_a_process(play: Any) -> None:
    text = """
    <globalUserTask id="shared" name="Shared"/>
    process p {
      start s
      call c calls=shared
      end e
      s -> c -> e
    }
    """
    case = play(text)
    assert case.open() == ["shared"]
    case.do("shared")
    assert case.ended


ADHOC = """
start s
adhoc h{} {{
  user a
  user b
  user c
}}
user d
s -> h -> d
"""


def test_an_adhoc_subprocess_offers_everything_in_it(play: Any) -> None:
    case = play(ADHOC.format(""))
    assert case.open() == ["a", "b", "c"]
    for element in ("b", "a", "c"):
        case.do(element)
    assert case.open() == ["d"]


def test_a_sequential_adhoc_subprocess_goes_one_by_one(play: Any) -> None:
    case = play(ADHOC.format(" order=Sequential"))
    for element in ("a", "b", "c"):
        assert case.open() == [element]
        case.do(element)
    assert case.open() == ["d"]


@pytest.mark.parametrize("order", ["", " order=Sequential"])
def test_an_adhoc_subprocess_is_over_when_its_condition_holds(play: Any, order: str) -> None:
    case = play(ADHOC.format(order + ' until="enough"'), enough=False)
    case.do("a")
    case.do("b", enough=True)
    assert case.open() == ["d"]


@pytest.mark.first_kernel
def test_quantities_of_tokens(play: Any) -> None:
    text = "start s\nuser a sends=3\nuser b tokens=2\nend e\ns -> a -> b -> e"
    case = play(text)
    case.do("a")
    assert case.open() == ["b"]  # the third token waits for a fourth
    case.do("b")
    assert not case.ended


# ---- loops -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("options", "rounds"), [
    ('loop="n < 3"', 3), ('loop="n < 3" first', 3), ('loop="n < 0"', 1), ('loop="n < 0" first', 0), ("max=2", 2),
    ('loop="true" max=4', 4),
])  # fmt: skip
def test_a_standard_loop(play: Any, options: str, rounds: int) -> None:
    case = play(f"start s\nuser a {options}\nend e\ns -> a -> e", n=0)
    done = 0
    while not case.ended:
        assert case.variables("a")["loopCounter"] == done
        done += 1
        case.do("a", n=done)
    assert done == rounds


EXPERTS = """
start s
user review mi=experts:expert out=scores:score{}
user d
s -> review -> d
"""


def test_a_parallel_multi_instance_collects_results_in_the_order_of_its_items(play: Any) -> None:
    case = play(EXPERTS.format(""), experts=["x", "y", "z"])
    assert case.open() == ["review"] * 3
    tokens = [token for token, element in case.positions() if element == "review"]
    seen = case.kernel.variables(case.definition, "p", case.document, tokens[1])
    assert (seen["expert"], seen["loopCounter"], seen["nrOfInstances"]) == ("y", 1, 3)
    for token, score in zip(reversed(tokens), (3, 2, 1), strict=True):
        case.step(Complete(token, {"score": score}))
    assert case.open() == ["d"]
    assert case.variables() == {"experts": ["x", "y", "z"], "scores": [1, 2, 3]}


def test_a_sequential_multi_instance(play: Any) -> None:
    case = play(EXPERTS.format(" seq"), experts=["x", "y"])
    for expert in ("x", "y"):
        assert case.open() == ["review"]
        assert case.variables("review")["expert"] == expert
        case.do("review", score=expert)
    assert case.variables()["scores"] == ["x", "y"]


@pytest.mark.parametrize("sequential", ["", " seq"])
def test_a_completion_condition_ends_a_multi_instance_early(play: Any, sequential: str) -> None:
    case = play(EXPERTS.format(sequential + ' until="nrOfCompletedInstances >= 2"'), experts=list("xyz"))
    case.do("review", score=1)
    outcome = case.do("review", score=2)
    assert case.open() == ["d"]
    assert case.variables()["scores"] == [1, 2]
    if not sequential:
        assert [closed.reason for closed in outcome.closed] == ["completed", "cancelled"]


def test_an_empty_collection_is_done_at_once(play: Any) -> None:
    case = play(EXPERTS.format(""), experts=[])
    assert case.open() == ["d"]
    assert case.variables()["scores"] == []


def test_a_cardinality_and_instances_that_do_not_wait(play: Any) -> None:
    case = play("start s\ntask t count=n\nuser d\ns -> t -> d", n=5)
    assert case.completed.count("t") == 5
    assert case.open() == ["d"]


@pytest.mark.first_kernel
@pytest.mark.parametrize("experts", ["xyz", 3, None, {"x": 1}])
def test_a_collection_must_be_a_list(play: Any, experts: Any) -> None:
    with pytest.raises(CollectionUnreadable) as caught:
        play(EXPERTS.format(""), experts=experts)
    assert caught.value.values["element"] == "review"


@pytest.mark.first_kernel
@pytest.mark.parametrize("n", [-1, 1.5, True, "3", 10_001])
def test_a_cardinality_must_be_a_sensible_number(play: Any, n: Any) -> None:
    with pytest.raises(CollectionUnreadable):
        play("start s\nuser a count=n\ns -> a", n=n)


def test_a_multi_instance_subprocess_keeps_the_variables_of_its_instances_apart(play: Any) -> None:
    text = """
    start s
    sub each mi=bodies:body {
      start i
      user a
      user b
      i -> a -> b
    }
    end e
    s -> each -> e
    """
    case = play(text, bodies=["m", "n"])
    case.do("a")
    assert case.variables("b")["body"] == "m"
    assert case.variables("a")["body"] == "n"


def test_input_and_output_parameters(play: Any) -> None:
    text = 'start s\nuser a "input1=who:${head.name}" "output1=answer:${who + 1}"\nuser b\ns -> a -> b'
    case = play(text, head={"name": 4})
    assert case.variables("a")["who"] == 4
    assert "who" not in case.variables()
    case.do("a", who=6, other=1)
    assert case.variables() == {"head": {"name": 4}, "other": 1, "answer": 7}


def test_thrown_messages_carry_what_the_element_sees(play: Any) -> None:
    case = play("start s\nthrow t message=told\nend e\ns -> t -> e", x=1)
    assert case.outcome.thrown == [Thrown("message", "told", "t", {"x": 1})]
