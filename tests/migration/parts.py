"""A drawing with one of everything that leaves a trace in an instance's document: what a later version must read."""

DRAWING = """
process p {
start s
and fork
and join
user last
end e
s -> fork
join -> last -> e

# instances side by side, with results; one after the other; rounds of a loop with a timer at it
user signers mi=people:person out=words:word
fork -> signers -> join
user queue mi=people:person seq until="nrOfCompletedInstances >= 2"
fork -> queue -> join
sub rounds loop="again" {
user round
}
boundary rounds_late on=rounds timer=R3/PT1H keep
user reminded
fork -> rounds -> join
rounds_late -> reminded

# a called process that sees what is given, and tells what is taken
call ask calls=called give=question take=answer
fork -> ask -> join

# event sub-processes beside and instead of their scope
sub room {
user talk
esub beside {
start beside_s signal=knock keep
user open_door
beside_s -> open_door
}
esub instead {
start instead_s message=fire
user leave
instead_s -> leave
}
}
fork -> room -> join

# what was done is undone; a transaction is cancelled
sub trip {
user book
<boundaryEvent id="book_c" attachedToRef="book"><compensateEventDefinition/></boundaryEvent>
user unbook undoes
undo book_c unbook
user regret
throw back compensate=
user tell
book -> regret -> back -> tell
}
fork -> trip -> join
transaction deal {
user pay
<boundaryEvent id="pay_c" attachedToRef="pay"><compensateEventDefinition/></boundaryEvent>
user repay undoes
undo pay_c repay
user doubt
end no cancel
pay -> doubt -> no
}
boundary deal_off on=deal cancel
xor settled
fork -> deal -> settled -> join
deal_off -> settled

# two of three are enough, the third is swallowed
and three
user one
user two
user three_
complex enough when="activationCount >= 2"
fork -> three
three -> one -> enough
three -> two -> enough
three -> three_ -> enough
enough -> join

# what waits for the first of several events, and for all of several
events first
catch by_message message=answer
catch by_time timer=P1D
fork -> first
xor came
first -> by_message -> came -> join
first -> by_time -> came
catch all_of message=left signal=right all
fork -> all_of -> join

# a condition that is looked at, and activities in any order
user watched
boundary true_at on=watched when="level > 3" keep
user alarm
fork -> watched -> join
true_at -> alarm
adhoc list order=Sequential {
user item_a
user item_b
}
fork -> list -> join
}
process called {
user c
}
"""
"""In the words of `tests/engine/tokens/drawing.py`."""

START = {"people": ["a", "b", "c"], "again": True, "question": "why", "level": 1}
STEPS = [
    ("signers", {"word": "yes"}),
    ("queue", {}),
    ("round", {"again": True}),
    ("rounds_late", {}),
    ("reminded", {}),
    ("c", {"answer": "so"}),
    ("beside_s", {}),
    ("beside_s", {}),
    ("open_door", {}),
    ("instead_s", {}),
    ("leave", {}),
    ("book", {"seat": 7}),
    ("regret", {}),
    ("unbook", {}),
    ("tell", {}),
    ("pay", {}),
    ("doubt", {}),
    ("repay", {}),
    ("one", {}),
    ("two", {}),
    ("three_", {}),
    ("by_message", {"level": 5}),
    ("all_of", {}),
    ("alarm", {}),
    ("all_of", {}),
    ("watched", {}),
    ("item_a", {}),
    ("item_b", {}),
    ("signers", {"word": "no"}),
    ("queue", {}),
    ("signers", {"word": "well"}),
    ("round", {"again": False}),
    ("last", {}),
]
"""(what goes on, variables): each kind of record is there between two of them."""
