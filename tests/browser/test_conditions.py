"""Fields that a condition hides go and come while one types; the script judges as the server does."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import sqlalchemy as sa

from engine.expressions import ExpressionFailed, parse, write_portable
from workflows.applications import first_task, start_application
from workflows.tables import notice

pytestmark = pytest.mark.browser

CONDITIONS = (
    'kind != "other"',
    "count > 3 and not agreed",
    "1 < count <= 2.5 or kind == null",
    "kind in ['a', 'other'] and 'x' in words",
    "'y' not in words",
    "agreed == true or count == 2",
    "words",
    "kind or count",
)
VALUES = {
    "kind": ("other", "a", None),
    "count": (None, 0, 2, 4),
    "agreed": (True, False),
    "words": ([], ["x"], ["x", "y"]),
}


def held(condition: str, values: dict[str, Any]) -> bool:
    """As `workflows.forms.form` judges: what cannot be told because something is empty does not hold."""
    try:
        return bool(parse(condition).evaluate(values))
    except ExpressionFailed:
        return False


def test_the_script_judges_as_the_server(site: Any) -> None:
    page = site.open()
    page.goto(site.address)
    cases = [dict(zip(VALUES, each, strict=True)) for each in itertools.product(*VALUES.values())]
    for condition in CONDITIONS:
        tree = write_portable(parse(condition))
        found = page.evaluate("([tree, cases]) => cases.map(values => window.holds(tree, name => values[name]))", [tree, cases])
        assert found == [held(condition, values) for values in cases], condition


def hide(form: dict[str, Any], key: str, condition: str) -> None:
    for part in form["components"]:
        if part.get("key") == key:
            part["conditional"] = {"hide": condition}
        if "components" in part:
            hide(part, key, condition)


def test_a_field_goes_and_comes_while_typing(site: Any) -> None:
    place = site.place
    with place.engine.begin() as work:
        row = work.connection.execute(sa.select(notice)).first()
        forms = json.loads(json.dumps(row.forms))
        hide(forms["application"], "background", '=institution_kind != "third_party_company"')
        hide(forms["application"], "practice", "=background == null")
        work.connection.execute(notice.update().where(notice.c.id == row.id).values(forms=forms))
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        task_id = first_task(work, start_application(work, who, place.campaign, channel="direct"))
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    background, practice = page.locator("#field_background"), page.locator("#field_practice")
    assert not background.is_visible() and not practice.is_visible()
    page.select_option("#field_institution_kind", "third_party_company")
    assert background.is_visible() and not practice.is_visible()
    background.fill("缺少检测能力。")
    assert practice.is_visible()
    page.select_option("#field_institution_kind", "other")
    assert not background.is_visible() and not practice.is_visible()
    plain = site.open("applicant", script=False)
    plain.goto(f"{site.address}/tasks/{task_id}")
    assert plain.locator("#field_background").is_visible()
