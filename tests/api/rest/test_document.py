"""The document is OpenAPI 3.1, tells every route, and says everything in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from api.rest import RESOURCES
from api.rest.document import list_statuses
from api.rest.operations import Resource
from api.rest.shapes import Told
from engine.texts import Catalogue

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS = [operation for resource in RESOURCES for operation in resource.operations]


@pytest.fixture
def document(call: Any) -> dict[str, Any]:
    found: dict[str, Any] = call().get("/openapi.json").get_json()
    return found


def test_it_is_valid(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="not installed: python3 run.py setup")
    validator.validate(document, cls=validator.OpenAPIV31SpecValidator)
    assert document["openapi"] == "3.1.0"


def test_it_tells_every_route_and_no_other(document: dict[str, Any], place: Any) -> None:
    routed = {
        (rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in place.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
        for method in rule.methods - {"HEAD"}
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == routed
    assert len(OPERATIONS) == len(routed)


def test_every_operation_tells_its_faults_as_problem_details(document: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        path = "/api/v1" + operation.path.replace("<path:", "<").replace("<", "{").replace(">", "}")
        answers = document["paths"][path][operation.method.lower()]["responses"]
        faults = {int(status) for status in answers if int(status) >= 400}
        assert faults == set(list_statuses(operation)) >= {400, 401, 422, 500, 503}
        for status in faults:
            assert list(answers[str(status)]["content"]) == ["application/problem+json"], operation.name


def test_every_operation_has_words_and_every_acting_one_a_proof() -> None:
    texts = Catalogue("engine", "workflows", "api")
    for operation in OPERATIONS:
        assert texts.say(f"rest.{operation.name}", "zh") != texts.say(f"rest.{operation.name}", "en")
        assert operation.public <= (operation.method == "GET" or operation.name == "consultations.comment")


def test_a_post_without_a_key_cannot_be_declared() -> None:
    with pytest.raises(AssertionError, match="every POST acts, and once"):

        @Resource("faulty").post("/somewhere", Told)
        def act_twice() -> None:
            """No key."""


def test_the_page_lists_every_operation_in_both_languages(place: Any) -> None:
    for language, word in (("zh", "程序接口"), ("en", "REST interface")):
        page = place.client(language=language).get("/api").get_data(as_text=True)
        assert f"<h1>{word}</h1>" in page
        assert sum(page.count(f"<code>{method} /api/v1/") for method in METHODS) == len(OPERATIONS)
