"""Where a file lies and what lies beside it, as each reader may know it."""

from __future__ import annotations

from tests.workflows.test_cases import PNG, bring_to_review
from tests.workflows.world import World
from workflows.files import FilePlace, find_place, list_attachments, open_attachment


def place(world: World, name: str, attachment_id: str) -> FilePlace:
    with world.process_engine.read(by=world[name].id) as work:
        return find_place(work, world[name], open_attachment(work, world[name], attachment_id))


def test_files_of_a_case_stand_beside_each_other(world: World) -> None:
    case_id = bring_to_review(world)
    with world.process_engine.read() as work:
        first, second = (each.id for each in list_attachments(work, world["lab"], case_id))
    for name in ("lab", "east_auditor", "organiser"):
        found = place(world, name, first)
        assert (found.case_id, found.number, found.task_id) == (case_id, "samr-2022-0001", None)
        places = [found.find_beside(each) for each in (first, second)]
        beside = [(number, before and before.id, after and after.id) for number, before, after in places]
        assert beside == [(1, None, second), (2, first, None)]
    with world.process_engine.read() as work:
        (proof,) = (each.id for each in list_attachments(work, world["lab"], case_id) if each.field == "attachments")
    found = place(world, "expert", proof)  # who reviews blind: a number for a name, and the scan is not there
    assert [each.name for each in found.files] == ["1.png"] and found.find_beside(proof) == (1, None, None)
    assert found.find_beside("0" * 32) == (0, None, None)


def test_a_file_of_an_open_task_leads_back_to_it(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    first, second = (world.upload("lab", task_id, PNG, file=name, field="attachments") for name in ("1.png", "2.png"))
    found = place(world, "lab", first)
    assert (found.case_id, found.task_id, found.step) == (case_id, task_id, "填写申报材料")
    assert [one and one.id for one in found.find_beside(first)[1:]] == [None, second]
