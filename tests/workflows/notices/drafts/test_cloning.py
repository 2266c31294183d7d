"""A notice cloned for the next year, and versions compared."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.model import list_drawn
from tests.workflows.notices.drafts.conftest import KEY, Office
from workflows.notices import bundled_notices, check_folder, read_notice
from workflows.notices.drafts import (
    Change,
    DraftKeyRefused,
    clone_notice,
    compare_folders,
    get_draft,
    move_notice,
    read_files,
)
from workflows.notices.drafts.cloning import move_date, move_year
from workflows.notices.drafts.comparing import compare_values

FILES = bundled_notices()[KEY]


@pytest.mark.parametrize("key", sorted(bundled_notices()))
def test_every_bundled_notice_can_be_cloned(key: str) -> None:
    moved = move_notice(bundled_notices()[key], key="next_call", number="某文〔2023〕1号", years=1)
    assert [found for found in check_folder(moved) if found.severity == "error"] == []
    before, after = read_notice(bundled_notices()[key]), read_notice(moved)
    assert after.key == "next_call" and after.document.number is not None and after.document.number.value == "某文〔2023〕1号"
    assert {date.source for date in after.dates.values()} <= {"ours"}
    assert list(after.dates) == list(before.dates)
    assert after.result == {} and after.recurrence["cloned_from"].value == key


def test_a_clone_moves_dates_and_renames_processes_only() -> None:
    moved = move_notice(FILES, key="samr_2023", number=None, years=1)
    notice = read_notice(moved)
    assert notice.dates["collection_cutoff"].model_dump(exclude_unset=True) == {
        "kind": "day",
        "value": date(2023, 8, 10),
        "source": "ours",
    }
    assert notice.document.issued_on is not None and notice.document.issued_on.value == date(2023, 7, 1)
    assert notice.document.number is not None and notice.document.number.value is None
    changed = {each.path: each for each in compare_folders(FILES, moved)}
    assert set(changed) == {"notice.yaml", "campaign.bpmn", "case.bpmn"}
    named = {each.id: each.what for each in changed["case.bpmn"].elements if each.what != "changed"}
    assert named == {f"{KEY}_case": "removed", "samr_2023_case": "added"}
    assert [each.id for each in changed["case.bpmn"].elements if each.what == "changed"] == [f"participant_{KEY}_case"]
    before, after = list_drawn(FILES["case.bpmn"]), list_drawn(moved["case.bpmn"])
    assert before is not None and after is not None and len(before) == len(after)


def test_a_clone_needs_a_key_of_its_own(plain_office: Office) -> None:
    office = plain_office
    with office.engine.begin() as work:
        for key in (KEY, "Samr", "1st", "", "a b"):
            with pytest.raises(DraftKeyRefused):
                clone_notice(work, office["designer"], office.notice_id, key=key, number=None, years=1)
        draft = clone_notice(work, office["designer"], office.notice_id, key="samr_2023", number=None, years=1)
        assert (get_draft(work, draft).key, get_draft(work, draft).base_key) == ("samr_2023", KEY)
        assert read_notice(read_files(work, draft, 1)).key == "samr_2023"
        with pytest.raises(DraftKeyRefused):
            clone_notice(work, office["designer"], office.notice_id, key="samr_2023", number=None, years=1)


@pytest.mark.parametrize(
    ("value", "later"),
    [
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2022, 8, 10), date(2023, 8, 10)),
        ("2023-06", "2024-06"),
        ("2023-H1", "2024-H1"),
        ("2022-08-10T17:00+08:00", "2023-08-10T17:00+08:00"),
        ("2024-02-29T17:00", "2025-02-28T17:00"),
        ("middle", "middle"),
        (4, 4),
    ],
)
def test_years_move(value: Any, later: Any) -> None:
    assert move_year(value, 1) == later


def test_candidates_move_too() -> None:
    value = {"kind": "unknown", "candidates": [{"kind": "day", "value": date(2021, 4, 30)}], "source": "notice", "words": "4月"}
    assert move_date(value, 2) == {
        "kind": "unknown",
        "candidates": [{"kind": "day", "value": date(2023, 4, 30), "source": "ours"}],
        "source": "ours",
    }


def test_values_are_compared_by_key_or_place() -> None:
    before = {"a": 1, "list": [{"key": "x", "n": 1}, {"key": "y", "n": 2}], "plain": [1, 2], "day": date(2022, 1, 1)}
    after = {"b": 1, "list": [{"key": "y", "n": 3}, {"key": "x", "n": 1}], "plain": [1, 3], "day": "2022-01-01"}
    assert list(compare_values(before, after)) == [
        Change("a", "1", None),
        Change("list[y].n", "2", "3"),
        Change("list", "x, y", "y, x"),
        Change("plain[1]", "2", "3"),
        Change("b", None, "1"),
    ]


def test_diagrams_are_compared_by_elements() -> None:
    xml = FILES["case.bpmn"]
    after = xml.replace(
        b'<dc:Bounds x="450" y="210" width="100" height="80" />', b'<dc:Bounds x="451" y="210.0" width="100" height="80"/>'
    )
    after = after.replace("省级审核".encode(), "省级初审".encode()).replace(b'value="return transfer"', b'value="return"')
    after = after.replace(b"P10D", b"P12D")
    (change,) = compare_folders({"case.bpmn": xml}, {"case.bpmn": after})
    assert change.moved == ("填写申报材料",)
    told = {
        each.id: (each.what, each.name, [(value.path, value.before, value.after) for value in each.values])
        for each in change.elements
    }
    assert set(told) == {"audit", "supplement_overdue_timer"}
    assert told["audit"][:2] == ("changed", "省级初审")
    assert ("name", "省级审核", "省级初审") in told["audit"][2]
    assert told["supplement_overdue_timer"][2] == [("timeDuration", "P10D", "P12D")]
    spelt = xml.replace(b"bpmn:", b"b:").replace(b"xmlns:bpmn=", b"xmlns:b=").replace(b'xsi:type="b:', b'xsi:type="b:')
    assert compare_folders({"case.bpmn": xml}, {"case.bpmn": spelt}) == ()
    (change,) = compare_folders({"case.bpmn": xml}, {"case.bpmn": b"<no"})
    assert (change.what, change.elements) == ("changed", ())
