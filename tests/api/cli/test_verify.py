"""`verify`: what an auditor runs on a database or its copy."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from .conftest import Call


def test_a_whole_history_and_a_broken_one(call: Call, model_place: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(model_place[0] / "linxuan.sqlite3")) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
    before = file.read_bytes()
    whole = call("verify", "--database", file)
    assert whole.code == 0
    assert "rows of 1 process instances: every chain is whole" in whole.out and "Nothing is sealed" in whole.out
    found = json.loads(call("verify", "--database", file, "--json").out)
    assert (found["instances"], found["broken"], found["sealed"]) == (1, None, 0)
    assert file.read_bytes() == before
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE history SET kind = 'returned' WHERE seq = 2")
    broken = call("verify", "--database", file, "--lang", "zh")
    assert broken.code == 1
    assert "（t2022）第 2 条，元素 issue_notice：记录（或实例所记的链尾）与哈希不符" in broken.out
    told = json.loads(call("verify", "--database", file, "--json").out)["broken"]
    assert (told["business_key"], told["seq"], told["element_id"], told["reason"]) == ("t2022", 2, "issue_notice", "changed")


def test_no_database_and_an_empty_one_are_no_proof(call: Call, tmp_path: Path) -> None:
    missing = call("verify", "--database", tmp_path / "none.sqlite3")
    assert missing.code == 1 and "There is no" in missing.err
    assert not (tmp_path / "none.sqlite3").exists()
    sqlite3.connect(tmp_path / "empty.sqlite3").close()
    (tmp_path / "empty.sqlite3").touch()
    empty = call("verify", "--database", tmp_path / "empty.sqlite3")
    assert empty.code == 1 and "linxuan migrate" in empty.err
