"""What is written for containers and systemd: its commands are verbs, its settings exist, its parts fit together."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli.parser import make_parser
from api.cli.words import Words
from api.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
PROGRAMS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "linxuan"}
UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))
SET = {"LINXUAN_DATABASE_PASSWORD": "secret", "LINXUAN_BASE_URL": "https://cases.example.gov.cn"}


def parse(command: list[str]) -> None:
    """Take it as the program does.

    Raises AssertionError for what it refuses.
    """
    try:
        options = make_parser(Words("en")).parse_args(command)
    except SystemExit as end:
        raise AssertionError(f"{command} is no verb") from end
    assert callable(options.run)


def substitute(text: str) -> str:
    """Compose's variables: those that are set, else the default; one that must be set and is not fails."""
    return re.sub(
        r"\$\{(\w+):([-?])([^}]*)\}", lambda found: SET[found[1]] if found[2] == "?" else SET.get(found[1], found[3]), text
    )


def read_unit(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text())
    return unit


def test_the_programs_are_these() -> None:
    assert {name: service["command"][0] for name, service in PROGRAMS.items()} == {
        "schema": "migrate",
        "web": "serve",
        "worker": "worker",
        "letters": "worker",
        "bulk": "worker",
    }


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_a_verb_with_settings_that_exist(name: str) -> None:
    service = PROGRAMS[name]
    parse(service["command"])
    settings = read_settings({key: substitute(str(text)) for key, text in service["environment"].items()})
    assert (settings.database_url, settings.https) == ("postgresql://linxuan:secret@database/linxuan", True)


def test_every_queue_has_a_worker() -> None:
    queues = {service["command"][2] for service in PROGRAMS.values() if service["command"][0] == "worker"}
    assert queues == {"deadline", "outbox", "bulk"}


def test_programs_wait_for_the_schema_and_that_for_the_database() -> None:
    waits = {name: {key: each["condition"] for key, each in service["depends_on"].items()} for name, service in PROGRAMS.items()}
    assert waits.pop("schema") == {"database": "service_healthy"}
    assert set(map(str, waits.values())) == {str({"schema": "service_completed_successfully"})}


def test_what_is_kept_is_in_volumes() -> None:
    named = {volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]}
    assert named == set(COMPOSE["volumes"])
    (folder,) = {volume.partition(":")[2] for service in PROGRAMS.values() for volume in service["volumes"]}
    assert f"ENV LINXUAN_FILE_FOLDER={folder}\n" in (ROOT / "Dockerfile").read_text()


def test_the_image_starts_a_verb() -> None:
    lines = dict(line.split(" ", 1) for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:3] in ("ENT", "CMD"))
    assert yaml.safe_load(lines["ENTRYPOINT"]) == [".venv/bin/linxuan"]
    parse(yaml.safe_load(lines["CMD"]))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_verb(path: Path) -> None:
    program, *command = read_unit(path)["Service"]["ExecStart"].split()
    assert program == "/opt/linxuan/.venv/bin/linxuan"
    parse(command)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_a_unit(path: Path, tmp_path: Path) -> None:
    """But for the program, which is not installed there."""
    unit = tmp_path / path.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", path.read_text()))
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in found.stderr.splitlines() if path.name in line] == []
