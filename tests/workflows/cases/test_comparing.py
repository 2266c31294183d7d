"""Versions side by side: fields, words of texts, rows, files; nothing that the reader may not see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.test_cases import PNG
from tests.workflows.world import SCAN, World
from workflows.cases import Piece, compare_texts, compare_versions


def pieces(before: str, after: str) -> list[tuple[str, str]]:
    return [(piece.what, piece.text) for piece in compare_texts(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("服务企业二百家。", "服务企业三百家。", [("same", "服务企业"), ("removed", "二"), ("added", "三"), ("same", "百家。")]),
        ("费用 1200 元", "费用 1250 元", [("same", "费用 "), ("removed", "1200"), ("added", "1250"), ("same", " 元")]),
        ("open data", "open shared data", [("same", "open "), ("added", "shared "), ("same", "data")]),
        ("甲的乙", "丙的丁", [("removed", "甲的乙"), ("added", "丙的丁")]),
        ("", "新", [("added", "新")]),
    ],
)
def test_texts_are_compared_by_words(before: str, after: str, found: list[tuple[str, str]]) -> None:
    assert pieces(before, after) == found


@given(st.text("甲乙丙的 ab1。\n", max_size=60), st.text("甲乙丙的 ab1。\n", max_size=60))
def test_pieces_give_both_texts_back(before: str, after: str) -> None:
    found = compare_texts(before, after)
    assert "".join(piece.text for piece in found if piece.what != "added") == before
    assert "".join(piece.text for piece in found if piece.what != "removed") == after


def test_very_long_texts_are_compared_by_sentences() -> None:
    before = "".join(f"第{number}句说明做法。" for number in range(1500))
    found = compare_texts(before, before.replace("第7句", "第柒句"))
    assert [piece for piece in found if piece.what != "same"] == [
        Piece("removed", "第7句说明做法。"),
        Piece("added", "第柒句说明做法。"),
    ]


def test_two_versions_of_an_application(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    first = [world.upload("lab", task_id, PNG, file=name, field="attachments") for name in ("证书.png", "照片.png")]
    rows = [{"name": "服务企业", "value": "120", "unit": "家"}, {"name": "节约", "value": "3", "unit": "万元"}]
    sent = world.application("lab", task_id, attachments=first, indicators=rows, practice="建立平台。")
    world.complete("lab", task_id, sent)
    world.settle()
    world.audit("east_auditor", case_id, "return", "请修改")
    task_id = world.find_task("correct", case_id)
    second = [world.upload("lab", task_id, PNG + b"1", file=name, field="attachments") for name in ("照片.png", "新证书.png")]
    scan = world.upload("lab", task_id, SCAN + b"\n", file="重新盖章.pdf")
    changed = [{"name": "服务企业", "value": "200", "unit": "家"}, rows[1], {"name": "培训", "value": "9", "unit": "次"}]
    again = world.application("lab", task_id, attachments=second, seal_scan=[scan], indicators=changed, practice="建立共享平台。")
    world.complete("lab", task_id, again)
    world.settle()
    view = world.view("organiser", case_id)
    old, new = view.versions
    found = {each.field.key: each for each in compare_versions(old, new)}
    assert set(found) == {"practice", "indicators", "attachments", "seal_scan"}
    assert [(piece.what, piece.text) for piece in found["practice"].pieces] == [
        ("same", "建立"),
        ("added", "共享"),
        ("same", "平台。"),
    ]
    assert [row.what for row in found["indicators"].rows] == ["changed", "same", "added"]
    (cell,) = found["indicators"].rows[0].cells.items()  # the value alone; name and unit stayed
    assert (cell[0], [(piece.what, piece.text) for piece in cell[1]]) == ("value", [("removed", "120"), ("added", "200")])
    files = {
        key: [(each.what, each.before and each.before["name"], each.after and each.after["name"]) for each in found[key].files]
        for key in ("attachments", "seal_scan")
    }
    assert files == {
        "attachments": [("removed", "证书.png", None), ("changed", "照片.png", "照片.png"), ("added", None, "新证书.png")],
        "seal_scan": [("changed", "盖章.pdf", "重新盖章.pdf")],
    }
    assert compare_versions(new, new) == ()
