"""The track of a campaign's page: phases that its diagrams draw, and no others."""

from __future__ import annotations

import pytest

from api.pages.campaigns import track_phases
from engine.model import read_diagram
from workflows.notices import bundled_notices


def drawn(notice: str) -> frozenset[str]:
    """The handlers that a bundled notice's diagrams name."""
    named: set[str] = set()
    for path, content in bundled_notices()[notice].items():
        if path.endswith(".bpmn"):
            definition = read_diagram(content, name=path).definition
            assert definition is not None
            named |= definition.handlers
    return frozenset(named)


@pytest.mark.parametrize(
    ("notice", "phases"),
    [
        ("samr_2022_932", "prepared collecting reviewing selecting consulting publishing published"),
        ("hubei_2023", "prepared collecting publishing published"),
        ("jiangxi_2022", "prepared collecting selecting publishing published"),
    ],
)
def test_only_what_is_drawn_is_shown(notice: str, phases: str) -> None:
    assert [stage for stage, _ in track_phases(drawn(notice), "prepared")] == phases.split()


def test_where_it_stands() -> None:
    whole, few = drawn("samr_2022_932"), drawn("hubei_2023")
    assert [state for _, state in track_phases(whole, "selecting")] == ["done", "done", "done", "now", "", "", ""]
    assert [state for _, state in track_phases(few, "reviewing")] == ["done", "done", "now", ""]  # not drawn: the next one
    assert {state for _, state in track_phases(few, "ended")} == {"done"}
