"""The board of a campaign in figures: tables, beside each a chart that is drawn from it, and each table as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request

from api.lists import Cell
from api.pages.lists import FORMATS, send_sheet
from api.pages.present import process_engine, reader, signed_in, words
from api.pages.words import Words
from workflows.campaigns.figures import AGES, Figures, read_figures

pages = Blueprint("boards", __name__)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the board. The first column names a row; `chart` is how the others are drawn, but for those in `undrawn`.

    Of a `slim` table four columns fit any screen.
    """

    name: str
    chart: str  # bar | rows (bars side by side) | stack | line
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    undrawn: tuple[int, ...] = ()
    slim: bool = True


@pages.get("/campaigns/<campaign_id>/board")
@signed_in
def show(campaign_id: str) -> str:
    """How far the campaign is, of all that the reader sees of it or of one body (`body`).

    Raises CampaignUnknown, NotPermitted, OrganisationUnknown.
    """
    figures = read(campaign_id)
    tables = [table for name in TABLES if (table := TABLES[name](figures, words())) is not None]
    return render_template(
        "board.html", figures=figures, tables=tables, campaign=figures.campaign, demo_page=figures.campaign.demo
    )


@pages.get(f"/campaigns/<campaign_id>/board/<any(funnel, quota, ages, weeks, load):table>.{FORMATS}")
@signed_in
def list_table(campaign_id: str, table: str, kind: str) -> Response:
    """One table of the board as a file, narrowed as on its page; without rows where the reader is not shown it.

    Raises CampaignUnknown, NotPermitted, OrganisationUnknown.
    """
    told = words()
    found = TABLES[table](read(campaign_id), told)
    heads, rows = ([], ()) if found is None else (found.heads, found.rows)
    return send_sheet(f"board_{table}", told.say(f"board.{table}"), heads, iter(rows), kind)


def read(campaign_id: str) -> Figures:
    """The figures that the address asks for."""
    with process_engine().read(by=reader().id) as work:
        return read_figures(work, reader(), campaign_id, body_id=request.args.get("body") or None)


def tell_funnel(figures: Figures, told: Words) -> Table:
    """How many cases have come to each step, and how many in a hundred of those begun."""
    opened = figures.funnel["opened"]
    rows = [
        (told.say(f"board.funnel.{step}"), count, f"{round(100 * count / opened)}%" if opened else None)
        for step, count in figures.funnel.items()
    ]
    heads = [told.say(code) for code in ("board.step", "campaign.count", "board.share")]
    return Table("funnel", "bar", heads, rows, undrawn=(2,))


def tell_quota(figures: Figures, told: Words) -> Table | None:
    """The bodies side by side, where cases go through them; a column that says nothing of any of them is left out."""
    if figures.body is not None or not figures.bodies or "audited" not in figures.funnel:
        return None
    columns: list[tuple[str, list[Cell]]] = [
        ("campaign.submitted", [line.submitted for line in figures.bodies]),
        ("campaign.audited", [line.audited for line in figures.bodies]),
    ]
    if figures.lists:
        columns.append(("campaign.recommended", [line.recommended for line in figures.bodies]))
    for code, asked in (("list.quota_min", "quota_min"), ("list.quota_max", "quota_max")):
        numbers: list[Cell] = [getattr(line, asked) for line in figures.bodies]
        if any(number is not None for number in numbers):
            columns.append((code, numbers))
    heads = [told.say(code) for code in ("case.body", *(code for code, _ in columns))]
    rows = list(zip([line.short_name for line in figures.bodies], *(numbers for _, numbers in columns), strict=True))
    return Table("quota", "rows", heads, rows, slim=False)


def tell_ages(figures: Figures, told: Words) -> Table:
    """For how long the open tasks of each step have waited, how many are overdue, since when the oldest waits."""
    ranges = [told.say("board.age", first=0 if place == 0 else AGES[place - 1], last=days) for place, days in enumerate(AGES)]
    ends = [told.say(code) for code in ("list.overdue", "board.oldest")]
    heads = [told.say("missing.step"), *ranges, told.say("board.older", days=AGES[-1]), *ends]
    rows: list[Sequence[Cell]] = [(step.name, *step.ages, step.overdue, step.oldest_at) for step in figures.steps]
    return Table("ages", "stack", heads, rows, undrawn=(len(heads) - 2, len(heads) - 1), slim=False)


def tell_weeks(figures: Figures, told: Words) -> Table:
    """What was done week by week; reviews only for those who organise them."""
    names = ("submitted", "audited", *(("reviewed",) if figures.load else ()))
    heads = [told.say("board.week"), *(told.say(f"board.week.{name}") for name in names)]
    rows = [(told.day(week.begins_on), *(getattr(week, name) for name in names)) for week in figures.weeks]
    return Table("weeks", "line", heads, rows)


def tell_load(figures: Figures, told: Words) -> Table | None:
    """The reviewers with what they have done and what they owe."""
    if not figures.load:
        return None
    heads = [told.say(code) for code in ("campaign.expert", "campaign.reviews_done", "campaign.reviews_owed")]
    return Table("load", "stack", heads, [(row.name, row.done, row.owed) for row in figures.load])


TABLES: Mapping[str, Callable[[Figures, Words], Table | None]] = {
    "funnel": tell_funnel,
    "quota": tell_quota,
    "ages": tell_ages,
    "weeks": tell_weeks,
    "load": tell_load,
}
"""The tables in their order; None where there is nothing that the reader is shown."""
