"""Copies go to colleagues who handle the case, and are told."""

from __future__ import annotations

import pytest

from tests.workflows.world import World
from workflows import desk, talk
from workflows.rules import NotPermitted
from workflows.talk import CopyInvalid


def copy(world: World, name: str, case_id: str, *receivers: str, **options: str) -> int:
    with world.process_engine.begin(by=world[name].id) as work:
        return talk.copy_case(work, world[name], case_id, receivers, **options)


def test_a_copy_is_told_and_kept(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    assert copy(world, "east_auditor", case_id, world["east_colleague"].id, text="供参考", task_id=task_id) == 1
    with world.process_engine.read() as work:
        (line,) = talk.list_copies(work, world["organiser"], case_id)
        assert (line.sender, line.receiver) == (world["east_auditor"].name, world["east_colleague"].name)
        assert (line.text, line.step) == ("供参考", "省级审核")
        assert talk.list_copies(work, world["lab"], case_id) == []
        (row,) = [each for each in desk.list_notifications(work, world["east_colleague"]).rows if each.kind == "copy"]
    assert (row.task_id, row.case_id, row.by) == (task_id, case_id, world["east_auditor"].name)


def test_only_colleagues_who_may_read_it_get_one(world: World) -> None:
    case_id = world.apply("lab")
    for receivers, codes in (
        ((), ["CopyNobody"]),
        ((world["lab"].id,), ["CopyStranger"]),
        ((world["west_auditor"].id, world["organiser"].id), ["CopyStranger"]),
        ((world["east_auditor"].id,), ["CopyStranger"]),
    ):
        with pytest.raises(CopyInvalid) as refused:
            copy(world, "east_auditor", case_id, *receivers)
        assert [each.code for each in refused.value.findings] == codes
    with pytest.raises(NotPermitted):
        copy(world, "lab", case_id, world["east_auditor"].id)
