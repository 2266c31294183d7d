"""Finding by a text: whatever has it is among what is found, on both databases, in words of one letter and of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine.work import ProcessEngine
from tests.workflows.test_plans import empty
from tests.workflows.world import World
from workflows import cases, inbox, search
from workflows.search import find_text, write_number, write_organisation
from workflows.tables import search_entry

TITLES = {
    "n-1": "水质检测百分之50%案例",
    "n-2": "CMA-2022 检验检测 ÄÖ",
    "n-3": "消防产品检验",
    "n-4": "",
    "n-5": "𰻝面与食品",  # a sign of a newer Unicode than SQLite's
    "n-6": "İstanbul ß Straße Σίσυφος",  # letters that become two, or differ at the end of a word
}
TEXTS = ["检测", "检", "测", "例", "品", "检验检测", "验检", "cma", "CMA-20", "2022", "2 检", "50%", "%", "-", " ", "n-", "N-3"]
TEXTS += [
    "ä",
    "Äö",
    "没有",
    "ß",
    "istanbul",
    "σίσυφ",
    "品检",
    "𰻝",
    "𰻝面",
    "'",
    '"',
    "& |",
    "检:*",
    "检*",
    "NOT",
    "AND 检",
    "()",
]
TEXTS += ["\\", "x" * 500]
LETTERS = st.sampled_from("检测验品 -aB2Ä")


def write(process_engine: ProcessEngine) -> None:
    with process_engine.begin() as work:
        for number, title in TITLES.items():
            write_number(work, number, title)


def holding(text: str) -> set[str]:
    """What the databases' own comparison would find, taken wide."""
    return {number for number, title in TITLES.items() if text.lower() in number.lower() or text.lower() in title.lower()}


@pytest.mark.parametrize("text", TEXTS)
def test_whatever_has_a_text_is_found(found: Callable[[str], set[str] | None], text: str) -> None:
    numbers = found(text)
    assert numbers is None or numbers >= holding(text)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with empty(request.param, tmp_path_factory) as process_engine:
        write(process_engine)

        def find(text: str) -> set[str] | None:
            with process_engine.read() as work:
                all_of_it = find_text(work, text)
            return None if all_of_it is None else set(all_of_it.numbers)

        yield find


def test_few_letters_are_found_exactly(found: Callable[[str], set[str] | None]) -> None:
    assert [found(text) for text in ("检测", "测", "品检", "消防", "𰻝面")] == [
        {"n-1", "n-2"},
        {"n-1", "n-2"},
        {"n-3"},
        {"n-3"},
        {"n-5"},
    ]
    assert [found(text) for text in ("-", "", "%")] == [None, None, None]


@given(
    text=st.text(st.sampled_from("检测验品 -aB2Ä"), min_size=1, max_size=4),
    title=st.text(st.sampled_from("检测验品 -aB2Ä"), max_size=9),
)
def test_a_part_has_no_pair_that_the_whole_lacks(text: str, title: str) -> None:
    words = search._split([title])
    asked = {pair for run in search._runs(text) for pair in search._pairs_of_text(run)}
    if text in title:
        assert all(pair in words if len(pair) == 2 else any(word.startswith(pair) for word in words) for pair in asked)


def test_what_is_written_again_is_found_by_the_new_alone(process_engine: ProcessEngine) -> None:
    write(process_engine)
    with process_engine.begin() as work:
        write_number(work, "n-3", "计量")
        write_organisation(work, "o", "消防研究院")
    with process_engine.read() as work:
        assert find_text(work, "消防") == search.Found([], ["o"])
        assert find_text(work, "计量") == search.Found(["n-3"], [])
        assert work.connection.execute(sa.select(sa.func.count()).select_from(search_entry)).scalar_one() == len(TITLES) + 1


def test_much_is_not_worth_the_index(process_engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(process_engine)
    monkeypatch.setattr(search, "MANY", 1)
    with process_engine.read() as work:
        assert find_text(work, "检测") is None
        assert find_text(work, "消防") == search.Found(["n-3"], [])


@pytest.mark.parametrize("many", [2000, 0])
@pytest.mark.parametrize("reach", [500, 1])
def test_lists_find_the_same_by_the_index_and_on_the_way(
    small_world: World, monkeypatch: pytest.MonkeyPatch, many: int, reach: int
) -> None:
    world = small_world
    world.make_campaign()
    for title in ("水质检测案例", "消防产品", "特种设备检测"):
        world.apply("lab", title=title)
    monkeypatch.setattr(search, "MANY", many)
    for room in (inbox.listing, cases.listing):
        monkeypatch.setattr(room, "REACH", reach)
    whole = [1, 2, 3]
    expected = {
        "质": [1],
        "消防": [2],
        "备检": [3],
        "0002": [2],
        "心lab": whole,
        "检测": whole,
        "测特": [],
        "省级": whole,
        "征集": whole,
    }
    for text, places in expected.items():
        numbers = [f"samr-2022-000{place}" for place in places]
        with world.process_engine.read() as work:
            listed = cases.list_cases(work, world["organiser"], text=text).lines
            tasks = inbox.list_tasks(work, world["east_auditor"], view="groups", text=text).rows
            pages = [row.number for row in inbox.list_tasks(work, world["east_auditor"], view="groups", text=text, limit=1).rows]
        if text not in ("省级", "征集"):  # a case has no step, and its campaign is chosen, not typed
            assert [line.number for line in listed] == numbers, text
        assert [row.number for row in tasks if row.number] == numbers, text
        assert text == "征集" or pages == numbers[:1], text
