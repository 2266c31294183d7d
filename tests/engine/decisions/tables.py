"""DMN files for tests: one table per file, written in a few characters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from engine.decisions import Decided, decide, read_decisions

HEAD = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="file" name="file" namespace="http://example.org/test">'
)


def table(*rules: str, policy: str = "UNIQUE", inputs: str = "score", outputs: str = "grade", aggregation: str = "") -> bytes:
    """The decision `grading`. A rule is its cells, inputs before outputs, separated by ` | `; names by blanks."""
    return (
        f"{HEAD}{decision(*rules, policy=policy, inputs=inputs, outputs=outputs, aggregation=aggregation)}</definitions>".encode()
    )


def decision(
    *rules: str,
    key: str = "grading",
    policy: str = "UNIQUE",
    inputs: str = "score",
    outputs: str = "grade",
    aggregation: str = "",
    requires: str = "",
) -> str:
    """One decision with a table."""
    columns = inputs.split()
    more = f' aggregation="{aggregation}"' if aggregation else ""
    text = f'<decision id="{key}" name="{key}">'
    text += "".join(
        f'<informationRequirement id="r_{name}"><requiredDecision href="#{name}"/></informationRequirement>'
        for name in requires.split()
    )
    text += f'<decisionTable id="{key}_table" hitPolicy="{policy}"{more}>'
    text += "".join(f'<input id="i_{name}"><inputExpression><text>{name}</text></inputExpression></input>' for name in columns)
    text += "".join(f'<output id="o_{name}" name="{name}"/>' for name in outputs.split())
    for number, rule in enumerate(rules, 1):
        cells = "".join(
            f'<{kind} id="{kind}_{number}_{place}"><text>{escape(cell.strip())}</text></{kind}>'
            for place, cell in enumerate(rule.split(" | "))
            for kind in ("inputEntry" if place < len(columns) else "outputEntry",)
        )
        text += f'<rule id="rule_{number}">{cells}</rule>'
    return text + "</decisionTable></decision>"


def ask(xml: bytes, variables: Mapping[str, Any], key: str = "grading") -> Decided:
    """The result of a decision of a file that must be right."""
    read = read_decisions(xml)
    assert read.findings == ()
    return decide(read.decisions, key, variables)
