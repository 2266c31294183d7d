"""Event sub-processes: what starts them, what they interrupt, what they hear before others (BPMN 2.0.2, 10.3.5, 13.5.4)."""

from __future__ import annotations

from typing import Any

from engine.kernel import WaitKind

EVENT_SUBPROCESS = """
start s
sub outer {
  start i
  user a
  i -> a
  esub handling {
    start h {event}
    user b
    h -> b
  }
}
boundary edge on=outer timer=PT2H
user after
user late
s -> outer -> after
edge -> late
"""


def test_an_interrupting_event_subprocess(play: Any) -> None:
    case = play(EVENT_SUBPROCESS.replace("{event}", "message=go"))
    case.send("go", reason="new")
    assert case.open() == ["b"]
    assert case.send("go") == 0
    case.do("b")
    assert case.open() == ["after"]


def test_the_boundary_still_listens_while_an_event_subprocess_runs(play: Any) -> None:
    case = play(EVENT_SUBPROCESS.replace("{event}", "timer=PT1H"))
    assert case.timers() == ["edge", "h"]
    case.fire("h")
    assert case.open() == ["b"]
    assert case.timers() == ["edge"]
    case.fire("edge")
    assert case.open() == ["late"]


def test_a_non_interrupting_event_subprocess_runs_beside_and_again(play: Any) -> None:
    case = play(EVENT_SUBPROCESS.replace("{event}", "message=go keep"))
    case.send("go")
    case.send("go")
    assert case.open() == ["a", "b", "b"]
    case.do("a")
    assert case.open() == ["b", "b"]  # the scope is done when its event sub-processes are
    case.do("b")
    case.do("b")
    assert case.open() == ["after"]


def test_an_event_subprocess_of_the_process_itself(play: Any) -> None:
    text = "start s\nuser a\ns -> a\nesub h {\nstart m message=stop\nuser b\nm -> b\n}"
    case = play(text)
    case.send("stop")
    assert case.open() == ["b"]
    case.do("b")
    assert case.ended


def test_an_interrupting_event_subprocess_consumes_a_signal_before_the_boundary(play: Any) -> None:
    """It may throw it again to reach the boundary (BPMN 2.0.2, 10.5.6)."""
    text = """
    start s
    sub outer {
      start i
      user a
      i -> a
      esub handling {
        start h signal=alarm
        user b
        throw again signal=alarm
        h -> b -> again
      }
    }
    boundary edge on=outer signal=alarm
    user after
    user out
    s -> outer -> after
    edge -> out
    """
    case = play(text)
    assert case.send("alarm", kind="signal") == 1
    assert case.open() == ["b"]
    case.do("b")
    assert case.open() == ["out"]


def test_an_event_subprocess_has_event_subprocesses_and_variables_of_its_own(play: Any) -> None:
    text = """
    start s
    user a
    s -> a
    esub outer "input1=mine:${given}" {
      start m message=go keep
      user b
      m -> b
      esub inner {
        start t timer=PT1H keep
        user c
        t -> c
      }
    }
    """
    case = play(text, given=1)
    assert case.timers() == []
    case.send("go", given=2)
    assert case.variables("b") == {"given": 2, "mine": 2}
    assert case.timers() == ["t"]
    case.fire("t")
    assert case.variables("c") == {"given": 2, "mine": 2}
    case.do("b")
    case.do("c")
    assert case.open() == ["a"] and case.timers() == []


def test_what_an_event_subprocess_raises_goes_past_those_beside_it(play: Any) -> None:
    """It is not in the scope that they listen to; the boundary around, or a scope further out, catches it."""
    text = """
    start s
    sub outer {
      start i
      service a handler=x.y
      i -> a
      esub first {
        start h message=go keep
        end bad error=no
        h -> bad
      }
      esub second {
        start k error=no
        user inside
        k -> inside
      }
    }
    boundary edge on=outer error=no
    user out
    s -> outer
    edge -> out
    """
    case = play(text)
    case.fail("a", "no")
    assert case.open() == ["inside"]
    other = play(text)
    other.send("go")
    assert other.open() == ["out"]


def test_a_cycle_starts_an_event_subprocess_again_and_again_until_one_interrupts(play: Any) -> None:
    text = """
    start s
    user a
    s -> a
    esub often {
      start t timer=R2/PT1H keep
      user b
      t -> b
    }
    esub once {
      start m message=stop
      user c
      m -> c
    }
    """
    case = play(text)
    case.fire("t")
    case.fire("t")
    assert case.open() == ["a", "b", "b"] and case.timers() == []
    other = play(text)
    other.fire("t")
    other.send("stop")
    assert other.open() == ["c"] and other.timers() == [] and other.open(WaitKind.MESSAGE) == []


def test_an_event_subprocess_in_each_instance_is_its_own(play: Any) -> None:
    text = """
    start s
    sub p1 mi=bodies:body {
      start i
      user a
      i -> a
      esub h {
        start m message=stop
        user b
        m -> b
      }
    }
    s -> p1
    """
    case = play(text, bodies=["x", "y"])
    case.send("stop")
    assert case.open() == ["a", "b"]
    assert case.variables("b")["body"] == "x"
    case.send("stop")
    assert case.open() == ["b", "b"]
    case.do("b")
    case.do("b")
    assert case.ended


def test_an_event_subprocess_of_a_called_process_hears_before_the_caller(play: Any) -> None:
    text = """
    process p {
      start s
      call c calls=q
      boundary b on=c signal=alarm
      user out
      s -> c
      b -> out
    }
    process q {
      start qs
      user a
      qs -> a
      esub h {
        start m signal=alarm
        user inside
        end again signal=alarm
        m -> inside -> again
      }
    }
    """
    case = play(text)
    case.send("alarm", kind="signal")
    assert case.open() == ["inside"]
    case.do("inside")
    assert case.open() == ["out"]


def test_a_condition_that_holds_already_starts_an_event_subprocess_at_once(play: Any) -> None:
    text = 'start s\nuser a\ns -> a\nesub h {\nstart c when="x > 3" keep\nuser b\nc -> b\n}'
    case = play(text, x=5)
    assert case.open() == ["a", "b"]
    case.put(x=1)
    case.put(x=7)
    assert case.open() == ["a", "b", "b"]


def test_an_escalation_is_caught_beside_what_raised_it_or_instead(play: Any) -> None:
    text = """
    start s
    throw up escalation=slow
    user a
    s -> up -> a
    esub h {
      start e escalation=slow{}
      user b
      e -> b
    }
    """
    assert play(text.replace("{}", " keep")).open() == ["a", "b"]
    assert play(text.replace("{}", "")).open() == ["b"]
