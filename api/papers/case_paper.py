"""A case on paper: all that its reader may see. It is made of the reader's view of the case and knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.pages.fields import Filling, ShownField, ShownPart, show_form
from api.pages.words import Words
from api.papers.case_life import (
    Beside,
    write_arrivals,
    write_comments,
    write_deadlines,
    write_ends,
    write_files,
    write_recommendation,
    write_remarks,
    write_selections,
)
from api.papers.paper import Block, Facts, Heading, Paper, Prose, Table
from workflows.cases import CaseView, HistoryLine, VersionView
from workflows.forms import Kind

SHORT = 60
"""Longer values stand below their label, as texts."""


def write_case(view: CaseView, words: Words, *, reader: str, beside: Beside | None = None) -> Paper:
    """The paper of a case, in the order of its life. `reader` is who has it made: it says so at the end."""
    beside = beside or Beside()
    life = beside.life
    files = {attachment.id: attachment for attachment in view.attachments}
    blocks: list[Block] = [Facts(tuple(_facts(view, words)))]
    for version in reversed(view.versions):
        blocks += _version(version, words, files)
    if view.receipts:
        blocks += [Heading(words.say("case.receipts")), _receipts(view, words)]
    blocks += write_arrivals(beside, words)
    if view.audits:
        blocks.append(Heading(words.say("case.audits")))
        for audit in view.audits:
            who = " · ".join(part for part in (audit.organisation, audit.by) if part)
            result = f"{words.say(f'audit.kind.{audit.kind}')}：{words.say(f'audit.result.{audit.result}')}"
            version_named = words.say("case.version", number=audit.version)
            blocks.append(Facts(((words.moment(audit.at), f"{result} · {who} · {version_named}\n{audit.opinion}".strip()),)))
    blocks += write_recommendation(life, words)
    if view.reviews:
        blocks += [Heading(words.say("case.reviews")), *_reviews(view, words)]
    blocks += [*write_selections(life, words), *write_comments(life, words), *write_ends(beside, words)]
    blocks += [*write_remarks(beside, words), *write_files(view, words), *write_deadlines(life, words)]
    if view.history:
        blocks += [Heading(words.say("history.title")), _history(view.history, words)]
    foot = words.say("paper.foot", at=words.exact(words.now), by=reader)
    if view.blind:
        foot = f"{words.say('case.blind')} {foot}"
    return Paper(
        title=view.title or words.say("case.untitled"),
        number=view.number,
        blocks=tuple(blocks),
        language=words.language,
        mark=words.say("demo.mark") if view.campaign.demo else "",
        foot=foot,
        made_at=words.now,
    )


def _facts(view: CaseView, words: Words) -> list[tuple[str, str]]:
    told: list[tuple[str, str | None]] = [
        ("inbox.campaign", view.campaign.title),
        ("paper.state", words.say(f"case.state.{view.state}")),
        ("case.institution", view.institution.name if view.institution else None),
        ("case.body", view.body.name if view.body else None),
        ("case.channel", view.channel and words.say(f"case.channel.{view.channel}")),
        ("case.received", words.exact(view.received_at)),
        ("case.rank", None if view.rank is None else str(view.rank)),
        ("case.score", None if view.score is None else str(view.shown_score)),
    ]
    return [(words.say(code), value) for code, value in told if value]


def _version(version: VersionView, words: Words, files: Mapping[str, Any]) -> list[Block]:
    number = words.say("case.version", number=version.version)
    blocks: list[Block] = [Heading(f"{words.say('task.application')} {number}")]
    if version.submitted_by:  # nobody reads it blind
        received = (words.say("receipt.at"), words.exact(version.received_at))
        blocks.append(Facts((received, (words.say("case.sha256"), version.sha256))))
    blocks += write_parts(show_form(version.form, Filling(version.values, words.language, files=files)), words)
    return blocks


def write_parts(parts: Sequence[ShownPart], words: Words) -> list[Block]:
    """A filled-in form: groups as headings, short values as facts, texts and tables for themselves."""
    blocks: list[Block] = []
    short: list[tuple[str, str]] = []

    def close() -> None:
        if short:
            blocks.append(Facts(tuple(short)))
            short.clear()

    for part in parts:
        if part.kind == "group":
            close()
            blocks += [Heading(part.label, 2), *write_parts(part.parts, words)]
        for shown in part.fields:
            if shown.field.widget == "hidden":
                continue
            label = shown.field.label[words.language]
            if shown.field.kind is Kind.TABLE and shown.rows:
                close()
                blocks += [Prose(f"{label}：", joined=True), write_rows(shown, words)]
                continue
            value = tell_value(shown, words)
            if len(value) <= SHORT and "\n" not in value:
                short.append((label, value))
            else:
                close()
                blocks += [Prose(f"{label}：\n{value}")]
    close()
    return blocks


def write_rows(shown: ShownField, words: Words) -> Table:
    """The rows of a table's field."""
    rows = [[column for line in row for column in line if column.field.widget != "hidden"] for row in shown.rows]
    return Table(
        tuple(column.field.label[words.language] for column in rows[0]),
        tuple(tuple(tell_value(column, words) for column in row) for row in rows),
    )


def tell_value(shown: ShownField, words: Words) -> str:
    """A field's value in words, as its page prints it."""
    joint, nothing = words.say("form.joint"), words.say("form.nothing")
    if shown.field.kind is Kind.FILE:
        return "\n".join(f"{file.name} ({words.size(file.size)})" for file in shown.files) or nothing
    if shown.field.kind is Kind.CHECKBOX:
        return words.say("form.yes" if shown.value else "form.no")
    if shown.options and shown.field.kind in (Kind.SELECT, Kind.RADIO, Kind.CHECKLIST, Kind.RANKING):
        chosen = shown.value if isinstance(shown.value, list) else [shown.value]
        told = joint.join(label for value, label in shown.options if value in chosen) or nothing
        other = shown.other.value if shown.other is not None else None
        return told + (words.say("form.other_is", text=other) if other else "")
    if shown.value in (None, "", []):
        return nothing
    if shown.field.kind is Kind.DATE:
        return words.plain(shown.value)
    return joint.join(map(str, shown.value)) if isinstance(shown.value, list) else str(shown.value)


def _receipts(view: CaseView, words: Words) -> Table:
    def tell(receipt: Any) -> str:
        told = words.say("receipt.accepted" if receipt.accepted else "receipt.refused")
        return f"{told} · {words.say(f'receipt.lateness.{receipt.lateness}')}" if receipt.lateness else told

    return Table(
        tuple(words.say(code) for code in ("receipt.kind", "paper.result", "receipt.at", "receipt.cutoff")),
        tuple(
            (words.say(f"receipt.kind.{each.kind}"), tell(each), words.exact(each.received_at), words.deadline(each.cutoff_at))
            for each in view.receipts
        ),
    )


def _reviews(view: CaseView, words: Words) -> list[Block]:
    blocks: list[Block] = []
    for review in view.reviews:
        lines = [(words.say("paper.state"), words.say(f"review.state.{review.state}"))]
        if review.total is not None:
            lines.append((words.say("case.score"), f"{review.total} · {words.moment(review.submitted_at)}"))
        blocks += [Heading(review.expert or words.say("history.expert"), 2), Facts(tuple(lines))]
        if review.comment:
            blocks.append(Prose(review.comment))
    return blocks


def _history(lines: Sequence[HistoryLine], words: Words) -> Table:
    def tell(line: HistoryLine) -> str:
        told = words.say_or(f"history.kind.{line.kind}", line.kind)
        reason = line.detail.get("reason")
        if reason and line.kind == "transferred":
            reason = words.say_or(f"transfer.reason.{reason}", reason)
        step = f"{told} {line.element_name or ''}".strip()
        return f"{step}\n{words.say('history.reason', text=reason)}" if reason else step

    return Table(
        tuple(words.say(f"paper.{name}") for name in ("at", "event", "who")),
        tuple((words.moment(line.at), tell(line), line.who.name or words.say(f"history.{line.who.kind}")) for line in lines),
        weights=(5, 8, 4),
    )
