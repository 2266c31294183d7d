"""Every verb: help in both languages, exit codes, words for what goes wrong."""

from __future__ import annotations

import argparse
import io
import socket
from pathlib import Path

import pytest

from api.cli.faults import tell_fault
from api.cli.parser import make_parser, read_language
from api.cli.serving import name_address
from api.cli.words import Words
from api.settings import read_settings

from .conftest import Call


def list_verbs(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All verbs, those below others too."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                found += [(*path, name), *list_verbs(child, (*path, name))]
    return found


VERBS = list_verbs(make_parser(Words("en")))


def test_the_verbs_of_the_documentation_are_there() -> None:
    assert {path[0] for path in VERBS} >= {
        "serve",
        "worker",
        "migrate",
        "deploy",
        "check",
        "export",
        "replay",
        "conformance",
        "user",
        "demo",
    }


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_each_verb_has_help_in_both_languages(call: Call, path: tuple[str, ...]) -> None:
    chinese, english = call(*path, "--help", "--lang", "zh"), call(*path, "--help", "--lang", "en")
    assert chinese.code == english.code == 0
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.out)
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in english.out)


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (["serve", "--lang", "zh"], {}, "zh"),
        (["serve", "--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["--lang"], {"LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_language(arguments: list[str], environment: dict[str, str], language: str) -> None:
    assert read_language(arguments, environment) == language


@pytest.mark.parametrize("arguments", [[], ["fly"], ["serve", "--port", "many"], ["user"], ["replay"], ["check"]])
def test_wrong_usage_is_two(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "usage: linxuan" in answer.err


def test_a_port_that_is_taken(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = call("serve", "--port", port)
    assert answer.code == 1
    assert f"--port {port + 1}" in answer.err
    assert not Path("var").exists()  # found out before anything was made


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--port", "99999"], "Cannot listen on 127.0.0.1, port 99999"),
        (["serve", "--host", "203.0.113.9"], "Cannot listen on 203.0.113.9"),
        (["serve", "--workers", "2"], "exactly one process, not 2"),
        (["serve", "--database", "sqlite://"], "gone with the process"),
        (["worker"], "needs PostgreSQL"),
        (["migrate", "--database", "mysql://localhost/x"], "neither sqlite nor postgresql"),
        (["migrate", "--database", "postgresql://nobody@127.0.0.1:9/x"], "The database cannot be opened"),
        (["migrate", "--database", "/proc/nowhere/x.sqlite3"], "/proc/nowhere"),
        (["backup", "copy", "--database", "none.sqlite3"], "There is no none.sqlite3"),
        (["backup", "copy", "--database", "postgresql://localhost/x"], "pg_dump"),
        (["check", "nowhere"], "There is no nowhere"),
        (["deploy", "nowhere"], "There is no nowhere"),
        (["export", "nothing", "folder"], "holds no notice “nothing”"),
        (["conformance", "nowhere"], "nowhere is not a list of cases"),
        (["replay", "nothing"], "no notice “nothing”"),
        (["user", "create", "li", "--name", "Li", "--organisation", "X", "--password-stdin"], "0 organisations are called “X”"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told_in_words(
    call: Call, arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    answer = call(*arguments)
    assert answer.code == 1
    assert answer.out == ""
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_the_same_in_chinese(call: Call) -> None:
    assert "后台进程需要 PostgreSQL" in call("worker", "--lang", "zh").err


def test_a_bad_setting_names_its_variable(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINXUAN_SMTP_PORT", "many")
    monkeypatch.setenv("LINXUAN_COLOUR", "red")
    answer = call("migrate")
    assert answer.code == 1
    assert "LINXUAN_SMTP_PORT" in answer.err
    assert "LINXUAN_COLOUR" in answer.err


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    words = Words("en")
    assert "The disk is full" in str(tell_fault(OSError(28, "No space left on device"), words))
    assert tell_fault(RuntimeError("a fault of ours"), words) is None


def test_the_database_can_be_a_plain_file_name(call: Call) -> None:
    assert call("migrate", "--database", "here.sqlite3").code == 0
    assert Path("here.sqlite3").exists()


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [("127.0.0.1", 8094, "http://127.0.0.1:8094"), ("::1", 80, "http://[::1]:80"), ("0.0.0.0", 8001, "http://127.0.0.1:8001")],
)
def test_letters_name_the_address_that_is_served(host: str, port: int, address: str) -> None:
    """Unless a setting names the one that people type."""
    assert name_address(read_settings({}), host, port).base_url == address
    given = read_settings({"LINXUAN_BASE_URL": "https://cases.example.org"})
    assert name_address(given, host, port).base_url == "https://cases.example.org"
