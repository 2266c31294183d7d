"""The measured growth: all parts are told, each as a ratio to its smallest, and a full disk is told before."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import growth, step
from benchmarks.databases import RoomMissing, need_room


def test_all_parts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "RETURNS", (0, 11))
    monkeypatch.setattr(growth, "PEOPLE", (2, 10))
    monkeypatch.setattr(step, "INSTANCES", 2)
    told = growth.run(["sqlite"], turns=1, steps=1, sizes=(300, 600))["sqlite"]
    assert set(told) == {"returns", "signers", "instances", *growth.VIEWS}
    assert list(told["returns"]) == ["0", "11"] and list(told["inbox"]) == ["300", "600"]
    for part, sizes in told.items():
        first = next(iter(sizes.values()))
        assert first["ratio"] == 1 and set(first) == {"ms", "cpu_ms", "ratio", "noise"}, part


def test_room_is_asked_for_before(tmp_path: Path) -> None:
    need_room(1, tmp_path)
    with pytest.raises(RoomMissing, match="1,099,511,627,776 MB are needed"):
        need_room(1 << 60, tmp_path)
