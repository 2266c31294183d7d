"""Attribute texts: literal text with `${…}` parts, as in `auditor@${body}`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.errors import Finding
from engine.expressions.language import Expression, parse
from engine.expressions.problems import ExpressionFailed, ExpressionRefused
from engine.expressions.reading import refuse, split_wrapped
from engine.expressions.values import MAX_TEMPLATE, MAX_TEXT, Fault, to_text


class Template:
    """A compiled attribute text: immutable, shared by all threads.

    `text` is what the designer wrote, `names` the variables its expressions may ask for. `literal` says that it has no
    expression, so that its value is always `text`.
    """

    __slots__ = ("_parts", "literal", "names", "text")

    def __init__(self, text: str, parts: tuple[tuple[str | Expression, int], ...]) -> None:
        self.text = text
        self._parts = parts
        expressions = [part for part, _ in parts if isinstance(part, Expression)]
        self.literal = not expressions
        self.names: frozenset[str] = frozenset().union(*(part.names for part in expressions))

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The raw value of the expression when the whole text is one `${…}`, else a text.

        Raises `VariableMissing`, and `ExpressionFailed` also when a part of a longer text is null, a list or a mapping: a
        group or an address with a hole in it reaches nobody.
        """
        if len(self._parts) == 1:
            part, _ = self._parts[0]
            return part if isinstance(part, str) else part.evaluate(variables)
        texts: list[str] = []
        for part, position in self._parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            try:
                texts.append(to_text(part.evaluate(variables)))
            except Fault as fault:
                reason = Finding(fault.code, values=fault.values)
                raise ExpressionFailed(text=self.text, position=position, reason=reason) from None
        result = "".join(texts)
        if len(result) > MAX_TEXT:
            reason = Finding("expression_result_too_large", values={"limit": MAX_TEXT})
            raise ExpressionFailed(text=self.text, position=1, reason=reason)
        return result


@lru_cache(maxsize=2048)
def parse_template(text: str) -> Template:
    """Read and check an attribute text.

    Raises `ExpressionRefused` for a part that is not closed or not an expression.
    """
    if len(text) > MAX_TEMPLATE:
        raise refuse(text, MAX_TEMPLATE, "expression_too_long", limit=MAX_TEMPLATE)
    stripped = text.strip()
    shift = text.index(stripped) if stripped else 0
    if not stripped.startswith(("${", "#{")) or len(list(split_wrapped(stripped))) > 1:
        stripped, shift = text, 0  # blanks around a single expression do not make it a text
    parts: list[tuple[str | Expression, int]] = []
    for begin, end, wrapped in split_wrapped(stripped):
        if not wrapped:
            parts.append((stripped[begin:end], begin + shift + 1))
            continue
        try:
            parts.append((parse(stripped[begin:end]), begin + shift + 1))
        except ExpressionRefused as problem:
            position = problem.values["position"] + begin + shift
            raise ExpressionRefused(text=text, position=position, reason=problem.values["reason"]) from None
    return Template(text, tuple(parts) or (("", 1),))
