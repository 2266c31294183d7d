"""The phases of the campaign, each done by a worker for its share of the people."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from benchmarks.national import pages
from benchmarks.national.people import options_of
from benchmarks.national.workers import Worker
from benchmarks.national.world import describe_application, is_late, is_rejected, is_returned, is_silent, make_id
from engine.chunks import CHUNK
from engine.due import DO, DO_MANY
from engine.tables import bulk_chunk, message, timer
from workflows import consultations, inbox
from workflows.campaigns.windows import TooLate
from workflows.replay.cast import given_values
from workflows.replay.world import chance
from workflows.selection import TieUndecided

PAGE = 500
"""Rows that are due, read at a time."""


# ---- institutions ----------------------------------------------------------------------------------------------------
def open_cases(worker: Worker) -> None:
    """Every institution begins its application."""
    for number in worker.share(range(1, worker.world.institutions + 1)):
        worker.people.open_case(make_id("applicant", number), worker.world.campaign_id)


def send_applications(worker: Worker, *, late: bool) -> None:
    """The deadline day: everybody who is not silent sends; those that are `late` in a phase of their own."""
    for number in worker.share(range(1, worker.world.institutions + 1)):
        if not is_silent(number) and is_late(number) == late:
            send(worker, number, "apply")


def send_corrections(worker: Worker) -> None:
    """What was returned comes back."""
    for number in worker.share(range(1, worker.world.institutions + 1)):
        if is_returned(number) and not is_silent(number):
            send(worker, number, "correct")


def send(worker: Worker, number: int, element_id: str) -> None:
    """One institution sends; what it is told is kept outside of the database."""
    person_id = make_id("applicant", number)
    for task in worker.people.list_tasks(person_id, "groups"):
        if task.element_id != element_id:
            continue
        given = describe_application(number, f"010-5550{number % 10000:04d}", f"applicant-{number}@example.org")
        try:
            receipt = worker.people.do(person_id, task, lambda _, given=given: given)  # type: ignore[misc]
        except TooLate as problem:
            worker.tally.refused[problem.code] += 1
            worker.note("refused", f"{task.number} {problem.values['received_at']}")
        else:
            worker.note("accepted", f"{receipt.receipt_id} {receipt.received_at.isoformat()} {receipt.sha256}")


# ---- bodies ----------------------------------------------------------------------------------------------------------
def audit(worker: Worker) -> None:
    """Each body's auditor works through the inbox, page by page, until nothing is left to audit."""
    for index in worker.share(range(worker.world.bodies)):
        work_through(worker, make_id("auditor", index), "groups", "audit", _judge)


def _judge(view: inbox.TaskView) -> Mapping[str, Any]:
    assert view.case is not None
    number = int(view.case.title[-5:])
    if is_rejected(number):
        return {"checks": ["complete"], "result": "reject", "opinion": "内容与征集范围不符。"}
    if is_returned(number) and not view.case.audits:
        return {"checks": ["seal"], "result": "return", "opinion": "请补充成效数据的出处。"}
    return {"checks": ["complete", "seal", "authentic", "original"], "result": "pass", "opinion": ""}


def send_lists(worker: Worker) -> None:
    """Each body recommends a part of its audited cases, ranked."""
    for index in worker.share(range(worker.world.bodies)):
        work_through(worker, make_id("auditor", index), "groups", "recommend", lambda view: _rank(worker, view))


def _rank(worker: Worker, view: inbox.TaskView) -> Mapping[str, Any]:
    ids = options_of(view.form, "ranking")
    chance(1, "rank", view.task.id).shuffle(ids)
    listed = ids[: max(1, round(len(ids) * worker.world.listed))] if ids else []
    return {"ranking": listed, "shortfall_reason": "本地申报数量有限。" if len(listed) < 3 else "", "remark": ""}


# ---- the authority ---------------------------------------------------------------------------------------------------
def issue(worker: Worker) -> None:
    """The notice is issued."""
    organise(worker, "issue_notice", lambda view: {**given_values(view), "confirmed": True})


def open_review(worker: Worker) -> None:
    """The review is organised: experts are drawn and given their cases."""
    organise(worker, "organise_review", lambda view: {**given_values(view), "pool": options_of(view.form, "pool"), "seed": "1"})


def select_cases(worker: Worker) -> None:
    """The selection, with a vote where the scores leave a tie."""
    organise(worker, "select_cases", given_values, tied=("decided", "reason"))


def settle(worker: Worker) -> None:
    """Every comment is answered."""

    def answer(view: inbox.TaskView) -> Mapping[str, Any]:
        rows = [{**row, "decision": "not_adopted", "answer": "已研究，说明如下。"} for row in given_values(view)["decisions"]]
        return {"decisions": rows, "remark": ""}

    organise(worker, "settle_comments", answer)


def publish(worker: Worker) -> None:
    """The list is published, every case is told."""
    organise(worker, "publish", given_values)


def organise(
    worker: Worker, element_id: str, answer: Callable[[inbox.TaskView], Mapping[str, Any]], *, tied: tuple[str, str] | None = None
) -> None:
    """The organiser does a step of the campaign."""
    person_id = make_id("organiser", 0)
    (task,) = [task for task in worker.people.list_tasks(person_id, "groups") if task.element_id == element_id]
    try:
        worker.people.do(person_id, task, answer)
    except TieUndecided as problem:
        if tied is None:
            raise
        names = sorted(str(finding.values["case"]) for finding in problem.findings)
        vote = {tied[0]: names[: int(problem.values["seats"])], tied[1]: "并列案例经会议表决确定。"}
        worker.people.do(person_id, task, lambda view: {**answer(view), **vote})


def comment(worker: Worker, *, number: int) -> None:
    """The public comments."""
    for place in range(number):
        with worker.tally.time("comment"), worker.process_engine.begin() as work:
            consultations.receive_comment(
                work, worker.world.campaign_id, kind="comment", from_name=f"演练群众{place}", text="建议公开更多细节。"
            )


# ---- experts ---------------------------------------------------------------------------------------------------------
def review(worker: Worker) -> None:
    """Each expert works through the inbox."""
    for index in worker.share(range(worker.world.experts)):
        work_through(worker, make_id("expert", index), "mine", "review", partial(_score, index))


def _score(expert: int, view: inbox.TaskView) -> Mapping[str, Any]:
    assert view.form is not None
    quality = chance(1, "quality", view.task.business_key).randint(55, 95)
    dice = chance(1, "review", view.task.business_key, expert)
    criteria = [field for field in view.form.fields if field.criterion is not None]
    most = [int(field.maximum or 100) for field in criteria]
    points = [min(top, max(0, (quality + dice.randint(-8, 8)) * top // 100)) for top in most]
    scores = {field.key: str(value) for field, value in zip(criteria, points, strict=True)}
    return {"no_conflict": True, **scores, "comment": "材料完整，做法清楚，成效有数据支撑，具有推广价值。"}


# ---- everybody -------------------------------------------------------------------------------------------------------
def work_through(
    worker: Worker,
    person_id: str,
    view: inbox.View,
    element_id: str,
    answer: Callable[[inbox.TaskView], Mapping[str, Any]],
) -> None:
    """Do all tasks of one step that a person's inbox shows, a page at a time, until there are none."""
    while tasks := [task for task in worker.people.list_tasks(person_id, view) if task.element_id == element_id]:
        for task in tasks:
            worker.people.do(person_id, task, answer)


def run_background(worker: Worker) -> None:
    """Messages are delivered, timers fired and parts of bulk jobs done, those of this worker's share, until it finds nothing due.

    As the engine does it: messages to different cases in chunks.
    """
    while True:
        done = 0
        for kind, name, ids in _find_due(worker):
            with worker.tally.time(f"{kind} {name}", things=len(ids)):
                done += DO_MANY[kind](worker.process_engine, ids) if len(ids) > 1 else DO[kind](worker.process_engine, ids[0])
        if not done:
            return


def _find_due(worker: Worker) -> Iterator[tuple[str, str, list[str]]]:
    """What is done at once: kind, name, ids of the rows."""
    for kind, table, name, whose, states in (
        ("message", message, message.c.name, message.c.business_key, ("waiting", "unmatched")),
        ("timer", timer, timer.c.element_id, timer.c.id, ("armed",)),
        ("bulk", bulk_chunk, sa.literal(""), bulk_chunk.c.id, ("waiting",)),
    ):
        last = ""
        while True:
            query = sa.select(table.c.id, name.label("name"), whose.label("whose")).where(
                table.c.id > last, table.c.state.in_(states), table.c.next_try_at <= worker.clock.now()
            )
            with worker.process_engine.read() as work:
                rows = work.connection.execute(query.order_by(table.c.id).limit(PAGE)).all()
            chunk: dict[str, str] = {}
            named = ""
            for row in rows:
                if zlib.crc32(row.whose.encode()) % worker.place.workers != worker.place.index:
                    continue
                if chunk and (kind != "message" or row.whose in chunk or row.name != named or len(chunk) == CHUNK):
                    yield kind, named, [*chunk.values()]
                    chunk = {}
                chunk[row.whose], named = row.id, row.name or ""
            if chunk:
                yield kind, named, [*chunk.values()]
            if len(rows) < PAGE:
                break
            last = rows[-1].id


PHASES: dict[str, Callable[..., None]] = {
    "issue": issue,
    "open": open_cases,
    "send": send_applications,
    "background": run_background,
    "audit": audit,
    "correct": send_corrections,
    "list": send_lists,
    "organise": open_review,
    "review": review,
    "select": select_cases,
    "comment": comment,
    "settle": settle,
    "publish": publish,
    "pages: open": pages.open_cases,
    "pages: send": pages.send_applications,
    "pages: log in": pages.log_in,
}
