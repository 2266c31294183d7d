"""`backup`: a whole copy, checked, while others write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from api.cli import backup
from api.cli.backup import copy_database
from api.cli.faults import BackupBroken

from .conftest import Call


def test_a_copy_of_a_database_in_use_is_whole(tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite3"
    with closing(sqlite3.connect(source)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE pair (a INTEGER, b INTEGER)")
    stop, written = Event(), Event()

    def write() -> None:
        with closing(sqlite3.connect(source, timeout=10)) as connection:
            number = 0
            while not stop.is_set():
                with connection:
                    connection.execute("INSERT INTO pair VALUES (?, ?)", (number, -number))
                number += 1
                written.set()

    writer = Thread(target=write)
    writer.start()
    try:
        assert written.wait(10)
        copy_database(source, tmp_path / "copy.sqlite3")
    finally:
        stop.set()
        writer.join()
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) > 0, total(a + b) FROM pair").fetchone() == (1, 0.0)


def test_the_verb_never_writes_over_something(call: Call) -> None:
    assert call("migrate").code == 0
    first = call("backup", "copy.sqlite3")
    assert (first.code, "integrity" in first.out) == (0, True), first.err
    second = call("backup", "copy.sqlite3")
    assert second.code == 1
    assert "not overwritten" in second.err


def test_a_copy_that_fails_its_check_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source.sqlite3", tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(source)) as connection:
        connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    connect = sqlite3.connect

    def spoil(path: Path, *arguments: object, **options: object) -> sqlite3.Connection:
        if Path(path).name.endswith(".part"):
            data = bytearray(Path(path).read_bytes())
            data[4096 + 3 : 4096 + 8] = b"\xff" * 5
            Path(path).write_bytes(data)
        return connect(path, *arguments, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(backup.sqlite3, "connect", spoil)
    with pytest.raises(BackupBroken):
        copy_database(source, target)
    assert list(tmp_path.iterdir()) == [source]
