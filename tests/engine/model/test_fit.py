"""What does not fit where it is deployed: roles that nobody holds, dates that have passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engine.errors import Finding
from engine.model import Read, check_roles, check_timers
from engine.texts import Catalogue

NOW = datetime(2026, 7, 1, tzinfo=UTC)
CATCH = (
    '<startEvent id="s"/><intermediateCatchEvent id="t"><timerEventDefinition>{}</timerEventDefinition></intermediateCatchEvent>'
)


def told(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    words = Catalogue("engine")
    for found in findings:
        assert "{" not in words.tell(found, "zh").replace("${", "") + words.tell(found, "en").replace("${", "")
    return [(found.code, found.severity, found.element) for found in findings]


def test_groups_of_no_role(read_body: Callable[..., Read]) -> None:
    groups = {
        "a": "auditor@${body}",
        "b": "${examiners}",
        "c": "${role}@${body}",
        "d": "management",
        "e": "${role},boss@${body}",
        "f": "auditor@1, 2",
    }
    body = "".join(f'<userTask id="{key}" camunda:candidateGroups="{text}"/>' for key, text in groups.items())
    definition = read_body(body).definition
    assert definition is not None
    found = list(check_roles(definition, {"auditor", "organiser"}))
    assert told(found) == [("diagram_role_unknown", "warning", key) for key in "def"]
    assert [each.values["group"] for each in found] == ["management", "boss@${body}", "2"]


def test_dates_that_have_passed(read_body: Callable[..., Read]) -> None:
    timers = {
        "<timeDate>2026-06-30T24:00</timeDate>": True,
        "<timeDate>2026-07-01T08:01</timeDate>": False,
        "<timeDate>${when}</timeDate>": False,
        "<timeDuration>PT1H</timeDuration>": False,
        "<timeCycle>R3/2026-01-01T00:00/P1D</timeCycle>": True,
        "<timeCycle>R/2026-01-01T00:00/P1D</timeCycle>": False,
        "<timeCycle>R3/PT1H</timeCycle>": False,
    }
    for text, passed in timers.items():
        definition = read_body(CATCH.format(text) + '<sequenceFlow id="f" sourceRef="s" targetRef="t"/>').definition
        assert definition is not None, text
        expected = [("diagram_timer_passed", "warning", "t")] if passed else []
        assert told(list(check_timers(definition, NOW))) == expected, text


def test_start_events_of_processes_are_told_elsewhere(read_body: Callable[..., Read]) -> None:
    body = '<startEvent id="s"><timerEventDefinition><timeDate>2020-01-01T00:00</timeDate></timerEventDefinition></startEvent>'
    definition = read_body(body).definition
    assert definition is not None
    assert list(check_timers(definition, NOW)) == []
