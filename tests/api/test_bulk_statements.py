"""What a preview of many tasks asks the database for does not grow with the tasks."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.rest.test_bulk import send_applications
from tests.api.world import Place
from workflows.inbox import previewing
from workflows.inbox.previewing import preview_many
from workflows.tables import case
from workflows.talk import watch_case


def count_statements(place: Place, who: str, action: str, task_ids: list[str], able: int) -> int:
    """Statements of one preview, of which so many tasks can be done."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(place.engine.database, "before_cursor_execute", note)
    try:
        with place.engine.read(by=place.people[who]) as work:
            assert preview_many(work, place.person(who), action, task_ids).able == able
    finally:
        sa.event.remove(place.engine.database, "before_cursor_execute", note)
    return len(sent)


def test_statements_of_a_preview_grow_with_parts_and_only_for_returns_with_tasks(
    place: Place, application: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = send_applications(place, 5, {key: value for key, value in application.items() if "." not in key})
    with place.engine.begin(by=place.people["organiser"]) as work:
        for case_id in work.connection.execute(sa.select(case.c.id)).scalars().all():
            watch_case(work, place.person("organiser"), case_id)
    for who, action, growth in (
        ("auditor", "claim", 0),
        ("auditor", "complete", 0),
        ("auditor", "transfer", 0),
        ("organiser", "urge", 0),
        ("auditor", "return", 3),
    ):
        two, five = (count_statements(place, who, action, audits[:count], count) for count in (2, 5))
        assert five <= two + 3 * growth, action
    whole = count_statements(place, "auditor", "transfer", audits, 5)
    monkeypatch.setattr(previewing, "PART", 2)
    assert count_statements(place, "auditor", "transfer", audits, 5) == whole + 2 * 2 * 3  # two more parts, twice, of three
