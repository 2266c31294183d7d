"""Every reason why a step cannot be made has words in both languages, and tells the kind of conflict it is."""

from __future__ import annotations

import inspect

import pytest

from engine.errors import Finding, OperationNotSupported, Problem, StepFailed
from engine.texts import LANGUAGES, Catalogue
from engine.tokens import problems

VALUES = {"element": "a", "text": "x > 1", "name": "x", "limit": 10, "value": "?", "token": "3", "scope": "p", "activity": "b",
          "reason": Finding("expression_variable_missing", values={"name": "x"})}  # fmt: skip
CLASSES = [
    each
    for _, each in inspect.getmembers(problems, inspect.isclass)
    if issubclass(each, Problem) and each.__module__ == problems.__name__
]


@pytest.mark.parametrize("problem", CLASSES)
def test_a_problem_has_words(problem: type[Problem]) -> None:
    assert issubclass(problem, StepFailed | OperationNotSupported)
    words = Catalogue("engine")
    for language in LANGUAGES:
        assert "{" not in words.tell(problem(**VALUES), language)
