"""The plan of the pictures is that of the pages: a new one is named, or left out with a reason."""

from __future__ import annotations

import re
from typing import Any

from api.cli.pictures import MAIN, NO_PAGE, PLAN


def test_every_page_has_a_picture_or_a_reason(shared_place: Any) -> None:
    rules = {rule.endpoint: rule for rule in shared_place.app.url_map.iter_rules() if "GET" in rule.methods}
    stars = tuple(name.removesuffix("*") for name in NO_PAGE if name.endswith("*"))
    left = {name for name in rules if name not in NO_PAGE and not name.startswith(stars)}
    assert left == set(PLAN)
    assert {name for name in NO_PAGE if not name.endswith("*")} <= set(rules)
    assert set(MAIN) <= set(PLAN)
    for name, (_login, wanted) in PLAN.items():
        asked = {"campaign_id" if key in "abc" else key for key in wanted.split()}
        assert asked == rules[name].arguments, name


def test_reasons_are_said() -> None:
    assert all(re.fullmatch(r"\S.+\S", reason) for reason in NO_PAGE.values())
