"""The stored work days: written once, changed by administrators with a source, imported after a preview, recorded."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from engine.tables import metadata
from engine.work import ProcessEngine
from tests.workflows.world import World
from workflows.people import create_person, get_person
from workflows.rules import NotPermitted
from workflows.tables import work_day, work_day_change, work_year
from workflows.workdays import (
    ArrangementInvalid,
    CalendarChanged,
    WorkdayInvalid,
    WorkdayUnknown,
    announced_calendar,
    announced_years,
    import_year,
    list_changes,
    list_decided,
    list_years,
    plan_import,
    read_announced,
    read_arrangement,
    read_calendar,
    remove_day,
    seed_calendar,
    set_day,
    unseeded_years,
)

YEAR = announced_years()[-1] + 1
"""Not announced yet."""
FILE = f"""first,last,kind,name_zh,name_en
{YEAR}-10-01,{YEAR}-10-07,休,国庆节,National Day
{YEAR}-10-10,,班,国庆节,
{YEAR - 1}-12-31,,holiday,元旦,New Year
"""
SOURCE = "国办发明电〔2099〕1号"
FREE = date(2022, 8, 8)


@pytest.fixture
def administrator(small_world: World) -> World:
    """The world with an administrator."""
    with small_world.process_engine.begin() as work:
        place = small_world.places["authority"]
        person_id = create_person(work, login="admin", name="卫管理", organisation_id=place, roles=[("administrator", place)])
    with small_world.process_engine.read() as work:
        small_world.people["administrator"] = get_person(work, person_id)
    return small_world


def test_a_database_counts_by_the_software_until_its_years_are_written_and_then_alike(process_engine: ProcessEngine) -> None:
    metadata.create_all(process_engine.database)
    with process_engine.read() as work:
        assert read_calendar(work) is announced_calendar()
    with process_engine.begin() as work:
        assert unseeded_years(work) == seed_calendar(work) == list(announced_years())
        assert seed_calendar(work) == []
    with process_engine.read() as work:
        stored = read_calendar(work)
        assert stored.version == announced_calendar().version
        assert stored.days == announced_calendar().days
        assert [each.year for each in list_years(work)] == list(announced_years())
    with process_engine.read() as work:
        assert read_calendar(work) is stored  # nothing has changed


def test_seeding_keeps_what_a_person_entered(administrator: World) -> None:
    who = administrator["administrator"]
    with administrator.process_engine.begin(by=who.id) as work:
        set_day(work, who, FREE, is_workday=False, name_zh="停电", name_en="", source="甲发〔2022〕1号")
    with administrator.process_engine.begin() as work:  # the software forgets the year, and learns it again
        work.connection.execute(sa.delete(work_year).where(work_year.c.year == 2022))
        work.connection.execute(sa.delete(work_day).where(work_day.c.day == date(2022, 10, 1)))
        assert seed_calendar(work) == [2022]
        assert not read_calendar(work).is_workday(FREE)
        assert not read_calendar(work).is_workday(date(2022, 10, 1))


def test_a_day_is_decided_and_taken_back_and_others_see_it_at_once(administrator: World) -> None:
    engine, who = administrator.process_engine, administrator["administrator"]
    with engine.read() as work:
        assert read_calendar(work).is_workday(FREE)
    with engine.begin(by=who.id) as work:
        set_day(work, who, FREE, is_workday=False, name_zh="停电", name_en="Power cut", source="甲发〔2022〕1号")
        assert not read_calendar(work).is_workday(FREE)
    with engine.read() as work:
        assert read_calendar(work).describe(FREE).name == ("停电", "Power cut")
        [line] = [each for each in list_decided(work, 2022) if each.day == FREE]
        assert (line.origin, line.by, line.source) == ("person", who.name, "甲发〔2022〕1号")
    with engine.begin(by=who.id) as work:
        remove_day(work, who, FREE, source="甲发〔2022〕2号")
    with engine.read() as work:
        assert read_calendar(work).is_workday(FREE)
        changes = list_changes(work, 2022)
        assert [(each.kind, each.source, each.by) for each in changes[:2]] == [
            ("removed", "甲发〔2022〕2号", who.name),
            ("set", "甲发〔2022〕1号", who.name),
        ]
        after = {"is_workday": False, "name_zh": "停电", "name_en": "Power cut"}
        assert [list(each.days) for each in changes[:2]] == [
            [{"day": "2022-08-08", "before": after, "after": None}],
            [{"day": "2022-08-08", "before": None, "after": after}],
        ]


def test_what_is_refused_leaves_everything_as_it_was(administrator: World) -> None:
    engine, who = administrator.process_engine, administrator["administrator"]
    with pytest.raises(WorkdayInvalid) as refused, engine.begin(by=who.id) as work:
        set_day(work, who, date(1900, 1, 1), is_workday=True, name_zh=" ", name_en="", source="")
    assert [each.path for each in refused.value.findings] == ["day", "name_zh", "source"]
    with pytest.raises(WorkdayUnknown), engine.begin(by=who.id) as work:
        remove_day(work, who, FREE, source="甲发")
    with pytest.raises(NotPermitted), engine.begin() as work:
        set_day(work, administrator["organiser"], FREE, is_workday=False, name_zh="停电", name_en="", source="甲发")
    with engine.read() as work:
        assert work.connection.execute(sa.select(sa.func.count()).select_from(work_day_change)).scalar_one() == 0


def test_a_year_is_imported_as_previewed_and_makes_dates_firm(administrator: World) -> None:
    engine, who = administrator.process_engine, administrator["administrator"]
    own = date(YEAR, 10, 2)
    with engine.begin(by=who.id) as work:
        set_day(work, who, own, is_workday=True, name_zh="值班", name_en="On duty", source="甲发")
        assert read_calendar(work).add_workdays(date(YEAR, 9, 30), 1).provisional
    arrangement = read_arrangement(FILE.encode(), YEAR, source=SOURCE)
    with engine.read() as work:
        plan = plan_import(work, arrangement)
    assert len(plan.days) == 9
    assert [each.day for each in plan.days if each.kept] == [own]
    with pytest.raises(CalendarChanged), engine.begin(by=who.id) as work:
        import_year(work, who, arrangement, digest="0" * 64)
    with engine.begin(by=who.id) as work:
        import_year(work, who, arrangement, digest=plan.digest)
    with engine.read() as work:
        calendar = read_calendar(work)
        assert YEAR in calendar.years
        assert calendar.describe(own).name == ("值班", "On duty")
        assert calendar.describe(date(YEAR, 10, 10)).name == ("国庆节", "国庆节")
        assert not calendar.is_workday(date(YEAR - 1, 12, 31))
        found = calendar.add_workdays(date(YEAR, 9, 30), 2)
        assert not found.provisional
        assert len(plan_import(work, arrangement).changed) == 0
    with engine.begin(by=who.id) as work:  # a later arrangement without them
        import_year(work, who, read_arrangement(f"first,kind,name_zh\n{YEAR}-05-01,休,劳动节".encode(), YEAR, source="另文"))
        assert {each.day: each.origin for each in list_decided(work, YEAR)} == {date(YEAR, 5, 1): "import", own: "person"}


def test_what_the_software_knows_can_be_imported_again(small_world: World) -> None:
    known = read_announced(2022)
    assert known is not None
    with small_world.process_engine.read() as work:
        assert plan_import(work, known).days == ()  # before anything is written
    with small_world.process_engine.begin() as work:
        seed_calendar(work)
        work.connection.execute(sa.delete(work_day).where(work_day.c.day == date(2022, 10, 1)))
        assert [each.day for each in plan_import(work, known).changed] == [date(2022, 10, 1)]


def test_json_says_its_year_and_source() -> None:
    text = (
        f'{{"year": {YEAR}, "source": "{SOURCE}", "days": [{{"first": "{YEAR}-01-01", "kind": "holiday", "name_zh": "元旦"}}]}}'
    )
    found = read_arrangement(text.encode(), YEAR)
    assert (found.source, list(found.days)) == (SOURCE, [date(YEAR, 1, 1)])
    with pytest.raises(ArrangementInvalid) as refused:
        read_arrangement(text.encode(), YEAR - 1)
    assert [each.code for each in refused.value.findings] == ["ArrangementOtherYear", "ArrangementDayElsewhere"]


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"", ["ArrangementColumns"]),
        (b"first,kind,name_zh\n", ["ArrangementEmpty"]),
        (b"\xff\xfe", ["ArrangementNotText"]),
        (b"{", ["ArrangementNotRead"]),
        (b"[1]", ["ArrangementNotRead"]),
        (b"x" * 200_001, ["ArrangementTooLarge"]),
        (
            b"first,last,kind,name_zh\n2022-13-01,,rest,\n",
            ["ArrangementDayUnreadable"] * 2 + ["ArrangementKind", "WorkdayNameMissing"],
        ),
        ("first,last,kind,name_zh\n2022-10-02,2022-10-01,休,国庆\n".encode(), ["ArrangementDaysTurned"]),
        ("first,kind,name_zh\n2022-10-02,休,国庆\n2022-10-02,班,国庆\n".encode(), ["ArrangementDayTwice"]),
        ("first,kind,name_zh\n2023-10-02,休,国庆\n2021-11-30,班,国庆\n".encode(), ["ArrangementDayElsewhere"] * 2),
    ],
)
def test_faults_of_a_file_are_told_all_at_once(content: bytes, codes: list[str]) -> None:
    with pytest.raises(ArrangementInvalid) as refused:
        read_arrangement(content, 2022, source=SOURCE)
    assert [each.code for each in refused.value.findings] == codes


def test_a_file_without_source_is_refused() -> None:
    with pytest.raises(ArrangementInvalid) as refused:
        read_arrangement(FILE.encode(), YEAR)
    assert [each.path for each in refused.value.findings] == ["source"]
