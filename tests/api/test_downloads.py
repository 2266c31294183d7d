"""Uploaded files come back as downloads, wherever the server was started."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.settings import read_settings
from engine.clock import VirtualClock
from tests.api.world import START, make_place
from workflows.applications import first_task, start_application
from workflows.files import store_upload

PDF = b"%PDF-1.7\n%%EOF\n"


def test_files_lie_below_the_folder_in_which_the_server_was_started(
    model_place: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, ids = model_place
    shutil.copy(source / "linxuan.sqlite3", tmp_path / "linxuan.sqlite3")
    monkeypatch.chdir(tmp_path)
    settings = read_settings({}, database_url="sqlite:///linxuan.sqlite3")  # the folder of files is that of an ordinary start
    assert not settings.file_folder.is_absolute()
    place = make_place(settings, VirtualClock(START), ids)
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        task_id = first_task(work, start_application(work, who, place.campaign, channel="direct"))
        assert task_id
        kept = store_upload(work, who, io.BytesIO(PDF), name="盖章.pdf", task_id=task_id, field="seal_scan")
    answer = place.client("applicant").get(f"/attachments/{kept.id}", buffered=True)
    assert (answer.status_code, answer.get_data()) == (200, PDF)
    assert [file for file in (tmp_path / "var" / "files").rglob("*") if file.is_file()]
    place.engine.database.dispose()
