"""Rounds of a campaign: the cut-offs with their counts, and the list of each, also as a file for spreadsheets."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, render_template

from api.pages.present import process_engine, reader, signed_in, words
from workflows.campaigns.reading import get_campaign
from workflows.rounds import list_round_cases, list_rounds

pages = Blueprint("rounds", __name__)
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet read a cell as a formula; such cells get an apostrophe before them."""


@pages.get("/campaigns/<campaign_id>/rounds")
@signed_in
def show(campaign_id: str) -> str:
    """All rounds with their counts, body by body.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        lines = list_rounds(work, reader(), campaign_id)
    plans = {line.plan.key: line.plan for line in lines}
    return render_template("rounds.html", campaign=campaign, plans=plans.values(), lines=lines, demo_page=campaign.demo)


@pages.get("/campaigns/<campaign_id>/rounds/<plan>/<occurrence>")
@signed_in
def show_one(campaign_id: str, plan: str, occurrence: str) -> str:
    """The list of one round.

    Raises CampaignUnknown, NotPermitted, RoundUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        line, cases = list_round_cases(work, reader(), campaign_id, plan, occurrence)
    return render_template("round.html", campaign=campaign, line=line, cases=cases, demo_page=campaign.demo)


@pages.get("/campaigns/<campaign_id>/rounds/<plan>/<occurrence>/list.csv")
@signed_in
def download(campaign_id: str, plan: str, occurrence: str) -> Response:
    """The same list as CSV that spreadsheets open in Chinese (UTF-8 with its mark), without formulas.

    Raises CampaignUnknown, NotPermitted, RoundUnknown.
    """
    say = words().say
    with process_engine().read(by=reader().id) as work:
        line, cases = list_round_cases(work, reader(), campaign_id, plan, occurrence)
    heads = ("case.number", "case.title", "case.institution", "case.body", "rounds.moment")
    rows = [[say(head) for head in heads]]
    for each in cases:
        rows.append([each.number, each.title, each.unit, each.body or say("rounds.direct"), words().exact(each.moment)])
    text = io.StringIO()
    csv.writer(text).writerows([guard_cell(cell) for cell in row] for row in rows)
    name = f"{line.plan.key}-{line.occurrence.key}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=headers)


def guard_cell(text: str) -> str:
    """The text of a cell, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(BEGINS_FORMULA) else text
