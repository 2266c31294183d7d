"""`campaign`: making a campaign from the command line, and listing those there are."""

from __future__ import annotations

import argparse
import json
from datetime import UTC
from typing import Any

from api.cli.faults import NoticeUnknownHere, OptionUnreadable
from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.people import find_organisation, find_person
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`campaign create|list`."""
    campaigns = verbs.add("campaign").verbs()
    creating = campaigns.add("create", create)
    creating.add("notice")
    creating.add("key")
    creating.add("--by", required=True)
    creating.add("--organiser")
    creating.add("--title")
    creating.add("--date", action="append", default=[], metavar="NAME=WHEN")
    creating.add("--setting", action="append", default=[], metavar="NAME=VALUE")
    creating.add("--body", action="append", default=[], metavar="NAME[=WHEN]")
    campaigns.add("list", show, json=True)


def create(options: argparse.Namespace, words: Words) -> int:
    """Make a campaign as an official of its organiser would on the page; it waits to be issued.

    Raises NoticeUnknownHere, PersonUnknown, OrganisationNotFound, OptionUnreadable, NotPermitted, CampaignUnknown,
    CampaignInvalid.
    """
    from workflows.campaigns.proposing import open_campaign, propose_campaign
    from workflows.demo import is_demo
    from workflows.notices import list_notices
    from workflows.people import get_person

    dates = [split(text, "--date") for text in options.date]
    settings = [split(text, "--setting") for text in options.setting]
    bodies = [text.partition("=")[::2] for text in options.body]
    process_engine = open_engine(read_options(options))
    demo = is_demo(process_engine)
    with process_engine.begin() as work:
        person = get_person(work, find_person(work, options.by))
        work.by = person.id
        released = [each for each in list_notices(work) if each.key == options.notice and each.state == "deployed"]
        if not released:
            raise NoticeUnknownHere(key=options.notice, version="-")
        proposal = propose_campaign(work, person, notice_id=released[0].id)
        chosen = [(each.organisation.id, None) for each in proposal.bodies if each.chosen]
        open_campaign(
            work,
            person,
            proposal.notice.id,
            key=options.key,
            organiser_id=find_organisation(work, options.organiser) if options.organiser else person.organisation_id,
            title=options.title or proposal.title,
            dates=dict(dates),
            settings={name: read_value(value) for name, value in settings},
            bodies=[(find_organisation(work, name), when or None) for name, when in bodies] if bodies else chosen,
            demo=demo,
        )
    process_engine.database.dispose()
    print(words.say("campaign_created", key=options.key, title=options.title or proposal.title))
    return 0


def show(options: argparse.Namespace, words: Words) -> int:
    """All campaigns, newest first."""
    import sqlalchemy as sa

    from workflows.tables import campaign

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        query = sa.select(campaign.c.key, campaign.c.title, campaign.c.phase, campaign.c.created_at)
        found = work.connection.execute(query.order_by(campaign.c.created_at.desc(), campaign.c.id.desc())).all()
    process_engine.database.dispose()
    if options.json:
        print(
            json.dumps(
                [{**row._mapping, "created_at": row.created_at.isoformat()} for row in found], ensure_ascii=False, indent=1
            )
        )
        return 0
    for row in found:
        at = row.created_at.astimezone(UTC).isoformat(timespec="seconds")
        print(f"{row.key}  {words.name(f'phase.{row.phase}', row.phase)}  {at}  {row.title}")
    return 0


def split(text: str, option: str) -> tuple[str, str]:
    """`cut=7` as name and value.

    Raises OptionUnreadable.
    """
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise OptionUnreadable(option=option, given=text)
    return name, value


def read_value(text: str) -> Any:
    """A setting's value: a whole number, `true`, `false` and `null` as in `notice.yaml`, else the text."""
    known: dict[str, Any] = {"true": True, "false": False, "null": None, "": None}
    if text in known:
        return known[text]
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10 else text
