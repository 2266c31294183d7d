"""Plays diagrams step by step on a bare kernel: what freezing and finishing frozen instances share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import parts

from engine.kernel import Complete, Deliver, Document, Fire, Kernel, Outcome, Start, Wait, WaitKind
from engine.model import Definition

MOMENT = datetime(2022, 7, 1, 1, tzinfo=UTC)
DATES = {
    "collection_cutoff": "2022-08-11T00:00:00+08:00",
    "review_until": "2022-11-01T00:00:00+08:00",
    "publication": "2023-03-18T00:00:00+08:00",
}


@dataclass(frozen=True)
class Script:
    """A life: what it is started with, what handlers answer, and the steps (element, variables) in their order."""

    process: str
    start: Mapping[str, Any]
    handlers: Mapping[str, Mapping[str, Any]]
    steps: Sequence[tuple[str, Mapping[str, Any]]]


CASE = Script(
    "samr_2022_932_case",
    {
        "case": "c1", "campaign": "k1", "campaign_key": "samr-2022-932", "institution": "i1", "body": "b1", "organiser": "o1",
        "channel": "recommended", "cutoff": "2022-08-04T00:00:00+08:00", "dates": DATES, "outcome": "",
    },
    {"take_list": {"outcome": "recommended"}, "summarise": {}},
    [
        ("apply", {}),
        ("audit", {"audit_result": "return"}),
        ("correct", {}),
        ("audit", {"audit_result": "pass"}),
        ("await_list", {"recommended": True, "rank": 1}),
        ("await_review", {"experts": ["e1", "e2", "e3"]}),
        ("review", {}),
        ("review", {}),
        ("review", {}),
        ("await_result", {"selected": True}),
    ],
)  # fmt: skip
CAMPAIGN = Script(
    "samr_2022_932_campaign",
    {
        "campaign": "k1", "campaign_key": "samr-2022-932", "organiser": "o1", "bodies": ["b1", "b2", "b3"],
        "dates": DATES, "settings": {},
    },
    {
        "open_collection": {}, "close_collection": {}, "assign_experts": {"cases_in_review": 2}, "close_reviews": {},
        "open_consultation": {"consultation_until": "2022-12-10T00:00:00+08:00"}, "close_consultation": {}, "tell_results": {},
    },
    [
        ("issue_notice", {}),
        ("recommend", {}),
        ("recommend", {}),
        ("recommend_cutoff", {}),
        ("await_cutoff", {}),
        ("organise_review", {}),
        ("all_reviewed", {}),
        ("select_cases", {}),
        ("consultation_end", {}),
        ("settle_comments", {}),
        ("publish", {}),
    ],
)  # fmt: skip
PARTS = Script("p", parts.START, {}, parts.STEPS)
SCRIPTS = {"case": CASE, "campaign": CAMPAIGN, "parts": PARTS}


class Player:
    """One instance on one kernel; `waits` are the places where it can go on."""

    def __init__(self, kernel: Kernel, definition: Definition, script: Script) -> None:
        self.kernel, self.definition, self.script = kernel, definition, script
        self.document: Document = {}
        self.waits: list[Wait] = []
        self.completed: list[str] = []
        self.ended = False

    def begin(self) -> None:
        """Start the instance."""
        self._take(self.kernel.step(self.definition, self.script.process, None, Start(self.script.start), MOMENT))

    def load(self, document: Document, waits: Sequence[Mapping[str, Any]]) -> None:
        """Go on from a frozen document; the mirror rows of its time are `waits`."""
        self.document = document
        self.waits = [Wait(WaitKind(w["kind"]), w["token"], w["element_id"], name=w["name"]) for w in waits]

    def do(self, element: str, variables: Mapping[str, Any]) -> None:
        """Let one waiting place go on."""
        wait = next(wait for wait in self.waits if wait.element_id == element)
        operation: Complete | Deliver | Fire
        if wait.kind is WaitKind.TIMER:
            operation = Fire(wait.token, element)
        elif wait.kind in (WaitKind.MESSAGE, WaitKind.SIGNAL):
            operation = Deliver(wait.kind.value, str(wait.name), variables, wait.token, element)
        else:
            operation = Complete(wait.token, variables)
        self._take(self.kernel.step(self.definition, self.script.process, self.document, operation, MOMENT))

    def _take(self, outcome: Outcome) -> None:
        self.document, self.ended = outcome.document, outcome.ended
        self.completed += [line.element_id for line in outcome.log if line.event == "completed"]
        gone = {(closed.kind, closed.token, closed.element_id) for closed in outcome.closed}
        self.waits = [wait for wait in self.waits if (wait.kind, wait.token, wait.element_id) not in gone] + outcome.opened
        for wait in [wait for wait in self.waits if wait.kind is WaitKind.HANDLER]:
            if wait in self.waits:
                self.do(wait.element_id, self.script.handlers[wait.element_id])


def play_frozen(player: Player) -> Iterator[tuple[int, Document, list[dict[str, Any]]]]:
    """Play a whole life; after the start and after each step its number, the document and what waits."""
    player.begin()
    for number, (element, variables) in enumerate([("", {}), *player.script.steps]):
        if element:
            player.do(element, variables)
        waits = [{"kind": w.kind.value, "token": w.token, "element_id": w.element_id, "name": w.name} for w in player.waits]
        yield number, player.document, waits
