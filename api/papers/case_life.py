"""The later sections of a case on paper: the same as on its page, in the same order, from the same reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.pages.words import Words
from api.papers.paper import Block, Facts, Heading, Prose, Table
from workflows.arrivals import Arrival
from workflows.cases import CaseView
from workflows.cases.life import MOST_COMMENTS
from workflows.cases.life_views import CaseLife, CommentView, SelectionView
from workflows.forwardings import Forwarding
from workflows.talk import Remark


@dataclass(frozen=True, slots=True)
class Beside:
    """What belongs to a case beside its view, as the same reader may know it."""

    life: CaseLife = CaseLife()
    arrivals: Sequence[Arrival] = ()
    forwardings: Sequence[Forwarding] = ()
    origin: Forwarding | None = None
    remarks: Sequence[Remark] = ()


def write_arrivals(beside: Beside, words: Words) -> Iterator[Block]:
    """What came by other channels."""
    if beside.arrivals:
        yield Heading(words.say("arrival.title"))
        yield _table(
            words,
            ("arrival.channel", "arrival.received", "arrival.place", "arrival.note"),
            [
                (
                    words.both({"zh": each.channel.zh, "en": each.channel.en}) if each.channel else "",
                    words.moment(each.received_at),
                    f"{each.place} · {each.by}",
                    each.note,
                )
                for each in beside.arrivals
            ],
        )


def write_recommendation(life: CaseLife, words: Words) -> Iterator[Block]:
    """The list of its body, the ranking of its body's own stage, its rounds."""
    found, ranked = life.recommendation, life.stage_list
    if found or ranked or life.rounds:
        yield Heading(words.say("case.recommendation"))
    if ranked:
        told = words.say("life.stage_place", place=ranked.place) if ranked.place else words.say("life.stage_out")
        told = words.say("life.stage_dropped") if ranked.dropped and not ranked.place else told
        at = ranked.sealed_at or ranked.ranked_at
        when = words.say("life.stage_sealed" if ranked.sealed_at else "life.stage_ranked", at=words.moment(at))
        yield Prose("\n".join([f"{told} · {when}", *([f"SHA-256 {ranked.sha256}"] if ranked.sha256 else [])]))
    if found:
        told = words.say("life.listed", body=found.body, rank=found.rank) if found.rank else ""
        lines = [told or words.say("life.not_listed", body=found.body)]
        lines.append(words.say("life.list_received", at=words.exact(found.received_at)))
        lines += [words.say("life.list_by", by=found.by)] if found.by else []
        lines += [words.say("life.list_remark", text=found.remark)] if found.remark else []
        yield Prose("\n".join(lines))
    for each in life.rounds:
        named = f"{words.both(each.name)} {words.period(each.occurrence)}"
        told = words.say("life.round_closed", at=words.moment(each.closed_at))
        yield Facts(((named, f"{told}\n{each.publicity or ''}".strip()),))


def write_selections(life: CaseLife, words: Words) -> Iterator[Block]:
    """What each selection decided."""
    if life.selections:
        yield Heading(words.say("case.selection"))
    for each in life.selections:
        yield Facts(((words.moment(each.at), "\n".join(_tell_selection(each, words))),))


def _tell_selection(each: SelectionView, words: Words) -> Iterator[str]:
    told = [words.say("life.selected" if each.selected else "life.not_selected")]
    told += [words.say_or(f"life.note.{each.note}", each.note)] if each.note else []
    told += [words.say("life.by", by=each.by)] if each.by else []
    yield " · ".join(told)
    if each.place:
        yield words.say("life.place", place=each.place, score=each.score, cut=each.cut)
        yield words.say("life.method", method=words.say(f"choice.{each.method}"))
    if each.reason:
        yield words.say("life.reason", text=each.reason)


def write_comments(life: CaseLife, words: Words) -> Iterator[Block]:
    """Comments of the consultation with their answers."""
    if life.comments:
        yield Heading(words.say("case.comments"))
    if any(each.text is None for each in life.comments):
        yield Prose(words.say("life.comments_hidden"))
    for each in life.comments:
        yield Facts(((words.moment(each.received_at), "\n".join(_tell_comment(each, words))),))
    if len(life.comments) == MOST_COMMENTS:
        yield Prose(words.say("life.most_comments", count=MOST_COMMENTS))


def _tell_comment(each: CommentView, words: Words) -> Iterator[str]:
    told = [words.say(f"life.comment.{each.kind}"), words.say(f"life.comment.{each.state}"), each.from_name, each.from_contact]
    yield " · ".join(part for part in told if part)
    if each.text:
        yield each.text
    if each.answer:
        yield words.say("life.comment.answer", text=each.answer)
        yield " · ".join(part for part in (words.moment(each.decided_at), each.decided_by) if part)


def write_ends(beside: Beside, words: Words) -> Iterator[Block]:
    """Publication, where it was forwarded, the reports of its body."""
    life = beside.life
    if life.publications:
        yield Heading(words.say("case.publication"))
        yield Facts(
            tuple(
                (words.moment(each.published_at), f"{each.title} · {words.say('life.published', place=each.place)}")
                for each in life.publications
            )
        )
    if beside.forwardings or beside.origin:
        yield Heading(words.say("forwarding.title"))
    if beside.origin:
        yield Prose(f"{words.say('forwarding.from', name=beside.origin.name)} {beside.origin.number}")
    if beside.forwardings:
        rows = [
            (f"{each.name} {each.number or ''}".strip(), words.say(f"forwarding.kind.{each.kind}"), words.moment(each.at))
            for each in beside.forwardings
        ]
        yield _table(words, ("forwarding.to", "forwarding.kind", "forwarding.at"), rows)
    if life.reports:
        yield Heading(words.say("case.reports"))
        lines = [
            (each.number, words.deadline(each.due_at), words.moment(each.received_at), words.say(f"report.state.{each.state}"))
            for each in life.reports
        ]
        yield _table(words, ("report.number", "task.due", "report.received", "cases.state"), lines)


def write_remarks(beside: Beside, words: Words) -> Iterator[Block]:
    """What the officials said among themselves."""
    if beside.remarks:
        yield Heading(words.say("talk.title"))
        yield Prose(words.say("paper.remarks"))
    for each in beside.remarks:
        only = [words.say("talk.only", office=each.place)] if each.place else []
        who = " · ".join([each.author, each.office, *only])
        gone = words.say("talk.was_retracted", at=words.moment(each.retracted_at)) if each.retracted_at else ""
        yield Facts(((words.moment(each.at), f"{who}\n{gone or each.text}"),))


def write_files(view: CaseView, words: Words) -> Iterator[Block]:
    """Every file with where it belongs and its fingerprint."""
    if view.files:
        yield Heading(words.say("case.files"))
        rows = [
            (
                each.attachment.name,
                each.field.label[words.language] if each.field else words.say("life.file.of_step"),
                words.say("form.joint").join(map(str, each.versions)),
                words.size(each.attachment.size),
                each.attachment.sha256,
            )
            for each in view.files
        ]
        columns = tuple(words.say(f"life.{code}") for code in ("file", "file.field", "file.versions", "file.size"))
        yield Table((*columns, "SHA-256"), tuple(rows), weights=(6, 4, 2, 2, 6))


def write_deadlines(life: CaseLife, words: Words) -> Iterator[Block]:
    """Until when what holds for the case."""
    if life.deadlines:
        yield Heading(words.say("case.deadlines"))
        rows = []
        for each in life.deadlines:
            within = f" · {words.say('stage.case')}" if each.stage else ""
            whose = each.unit or ("" if each.kind == "task" else words.say("life.deadline.all"))
            rows.append((words.say(f"life.deadline.{each.kind}", step=each.step) + within, words.deadline(each.at), whose))
        yield _table(words, ("life.deadline", "life.deadline.at", "life.deadline.unit"), rows, weights=(5, 6, 3))


def _table(words: Words, columns: Sequence[str], rows: Sequence[tuple[str, ...]], *, weights: tuple[int, ...] = ()) -> Table:
    return Table(tuple(words.say(code) for code in columns), tuple(rows), weights)
