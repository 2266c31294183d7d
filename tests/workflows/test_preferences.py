"""What people like is kept by person and name."""

from __future__ import annotations

from tests.workflows.world import World
from workflows.preferences import keep_preference, read_preference, read_preferences


def test_the_last_value_of_a_name_counts(world: World) -> None:
    first, second = world["lab"].id, world["works"].id
    with world.process_engine.begin() as work:
        assert read_preference(work, first, "a") is None
        for value in ({"x": 1}, ["y"]):
            keep_preference(work, first, "a", value)
        keep_preference(work, first, "b", [2])
        keep_preference(work, second, "a", [3])
        assert (read_preference(work, first, "a"), read_preference(work, first, "b")) == (["y"], [2])
        assert read_preferences(work, [first, second, "0" * 32], "a") == {first: ["y"], second: [3]}
