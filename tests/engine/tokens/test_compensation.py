"""Compensation and transactions: what was completed is undone, last first."""

from __future__ import annotations

from typing import Any

import pytest

TRIP = """
start s
user hotel
boundary bh on=hotel compensate=
user cancel_hotel undoes
undo bh cancel_hotel
user flight
boundary bf on=flight compensate=
user cancel_flight undoes
undo bf cancel_flight
user pay
throw back compensate={}
user after
s -> hotel -> flight -> pay -> back -> after
"""


def test_completed_activities_are_compensated_in_reverse_order(play: Any) -> None:
    case = play(TRIP.format(""))
    for element in ("hotel", "flight", "pay", "cancel_flight", "cancel_hotel"):
        assert case.open() == [element]
        case.do(element)
    assert case.open() == ["after"]


def test_one_activity_is_compensated_by_name(play: Any) -> None:
    case = play(TRIP.format("hotel"))
    for element in ("hotel", "flight", "pay", "cancel_hotel"):
        case.do(element)
    assert case.open() == ["after"]


def test_without_waiting_the_throwing_event_goes_on_at_once(play: Any) -> None:
    case = play(TRIP.format("hotel nowait"))
    for element in ("hotel", "flight", "pay"):
        case.do(element)
    assert case.open() == ["after", "cancel_hotel"]
    case.do("after")
    assert not case.ended
    case.do("cancel_hotel")
    assert case.ended


def test_what_was_not_completed_is_not_compensated(play: Any) -> None:
    text = TRIP.format("").replace("s -> hotel -> flight -> pay -> back", "s -> hotel -> pay -> back\ns -> flight")
    case = play(text)
    case.do("hotel")
    case.do("pay")
    assert case.open() == ["cancel_hotel", "flight"]


def test_every_instance_is_compensated_with_its_own_item(play: Any) -> None:
    text = """
    start s
    user book mi=rooms:room
    boundary b on=book compensate=
    user release undoes
    undo b release
    throw back compensate=
    end e
    s -> book -> back -> e
    """
    case = play(text, rooms=["a", "b"])
    case.do("book")
    case.do("book")
    assert case.variables("release")["room"] == "b"
    case.do("release")
    assert case.variables("release")["room"] == "a"
    case.do("release")
    assert case.ended


def test_a_loop_may_compensate(play: Any) -> None:
    text = """
    start s
    user book
    boundary b on=book compensate=
    user release undoes mi=rooms:room
    undo b release
    throw back compensate=
    user after
    s -> book -> back -> after
    """
    case = play(text, rooms=[1, 2])
    case.do("book")
    assert case.open() == ["release", "release"]
    case.do("release")
    case.do("release")
    assert case.open() == ["after"]


SUBPROCESS = """
start s
sub trip {
  start i
  user hotel
  boundary bh on=hotel compensate=
  user cancel_hotel undoes
  undo bh cancel_hotel
  user flight
  boundary bf on=flight compensate=
  user cancel_flight undoes
  undo bf cancel_flight
  i -> hotel -> flight
{handler}
}
user pay
throw back compensate=
user after
s -> trip -> pay -> back -> after
"""


def test_a_subprocess_is_compensated_by_what_was_completed_inside(play: Any) -> None:
    case = play(SUBPROCESS.replace("{handler}", ""))
    for element in ("hotel", "flight", "pay", "cancel_flight", "cancel_hotel"):
        assert case.open() == [element]
        case.do(element)
    assert case.open() == ["after"]


def test_a_compensation_event_subprocess_decides_what_is_undone(play: Any) -> None:
    handler = """
      esub undoing {
        start h compensate=
        user tell
        throw one compensate=hotel
        h -> tell -> one
      }
    """
    case = play(SUBPROCESS.replace("{handler}", handler))
    for element in ("hotel", "flight", "pay", "tell", "cancel_hotel"):
        assert case.open() == [element]
        case.do(element)
    assert case.open() == ["after"]


def test_a_compensation_sees_local_data_as_it_was_and_the_process_as_it_is(play: Any) -> None:
    text = SUBPROCESS.replace("sub trip {", 'sub trip "input1=place:${wish}" {').replace("{handler}", "")
    case = play(text, wish="sea")
    case.do("hotel")
    case.do("flight", place="lake")
    case.do("pay", wish="hills")
    assert case.variables("cancel_flight") == {"wish": "hills", "place": "lake"}


def test_compensating_activities_that_do_not_wait_need_no_stack(play: Any) -> None:
    text = """
    start s
    task t count=n
    boundary b on=t compensate=
    task undo_t undoes
    undo b undo_t
    throw back compensate=
    end e
    s -> t -> back -> e
    """
    case = play(text, n=2000)
    assert case.ended
    assert case.completed.count("undo_t") == 2000


TRANSACTION = """
start s
transaction t {
  start i
  user a
  boundary b on=a compensate=
  user undo_a undoes
  undo b undo_a
  user c
  end no cancel
  i -> a -> no
  i -> c
}
boundary off on=t cancel
user cancelled
user after
s -> t -> after
off -> cancelled
"""


def test_a_cancelled_transaction_compensates_and_leaves_by_its_cancel_event(play: Any) -> None:
    case = play(TRANSACTION)
    case.do("a")
    assert case.open() == ["undo_a"]
    case.do("undo_a")
    assert case.open() == ["cancelled"]


def test_a_cancelled_transaction_that_nobody_catches_is_over(play: Any) -> None:
    text = TRANSACTION.replace("boundary off on=t cancel\n", "").replace("off -> cancelled\n", "")
    case = play(text)
    case.do("a")
    case.do("undo_a")
    assert case.ended
    assert "after" not in case.completed


@pytest.mark.first_kernel
def test_nothing_is_kept_for_compensation_where_nothing_compensates(play: Any) -> None:
    case = play("start s\nuser a\nuser b\ns -> a -> b")
    case.do("a")
    assert not any("done" in record for record in case.document["t"].values())


def test_a_cancelled_transaction_of_several_that_nobody_catches_ends_them_all(play: Any) -> None:
    text = TRANSACTION.replace("boundary off on=t cancel\n", "").replace("off -> cancelled\n", "").replace("user cancelled\n", "")
    case = play(text.replace("transaction t {", "transaction t mi=rooms:room {"), rooms=[1, 2])
    case.do("a")
    case.do("undo_a")
    assert case.ended and "after" not in case.completed


def test_an_error_in_a_transaction_leaves_it_by_its_boundary_without_compensation(play: Any) -> None:
    text = TRANSACTION.replace("boundary off on=t cancel", "boundary off on=t error=no\nboundary other on=t cancel")
    case = play(text.replace("end no cancel", "end no error=no").replace("off -> cancelled", "off -> cancelled\nother -> after"))
    case.do("a")
    assert case.open() == ["cancelled"] and "undo_a" not in case.completed


def test_event_subprocesses_compensate_the_scope_around_them(play: Any) -> None:
    text = """
    start s
    sub outer {
      start i
      user a
      boundary b on=a compensate=
      user undo_a undoes
      undo b undo_a
      service c handler=x.y
      i -> a -> c
      esub h {
        start e error=no
        throw back compensate=
        user told
        e -> back -> told
      }
    }
    user after
    s -> outer -> after
    """
    case = play(text)
    case.do("a")
    case.fail("c", "no")
    assert case.open() == ["undo_a"]
    case.do("undo_a")
    assert case.open() == ["told"]
    case.do("told")
    assert case.open() == ["after"]


def test_an_error_in_what_compensates_is_caught_around_the_event_that_threw(play: Any) -> None:
    text = TRIP.format("").replace("user cancel_flight undoes", "service cancel_flight undoes handler=x.y")
    text = f"start s0\nsub trip {{\n{text}\n}}\nboundary edge on=trip error=no\nuser caught\ns0 -> trip\nedge -> caught"
    case = play(text)
    for element in ("hotel", "flight", "pay"):
        case.do(element)
    case.fail("cancel_flight", "no")
    assert case.open() == ["caught"]


def test_what_compensates_a_subprocess_may_lead_on_from_its_boundary(play: Any) -> None:
    text = TRIP.format("").replace("user pay", "user pay\nboundary late on=cancel_flight timer=PT1H\nuser call\nlate -> call")
    case = play(text)
    for element in ("hotel", "flight", "pay"):
        case.do(element)
    case.fire("late")
    assert case.open() == ["call"]
    case.do("call")
    assert case.open() == ["cancel_hotel"]
    case.do("cancel_hotel")
    assert case.open() == ["after"]
