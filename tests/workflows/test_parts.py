"""Files that come in pieces: they go on from the last byte that is with us, whoever was killed, and belong to who began them."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import TaskAlreadyCompleted, TaskUnknown
from tests.workflows.world import World
from workflows import files
from workflows.files import (
    AttachmentFieldUnknown,
    FileEmpty,
    FileTooLarge,
    FileTypeRefused,
    PartDamaged,
    PartOffsetWrong,
    PartPieceTooLarge,
    PartsTooMany,
    PartUnknown,
    append_part,
    attachments,
    begin_part,
    drop_part,
    find_part,
    list_parts,
    open_attachment,
)
from workflows.files import parts as store
from workflows.tables import attachment

SCAN = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n"
DIGEST = hashlib.sha256(SCAN).hexdigest()


@pytest.fixture
def task(world: World) -> str:
    """The applicant's task."""
    return world.find_task("apply", world.open_case("lab"))


def begin(world: World, task: str, *, who: str = "lab", key: str = "seal_scan", **more: Any) -> files.Part:
    """The scan, announced."""
    given = {"name": "盖章.pdf", "size": len(SCAN), "mark": "1", **more}
    return begin_part(world.process_engine, world[who], task, key, **given)


def send(world: World, part: files.Part, offset: int, content: bytes, *, who: str = "lab") -> Any:
    """A piece of it."""
    return append_part(world.process_engine, world[who], part.task_id, part.id, offset=offset, content=content)


def count(world: World) -> int:
    with world.process_engine.read() as work:
        return int(work.connection.execute(sa.select(sa.func.count()).select_from(attachment)).scalar_one())


def list_files(world: World) -> list[str]:
    """What lies in the store, by ending."""
    root = Path(world.process_engine.extras["files"])
    return sorted(path.suffix for path in root.rglob("*") if path.is_file())


def test_a_file_comes_in_pieces(world: World, task: str) -> None:
    part = begin(world, task, sha256=DIGEST)
    assert part.offset == 0
    assert send(world, part, 0, SCAN[:4000])[0].offset == 4000
    again = begin(world, task, sha256=DIGEST)  # another window, or the same after a reload
    assert (again.id, again.offset) == (part.id, 4000)
    assert [(each.name, each.offset) for each in list_parts(world.process_engine, world["lab"], task)] == [("盖章.pdf", 4000)]
    done, kept = send(world, part, 4000, SCAN[4000:])
    assert (done.offset, kept.name, kept.sha256, kept.field) == (len(SCAN), "盖章.pdf", DIGEST, "seal_scan")
    with world.process_engine.read() as work:
        assert open_attachment(work, world["lab"], kept.id).path.read_bytes() == SCAN
    assert list_parts(world.process_engine, world["lab"], task) == []
    assert list_files(world) == ["", ".json"]


def test_the_last_answer_was_lost(world: World, task: str) -> None:
    part = begin(world, task)
    _, kept = send(world, part, 0, SCAN)
    assert begin(world, task).offset == len(SCAN)  # nothing is sent again
    assert send(world, part, len(SCAN), b"")[1] == kept
    with world.process_engine.begin() as work:
        files.remove_attachment(work, world["lab"], kept.id)
    assert send(world, part, len(SCAN), b"")[1].sha256 == DIGEST  # left out, and chosen again
    assert count(world) == 1


def test_a_piece_goes_where_the_file_stands(world: World, task: str) -> None:
    part = begin(world, task)
    send(world, part, 0, SCAN[:100])
    for offset, content in ((0, SCAN[:100]), (99, b"x"), (101, b"x"), (-1, b"x"), (100, SCAN)):
        with pytest.raises(PartOffsetWrong) as wrong:
            send(world, part, offset, content)
        assert wrong.value.values["offset"] == 100
    with pytest.raises(PartPieceTooLarge):
        send(world, part, 100, bytes(files.LARGEST_PIECE + 1))
    assert send(world, part, 100, SCAN[100:])[1].sha256 == DIGEST


def test_two_windows_send_the_same_file(world: World, task: str) -> None:
    def run() -> None:
        part = begin(world, task, sha256=DIGEST)
        offset = part.offset
        while offset < len(SCAN):
            try:
                offset = send(world, part, offset, SCAN[offset : offset + 700])[0].offset
            except PartOffsetWrong as wrong:
                offset = wrong.values["offset"]
        found.append(send(world, part, offset, b"")[1].id)

    found: list[str] = []
    windows = [threading.Thread(target=run) for _ in range(3)]
    for each in windows:
        each.start()
    for each in windows:
        each.join()
    assert len(found) == 3 and len(set(found)) == 1 == count(world)


@pytest.mark.parametrize("place", ["writing", "stored"])
def test_killed_between_pieces(world: World, task: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = begin(world, task)
    send(world, part, 0, SCAN[:5000])
    world.process_engine.database.dispose()  # the child opens its own connections
    child = os.fork()
    if child == 0:  # another process, killed at a bad moment

        def die(*_arguments: Any, **_options: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if place == "writing":
            monkeypatch.setattr(os, "fsync", die)
        else:
            monkeypatch.setattr(store, "attach_once", die)
        try:
            send(world, part, 5000, SCAN[5000:] if place == "stored" else SCAN[5000:6000])
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    offset = begin(world, task).offset
    assert offset == {"writing": 6000, "stored": len(SCAN)}[place]
    assert send(world, part, offset, SCAN[offset:])[1].sha256 == DIGEST
    assert count(world) == 1


def test_what_came_is_checked_like_any_file(world: World, task: str) -> None:
    damaged = begin(world, task, sha256="0" * 64)
    with pytest.raises(PartDamaged):
        send(world, damaged, 0, SCAN)
    lying = begin(world, task, size=4)
    with pytest.raises(FileTypeRefused):
        send(world, lying, 0, b"MZ\x90\0")
    assert (list_files(world), count(world)) == ([], 0)
    for more, fault in (
        ({"name": "program.exe"}, FileTypeRefused),
        ({"name": "table.xlsx"}, FileTypeRefused),  # not for a seal
        ({"size": 0}, FileEmpty),
        ({"size": 10**9}, FileTooLarge),
        ({"key": "title"}, AttachmentFieldUnknown),
    ):
        with pytest.raises(fault):
            begin(world, task, **more)
    assert list_files(world) == []


def test_a_field_may_take_less_than_the_installation(world: World, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attachments._find_field

    def find_narrow(*arguments: Any) -> Any:
        place, field = whole(*arguments)
        return place, replace(field, max_bytes=len(SCAN) - 1)

    monkeypatch.setattr(attachments, "_find_field", find_narrow)
    with pytest.raises(FileTooLarge):
        begin(world, task)
    with pytest.raises(FileTooLarge):
        world.upload("lab", task, SCAN)
    assert count(world) == 0


def test_it_belongs_to_who_began_it(world: World, task: str) -> None:
    part = begin(world, task)
    for name in ("stranger", "organiser", "expert"):
        with pytest.raises(TaskUnknown):
            begin(world, task, who=name)
        with pytest.raises(PartUnknown):
            send(world, part, 0, SCAN, who=name)
        with pytest.raises(PartUnknown):
            find_part(world.process_engine, world[name], task, part.id)
        drop_part(world.process_engine, world[name], task, part.id)
    for wrong in ("0" * 32, "../" + part.id, part.id.upper(), ""):
        with pytest.raises(PartUnknown):
            find_part(world.process_engine, world["lab"], task, wrong)
    assert find_part(world.process_engine, world["lab"], task, part.id) == part
    drop_part(world.process_engine, world["lab"], task, part.id)
    assert list_parts(world.process_engine, world["lab"], task) == []


def test_nothing_comes_for_a_task_that_is_over(world: World) -> None:
    case_id = world.open_case("lab")
    task = world.find_task("apply", case_id)
    part = begin(world, task)
    send(world, part, 0, SCAN[:100])
    world.send("lab", case_id)
    with pytest.raises(TaskAlreadyCompleted):
        send(world, part, 100, SCAN[100:])
    with pytest.raises(TaskAlreadyCompleted):
        begin(world, task)


def test_what_is_never_finished_is_bounded_and_forgotten(world: World, task: str) -> None:
    parts = [begin(world, task, name=f"{number}.pdf") for number in range(store.MOST_PARTS)]
    with pytest.raises(PartsTooMany) as many:
        begin(world, task)
    assert many.value.values["count"] == store.MOST_PARTS
    assert begin(world, task, name="3.pdf") == parts[3]  # going on is always possible
    world.clock.move_to(world.clock.now() + store.KEEP - timedelta(seconds=1))
    send(world, begin(world, task, name="3.pdf"), 0, SCAN[:10])
    world.clock.move_to(world.clock.now() + timedelta(hours=1, seconds=1))
    assert begin(world, task).offset == 0  # all others were forgotten, by whoever began next
    assert [each.name for each in list_parts(world.process_engine, world["lab"], task)] == ["3.pdf", "盖章.pdf"]
    world.clock.move_to(world.clock.now() + 2 * store.KEEP)
    with world.process_engine.read() as work:
        assert store.sweep_parts(world.process_engine, work.now) == 2
    assert list_files(world) == []


def test_the_bytes_that_wait_are_bounded(world: World, task: str) -> None:
    world.process_engine.extras["largest_file"] = 1000
    for number in range(store.MOST_FILES_WAITING):
        begin(world, task, name=f"{number}.pdf", size=1000)
    with pytest.raises(PartsTooMany):
        begin(world, task, size=1000)
