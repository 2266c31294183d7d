"""A form as a pydantic model: typed data and a JSON schema, with the validation of `Form.parse`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from workflows.forms import Form


def test_data_are_typed(form: Form, filled: dict[str, Any]) -> None:
    made = form.model.model_validate({**filled, "day": "2022-08-10", "share": "0.5", "rows": [{"name": "批次", "value": 1}]})
    values = {name.removeprefix("f_"): value for name, value in made}
    assert (values["day"], values["share"], values["count"]) == (date(2022, 8, 10), Decimal("0.50"), 3)
    assert values["rows"][0].f_value == Decimal("1.0")


def test_all_faults_of_the_form_are_its_faults(form: Form) -> None:
    with pytest.raises(ValidationError) as caught:
        form.model.model_validate({"title": "", "rows": [{"value": "x"}], "nonsense": 1})
    assert {(fault["loc"], fault["type"]) for fault in caught.value.errors()} == {
        (("nonsense",), "FieldUnknown"),
        (("title",), "FieldRequired"),
        (("fields",), "FieldRequired"),
        (("reason",), "FieldRequired"),
        (("rows", 0, "value"), "FieldNotNumber"),
        (("rows", 0, "name"), "FieldRequired"),
        (("promise",), "FieldMustBeTicked"),
    }


def test_the_schema_names_fields_limits_and_options(form: Form) -> None:
    schema = form.model.model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"title", "fields", "promise"}
    assert schema["properties"]["title"]["title"] == "题目"
    assert "10" in schema["properties"]["title"]["description"]
    assert schema["properties"]["kind"]["anyOf"][0]["enum"] == ["a", "other"]
    assert schema["properties"]["count"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert "unit" not in schema["properties"]
