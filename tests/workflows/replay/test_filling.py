"""A form is filled in as it asks, whatever it asks; what cannot be filled in is told by the form."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest

from workflows.forms import Form, FormInvalid
from workflows.notices import bundled_notices
from workflows.replay.filling import fill_form

FORMS = [(key, path) for key, files in bundled_notices().items() for path in sorted(files) if path.endswith(".form")]


def fill(form: Form, given: dict[str, Any]) -> dict[str, Any]:
    return fill_form(form, given, dice=random.Random(1), today=date(2022, 7, 1), upload=lambda field: f"file-{field.key}")


@pytest.mark.parametrize(("notice", "path"), FORMS)
def test_every_bundled_form_can_be_filled_in(notice: str, path: str) -> None:
    form = Form.load(bundled_notices()[notice][path], name=path)
    bound = form.bind({field.options_from: [("one", "一")] for field in form.fields if field.options_from})
    data = fill(bound, {})
    assert fill(bound, data) == data  # the form took it: nothing is missing any more


def component(kind: str, key: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "label": key, **more}


def form_of(*components: dict[str, Any]) -> Form:
    return Form.load({"type": "default", "id": "tried", "schemaVersion": 19, "components": list(components)})


def test_what_is_given_is_kept_as_far_as_the_form_has_it() -> None:
    choice = component("radio", "result", values=[{"value": "pass", "label": "通过"}], validate={"required": True})
    form = form_of(choice, component("textfield", "title", validate={"required": True, "maxLength": 10}))
    data = fill(form, {"result": "reject", "title": "演练", "elsewhere": 1})
    assert data == {"result": "pass", "title": "演练"}


def test_what_a_condition_asks_for_is_filled_in_too() -> None:
    more = component("textarea", "reason", properties={"required_if": "count > 1"}, validate={"minLength": 40})
    form = form_of(component("number", "count", validate={"required": True, "min": 2, "max": 2}), more)
    data = fill(form, {})
    assert data["count"] == "2" and form.parse(data)["reason"] == data["reason"]


def test_a_form_that_cannot_be_filled_in_says_so() -> None:
    form = form_of(component("textfield", "title", validate={"required": True, "maxLength": 2}))
    with pytest.raises(FormInvalid):
        fill(form, {"title": "太长的题目"})
