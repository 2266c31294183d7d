"""Sheets as files, read back: what spreadsheets must not calculate, moments, numbers, the end of a long list."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from api import lists
from api.lists import Cell, Sheet

TEXTS = ("=1+1", "+86 10", "-x", "@SUM(A1)", "\tx", " =1", "普通\n两行")
ROW: Sequence[Cell] = (*TEXTS, 7, Decimal("88.50"), None, datetime(2022, 7, 31, 16, tzinfo=UTC))


def sheet(*rows: Sequence[Cell]) -> Sheet:
    return Sheet("a/b", [f"c{place}" for place in range(len(ROW))], rows, "cut")


def read_csv(made: Sheet) -> list[list[str]]:
    content = b"".join(lists.write_csv(made))
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_csv_holds_no_formula() -> None:
    head, row = read_csv(sheet(ROW))
    assert head[0] == "c0"
    assert row[:6] == ["'=1+1", "'+86 10", "'-x", "'@SUM(A1)", "'\tx", "' =1"]
    assert row[6:] == ["普通\n两行", "7", "88.50", "", "2022-08-01 00:00:00"]


def test_xlsx_keeps_texts_as_texts() -> None:
    book = load_workbook(io.BytesIO(b"".join(lists.write_xlsx(sheet(ROW, ("\x00控制", -5))))))
    page = book.active
    assert page.title == "a b" and page.freeze_panes == "A2"
    head, row, last = page.iter_rows()
    assert head[0].font.bold
    assert [cell.data_type for cell in row] == ["s"] * 7 + ["n", "n", "n", "d"]
    assert [cell.value for cell in row[:6]] == list(ROW[:6])
    assert (row[7].value, row[8].value, row[10].value) == (7, 88.5, datetime(2022, 8, 1))  # noqa: DTZ001 - a cell has no zone
    assert (last[0].value, last[1].value) == ("控制", -5)
    assert page.max_column == len(ROW)


def test_a_long_list_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.lists.sheet.MOST_ROWS", 3)
    rows: list[Sequence[Cell]] = [(str(place),) for place in range(5)]
    assert read_csv(sheet(*rows))[1:] == [["0"], ["1"], ["2"], ["cut"]]
    assert read_csv(sheet(*rows[:3]))[1:] == [["0"], ["1"], ["2"]]
