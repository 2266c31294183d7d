"""The plan of the pictures is that of the pages: a new one is named, or left out with a reason."""

from __future__ import annotations

import re
from typing import Any

from api.cli.pictures.plan import NO_PAGE, PLAN, STATES


def test_every_page_has_a_picture_or_a_reason(shared_place: Any) -> None:
    rules = {rule.endpoint: rule for rule in shared_place.app.url_map.iter_rules() if "GET" in rule.methods}
    stars = tuple(name.removesuffix("*") for name in NO_PAGE if name.endswith("*"))
    left = {name for name in rules if name not in NO_PAGE and not name.startswith(stars)}
    assert left == set(PLAN)
    assert {name for name in NO_PAGE if not name.endswith("*")} <= set(rules)
    assert all(view.endpoint in PLAN for view in STATES.values())
    for name, view in {**PLAN, **STATES}.items():
        assert set(view.arguments) == rules[view.endpoint or name].arguments, name


def test_reasons_are_said() -> None:
    assert all(re.fullmatch(r"\S.+\S", reason) for reason in NO_PAGE.values())
