"""What can be wrong with an expression, at deployment and when it is evaluated."""

from __future__ import annotations

from typing import Any

from engine.errors import Finding, Problem


class _ExpressionProblem(Problem):
    """A problem whose `reason` is a finding of its own, so that the catalogue words it in the reader's language."""

    def __str__(self) -> str:
        reason = self.values.get("reason")
        if not isinstance(reason, Finding):
            return super().__str__()
        details = ", ".join(f"{key}={value!r}" for key, value in reason.values.items())
        said = f"{reason.code} ({details})" if details else reason.code
        return f"{self.code}: {self.values['text']!r} at {self.values['position']}: {said}"


class ExpressionRefused(_ExpressionProblem):
    """The text is not an expression of the language.

    Values: `text`, `position` (1-based character), `reason` (a `Finding`).
    """

    def __init__(self, *, text: str, position: int, reason: Finding) -> None:
        super().__init__(text=text, position=position, reason=reason)


class ExpressionFailed(_ExpressionProblem):
    """The expression is right, but not with these values (a text is not a number, division by zero, ...).

    Values: `text`, `position` (1-based character), `reason` (a `Finding`).
    """

    kind = "internal"

    def __init__(self, *, text: str, position: int, reason: Finding, **values: Any) -> None:
        super().__init__(text=text, position=position, reason=reason, **values)


class VariableMissing(ExpressionFailed):
    """The expression names a variable (or a key of a mapping) that is not there. Value `name` is what was asked for."""

    def __init__(self, *, text: str, position: int, name: str) -> None:
        reason = Finding("expression_variable_missing", values={"name": name})
        super().__init__(text=text, position=position, reason=reason, name=name)
