"""Remarks: who reads and writes them, whom they mention, and what is left of one that is retracted."""

from __future__ import annotations

import pytest

from engine.errors import Problem
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import World
from workflows import desk, talk
from workflows.people import create_person
from workflows.rules import CaseUnknown, NotPermitted, case_subject
from workflows.talk import RemarkInvalid, RemarkRetracted, RemarkUnknown


def say(world: World, name: str, case_id: str, text: str, **options: object) -> str:
    with world.process_engine.begin(by=world[name].id) as work:
        return talk.add_remark(work, world[name], case_id, text, **options)  # type: ignore[arg-type]


def heard(world: World, name: str, case_id: str) -> list[str]:
    with world.process_engine.read() as work:
        return [each.text for each in talk.list_remarks(work, world[name], case_id)]


def told(world: World, name: str) -> list[tuple[str, object]]:
    with world.process_engine.read() as work:
        rows = desk.list_notifications(work, world[name]).rows
    return [(row.kind, row.values.get("text")) for row in rows if row.kind not in desk.LETTERS]


def test_officials_of_body_and_organiser_talk_and_nobody_else_hears(world: World) -> None:
    case_id = world.apply("lab")
    say(world, "east_auditor", case_id, "数据出处要核实")
    say(world, "organiser", case_id, "同意")
    say(world, "east_auditor", case_id, "仅供本局参考", place_id=world.places["east"])
    assert heard(world, "east_colleague", case_id) == ["数据出处要核实", "同意", "仅供本局参考"]
    assert heard(world, "organiser", case_id) == ["数据出处要核实", "同意"]
    assert heard(world, "lab", case_id) == []
    assert heard(world, "west_auditor", case_id) == []
    with pytest.raises(NotPermitted):
        say(world, "lab", case_id, "好")
    with pytest.raises(CaseUnknown):
        say(world, "west_auditor", case_id, "好")
    with pytest.raises(RemarkInvalid) as refused:
        say(world, "east_auditor", case_id, " ", place_id=world.places["authority"])
    assert [each.code for each in refused.value.findings] == ["RemarkText", "RemarkPlace"]


def test_an_expert_of_the_case_neither_hears_nor_speaks(world: World) -> None:
    bring_to_review(world)
    expert = next(name for name, who in world.people.items() if any(role == "expert" for role, _ in who.memberships))
    with world.process_engine.begin() as work:
        ids = [each for each in work.connection.exec_driver_sql("SELECT case_id, expert_id FROM review").all()]
    case_id = next(case for case, who in ids if who == world[expert].id)
    say(world, "organiser", case_id, "内部意见")
    assert heard(world, expert, case_id) == []
    with pytest.raises(NotPermitted):
        say(world, expert, case_id, "好")


def test_who_is_named_is_told_and_who_may_not_read_it_is_refused_by_name(world: World) -> None:
    case_id = world.apply("lab")
    colleague, organiser = world["east_colleague"].name, world["organiser"].name
    say(world, "east_auditor", case_id, f"请@{colleague}看一下，邮箱 a@example.org")
    assert told(world, "east_colleague") == [("mention", f"请@{colleague}看一下，邮箱 a@example.org")]
    say(world, "east_auditor", case_id, "请看", mentions=[world["organiser"].id])
    assert told(world, "organiser") == [("mention", "请看")]
    for text, codes in (
        (f"@{world['lab'].name}", ["MentionUnknown"]),
        ("@不在这里 @也不在", ["MentionUnknown", "MentionUnknown"]),
    ):
        with pytest.raises(RemarkInvalid) as refused:
            say(world, "east_auditor", case_id, text)
        assert [each.code for each in refused.value.findings] == codes
    with pytest.raises(RemarkInvalid) as refused:
        say(world, "east_auditor", case_id, f"@{organiser}", place_id=world.places["east"], mentions=[world["lab"].id])
    assert [each.code for each in refused.value.findings] == ["MentionUnknown", "MentionStranger"]
    assert len(heard(world, "east_auditor", case_id)) == 2


def test_of_two_people_of_one_name_the_list_tells_which(world: World) -> None:
    case_id = world.apply("lab")
    with world.process_engine.begin() as work:
        other = create_person(
            work,
            login="namesake",
            name=world["east_colleague"].name,
            organisation_id=world.places["east"],
            roles=[("auditor", world.places["east"])],
        )
    text = f"@{world['east_colleague'].name}"
    with pytest.raises(RemarkInvalid) as refused:
        say(world, "east_auditor", case_id, text)
    assert [each.code for each in refused.value.findings] == ["MentionDoubtful"]
    say(world, "east_auditor", case_id, text, mentions=[other])
    assert told(world, "east_colleague") == []
    with world.process_engine.read() as work:
        assert other in {each.id for each in talk.list_talkers(work, case_subject(work, case_id))}


def test_watchers_are_told_as_far_as_they_may_read(world: World) -> None:
    case_id = world.apply("lab")
    for name in ("lab", "organiser", "east_colleague"):
        with world.process_engine.begin(by=world[name].id) as work:
            talk.watch_case(work, world[name], case_id)
    say(world, "east_auditor", case_id, "给大家")
    say(world, "east_auditor", case_id, "仅本局", place_id=world.places["east"])
    assert told(world, "organiser") == [("remark", "给大家")]
    assert told(world, "east_colleague") == [("remark", "仅本局"), ("remark", "给大家")]
    assert told(world, "lab") == []


def test_a_retracted_remark_keeps_its_trace_without_its_words(world: World) -> None:
    case_id = world.apply("lab")
    remark_id = say(world, "east_auditor", case_id, f"说错了 @{world['east_colleague'].name}")

    def retract(name: str, which: str = remark_id) -> type[Problem] | None:
        try:
            with world.process_engine.begin(by=world[name].id) as work:
                talk.retract_remark(work, world[name], case_id, which)
        except Problem as problem:
            return type(problem)
        return None

    assert retract("east_colleague") is NotPermitted
    assert retract("east_auditor", "0" * 32) is RemarkUnknown
    assert retract("lab") is NotPermitted
    assert retract("east_auditor") is None
    assert retract("east_auditor") is RemarkRetracted
    with world.process_engine.read() as work:
        (left,) = talk.list_remarks(work, world["east_colleague"], case_id)
    assert (left.text, left.mentions, left.author, left.retracted_at) == ("", (), world["east_auditor"].name, world.clock.now())
