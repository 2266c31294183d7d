"""Events: timers, messages, signals, conditions, errors, escalations; where they are caught and what they interrupt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.kernel import Deliver, Fire, WaitKind
from engine.tokens.problems import NothingWaits, TimerUnreadable


# ---- timers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("timer", "due"), [
    ("2022-08-10T24:00:00+08:00", datetime(2022, 8, 10, 16, tzinfo=UTC)),
    ("PT5M", datetime(2022, 7, 1, 0, 5, tzinfo=UTC)),
    ("${cutoff}", datetime(2022, 8, 10, 16, tzinfo=UTC)),
    ("dates.end", datetime(2022, 7, 31, 16, tzinfo=UTC)),
])  # fmt: skip
def test_a_timer_waits_for_its_moment(play: Any, timer: str, due: datetime) -> None:
    text = f"start s\ncatch t timer={timer}\nuser a\ns -> t -> a"
    case = play(text, cutoff="2022-08-10T24:00:00+08:00", dates={"end": "2022-08-01T00:00+08:00"})
    assert case.due("t") == due
    outcome = case.fire("t")
    assert [(closed.kind, closed.reason) for closed in outcome.closed] == [(WaitKind.TIMER, "fired")]
    assert case.open() == ["a"]


@pytest.mark.first_kernel
def test_an_unreadable_timer_names_its_element(play: Any) -> None:
    with pytest.raises(TimerUnreadable) as caught:
        play("start s\ncatch t timer=${when}\nend e\ns -> t -> e", when="tomorrow")
    assert caught.value.values["element"] == "t"


@pytest.mark.first_kernel
def test_a_timer_that_is_not_armed_cannot_fire(play: Any) -> None:
    case = play("start s\nuser a\nboundary t on=a timer=PT1H\nuser b\ns -> a -> b\nt -> b")
    token = case.token("a")
    case.do("a")
    with pytest.raises(NothingWaits):
        case.step(Fire(token, "t"))


BOUNDARY = "start s\nuser a\nboundary t on=a timer={}\nuser late\nuser b\ns -> a -> b\nt -> late"


def test_an_interrupting_boundary_timer(play: Any) -> None:
    case = play(BOUNDARY.format("PT1H"))
    outcome = case.fire("t")
    assert case.open() == ["late"]
    assert {(closed.kind, closed.reason) for closed in outcome.closed} == {
        (WaitKind.TASK, "cancelled"),
        (WaitKind.TIMER, "fired"),
    }


def test_a_timer_is_disarmed_when_its_activity_is_done(play: Any) -> None:
    case = play(BOUNDARY.format("PT1H"))
    outcome = case.do("a")
    assert case.timers() == []
    assert {(closed.kind, closed.reason) for closed in outcome.closed} == {
        (WaitKind.TASK, "completed"),
        (WaitKind.TIMER, "cancelled"),
    }


def test_a_cycle_comes_again_from_its_anchor(play: Any) -> None:
    case = play(BOUNDARY.format("R3/PT1H keep"))
    begun = case.now
    for round_ in (1, 2, 3):
        assert case.due("t") == begun + timedelta(hours=round_)
        outcome = case.fire("t")
        case.later(minutes=7)
        assert [closed.reason for closed in outcome.closed] == ["fired"]
        assert case.open() == ["a"] + ["late"] * round_
    assert case.timers() == []


def test_a_timer_fires_late_without_shifting_what_follows(play: Any) -> None:
    """The moment of the step is the due moment, so that a chain of durations is counted from deadlines, not from delays."""
    case = play("start s\ncatch t timer=PT1H\ncatch u timer=PT1H\nend e\ns -> t -> u -> e")
    begun = case.now
    case.fire("t")
    assert case.due("u") == begun + timedelta(hours=2)


# ---- messages and signals --------------------------------------------------------------------------------------------
def test_a_message_reaches_one_a_signal_all(play: Any) -> None:
    text = "start s\nand f\ncatch m{k}1 {k}=go\ncatch m{k}2 {k}=go\nuser a\ns -> f\nf -> m{k}1 -> a\nf -> m{k}2 -> a"
    message = play(text.replace("{k}", "message"))
    assert message.send("go") == 1
    assert message.open(WaitKind.MESSAGE) == ["mmessage2"]  # the one that waits longer got it
    signal = play(text.replace("{k}", "signal"))
    assert signal.send("go", kind="signal") == 2
    assert signal.send("other", kind="signal") == 0


def test_a_message_for_one_token(play: Any) -> None:
    text = "start s\nsub p1 mi=bodies:body {\ncatch m message=go\nuser a\nm -> a\n}\ns -> p1"
    case = play(text, bodies=["x", "y"])
    second = [token for token, element in case.positions() if element == "m"][1]
    assert case.step(Deliver("message", "go", {"got": 1}, token=second, element_id="m")).delivered == 1
    assert case.variables("a")["body"] == "y"
    assert case.variables()["got"] == 1


def test_a_message_is_for_the_innermost_that_waits(play: Any) -> None:
    text = """
    start s
    sub outer {
      start i
      user a
      boundary inner on=a message=stop
      user x
      i -> a -> x
      inner -> x
    }
    boundary edge on=outer message=stop
    user y
    s -> outer -> y
    edge -> y
    """
    case = play(text)
    assert case.send("stop") == 1
    assert case.open() == ["x"]
    assert case.send("stop") == 1
    assert case.open() == ["y"]


def test_what_waits_is_there_before_a_signal_is_thrown(play: Any) -> None:
    """In parallel branches the order is open; the branch that throws is not faster than the one that comes to wait."""
    text = "start s\nand f\nthrow t signal=go\ncatch c signal=go\nuser a\nuser b\ns -> f\nf -> t -> a\nf -> c -> b"
    case = play(text)
    assert case.open() == ["a", "b"]
    assert case.thrown == [("signal", "go")]


# ---- conditions ------------------------------------------------------------------------------------------------------
def test_a_condition_is_looked_at_whenever_data_changes(play: Any) -> None:
    text = """
    start s
    and f
    catch c when="x > 3"
    user a
    user b
    s -> f
    f -> c -> b
    f -> a
    """
    case = play(text)  # x does not exist yet: the condition does not hold yet
    assert case.open() == ["a"]
    case.put(x=1)
    assert case.open() == ["a"]
    case.do("a", x=5)
    assert case.open() == ["b"]


def test_a_condition_must_become_false_before_it_happens_again(play: Any) -> None:
    text = 'start s\nuser a\nboundary c on=a when="x > 3" keep\nuser b\ns -> a\nc -> b'
    case = play(text, x=4)
    assert case.open() == ["a", "b"]  # it held when the activity began
    case.put(x=5)
    assert case.open() == ["a", "b"]
    case.put(x=1)
    case.put(x=9)
    assert case.open() == ["a", "b", "b"]


# ---- errors and escalations ------------------------------------------------------------------------------------------
ERRORS = """
start s
sub outer {
  start i
  service a handler=x.y
  end bad error=no
  i -> a -> bad
}
boundary named on=outer error=no
boundary other on=outer error=
user after
user caught
user any
s -> outer -> after
named -> caught
other -> any
"""


def test_an_error_end_event_is_caught_on_the_boundary(play: Any) -> None:
    case = play(ERRORS)
    case.do("a")
    assert case.open() == ["caught"]


@pytest.mark.parametrize(("code", "opened"), [("no", ["caught"]), ("else", ["any"])])
def test_an_error_of_a_handler_goes_to_the_event_that_names_it_before_one_for_all(
    play: Any, code: str, opened: list[str]
) -> None:
    case = play(ERRORS)
    case.fail("a", code)
    assert case.open() == opened


def test_an_error_that_nobody_catches_ends_the_instance(play: Any) -> None:
    case = play("start s\nand f\nservice a handler=x.y\nuser b\ns -> f\nf -> a\nf -> b")
    outcome = case.fail("a", "broken")
    assert (outcome.ended, outcome.error) == (True, "broken")
    assert case.variables() == {}


def test_an_error_event_subprocess_comes_before_the_boundary(play: Any) -> None:
    text = ERRORS.replace("i -> a -> bad", "i -> a -> bad\nesub h {\nstart hs error=no\nuser inside\nend again error=no\n"
                          "hs -> inside -> again\n}")  # fmt: skip
    case = play(text)
    case.do("a")
    assert case.open() == ["inside"]
    case.do("inside")
    assert case.open() == ["caught"]


def test_an_error_crosses_a_call_activity(play: Any) -> None:
    text = """
    process p {
      start s
      call c calls=q
      boundary b on=c error=no
      user caught
      s -> c
      b -> caught
    }
    process q {
      start qs
      end bad error=no
      qs -> bad
    }
    """
    assert play(text).open() == ["caught"]


def test_an_error_in_one_instance_ends_the_whole_multi_instance(play: Any) -> None:
    text = "start s\nservice a handler=x.y mi=items:item\nboundary b on=a error=no\nuser caught\ns -> a\nb -> caught"
    case = play(text, items=[1, 2, 3])
    case.fail("a", "no")
    assert case.open() == ["caught"]


def test_an_escalation_interrupts_only_if_it_is_drawn_so(play: Any) -> None:
    text = """
    start s
    sub outer {
      start i
      throw up escalation=slow
      user a
      i -> up -> a
    }
    boundary b on=outer escalation=slow{}
    user boss
    user after
    s -> outer -> after
    b -> boss
    """
    assert play(text.replace("{}", " keep")).open() == ["a", "boss"]
    assert play(text.replace("{}", "")).open() == ["boss"]


def test_an_escalation_that_nobody_catches_is_without_effect(play: Any) -> None:
    case = play("start s\nuser a\nend e\ns -> a -> e")
    case.fail("a", "slow", kind="escalation")
    assert case.open() == ["a"]


# ---- the rest --------------------------------------------------------------------------------------------------------
def test_a_multiple_event_happens_with_the_first_a_parallel_one_with_all(play: Any) -> None:
    text = "start s\ncatch c message=one,two{}\nuser a\ns -> c -> a"
    first = play(text.replace("{}", ""))
    first.send("two")
    assert first.open() == ["a"]
    both = play(text.replace("{}", " all"))
    assert both.send("two") == 1
    assert both.send("two") == 0
    assert both.open(WaitKind.MESSAGE) == ["c"]
    both.send("one")
    assert both.open() == ["a"]


def test_parallel_multiple_events_of_one_record_do_not_mix(play: Any) -> None:
    text = """
    start s
    user a
    boundary b on=a message=one,two all
    boundary c on=a message=three,four all
    user x
    user y
    s -> a
    b -> x
    c -> y
    """
    case = play(text)
    case.send("one")
    case.send("three")
    assert case.open() == ["a"]
    case.send("four")
    assert case.open() == ["y"]


def test_terminate_ends_its_scope_alone(play: Any) -> None:
    text = """
    start s
    sub outer {
      start i
      user a
      user b
      end t terminate
      i -> a -> t
      i -> b
    }
    user after
    s -> outer -> after
    """
    case = play(text)
    case.do("a")
    assert case.open() == ["after"]


def test_a_link_leads_to_its_other_end(play: Any) -> None:
    case = play("start s\nthrow l link=x\ncatch c link=x\nuser a\ns -> l\nc -> a")
    assert case.open() == ["a"]


def test_a_receiving_task_and_its_boundary(play: Any) -> None:
    text = "start s\nreceive r message=go\nboundary t on=r timer=PT1H\nuser a\nuser b\ns -> r -> a\nt -> b"
    case = play(text)
    case.send("go")
    assert case.open() == ["a"]
    other = play(text)
    other.fire("t")
    assert other.open() == ["b"]
    assert other.send("go") == 0


def test_tokens_that_are_at_an_error_end_event_together_end_there_together(play: Any) -> None:
    text = """
sub S {
start ss
and f
task a
task b
end x error=no
ss -> f -> a -> x
f -> b -> x
}
boundary c on=S error=no
user u
end e
start s
s -> S -> e
c -> u -> e
"""
    case = play(text)
    assert case.completed.count("x") == 2
    assert case.completed.count("c") == 1
    assert case.open() == ["u"]
