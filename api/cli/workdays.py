"""`workdays`: the work days of a year, and importing the arrangement of a year after a preview."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.faults import PathMissing
from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.people import find_person
from api.cli.words import Words

if TYPE_CHECKING:
    from workflows.workdays import Arranged, Arrangement


def add_verbs(verbs: Verbs) -> None:
    """`workdays show|import`."""
    workdays = verbs.add("workdays").verbs()
    workdays.add("show", show, json=True).add("year", type=int)
    importing = workdays.add("import", import_, json=True)
    importing.add("year", type=int)
    importing.add("--from", type=Path, metavar="FILE", dest="file")
    importing.add("--source")
    importing.add("--by", metavar="LOGIN")


def show(options: argparse.Namespace, words: Words) -> int:
    """Tell the days of a year that differ from plain weeks."""
    from workflows.workdays import read_calendar

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        calendar = read_calendar(work)
    days = sorted((each for each in calendar.days.values() if each.day.year == options.year), key=lambda each: each.day)
    if options.json:
        told = [
            {
                "day": str(each.day),
                "is_workday": each.is_workday,
                "name": dict(zip(("zh", "en"), each.name or ("", ""), strict=True)),
            }
            | {"source": each.source}
            for each in days
        ]
        print(json.dumps({"year": options.year, "published": options.year in calendar.years, "days": told}, ensure_ascii=False))
        return 0
    if options.year not in calendar.years:
        words.note("workdays_unpublished", year=options.year)
    for each in days:
        zh, en = each.name or ("", "")
        print(f"{each.day}  {say_kind(each.is_workday, words)}  {zh if words.language == 'zh' else en}  {each.source}")
    return 0


def import_(options: argparse.Namespace, words: Words) -> int:
    """Show what importing a year changes; with `--by` do it in that administrator's name.

    Raises PathMissing, ArrangementInvalid, PersonUnknown, NotPermitted.
    """
    from workflows.people import get_person
    from workflows.workdays import import_year, plan_import

    arrangement = read(options)
    process_engine = open_engine(read_options(options))
    if options.by is None:
        with process_engine.read() as work:
            plan = plan_import(work, arrangement)
    else:
        with process_engine.begin() as work:
            person = get_person(work, find_person(work, options.by))
            work.by = person.id
            plan = import_year(work, person, arrangement)
    if options.json:
        days = [
            {"day": str(each.day), "before": tell(each.before), "after": tell(each.after), "kept": each.kept}
            for each in plan.days
        ]
        done = {"year": options.year, "source": arrangement.source, "imported": options.by is not None, "days": days}
        print(json.dumps(done, ensure_ascii=False))
        return 0
    for each in plan.days:
        after = words.say("workdays_kept") if each.kept else say(each.after, words)
        print(f"{each.day}  {say(each.before, words)} -> {after}")
    words.note(
        "workdays_previewed" if options.by is None else "workdays_imported",
        year=options.year,
        changed=len(plan.changed),
        source=arrangement.source,
    )
    return 0


def read(options: argparse.Namespace) -> Arrangement:
    """The arrangement of the file, else of the software.

    Raises PathMissing, ArrangementInvalid.
    """
    from workflows.workdays import ArrangementUnknown, read_announced, read_arrangement, with_source

    if options.file is not None:
        try:
            content = options.file.read_bytes()
        except OSError:
            raise PathMissing(path=options.file) from None
        return read_arrangement(content, options.year, source=options.source or "")
    known = read_announced(options.year)
    if known is None:
        raise ArrangementUnknown(year=options.year)
    return with_source(known, options.source or "")


def tell(each: Arranged | None) -> Mapping[str, Any] | None:
    """What is decided about a day, as JSON; None for a day of plain weeks."""
    return None if each is None else {"is_workday": each.is_workday, "name": {"zh": each.name_zh, "en": each.name_en}}


def say(each: Arranged | None, words: Words) -> str:
    """The same in words."""
    if each is None:
        return words.name("workdays.plain", "-")
    return f"{say_kind(each.is_workday, words)} {each.name_zh if words.language == 'zh' else each.name_en}"


def say_kind(is_workday: bool, words: Words) -> str:
    """Whether a day is worked."""
    return words.name("workdays.workday" if is_workday else "workdays.holiday", "-")
