"""Notice folders and diagrams by the command line: check, deploy, export, list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from .conftest import Call

ROOT = Path(__file__).resolve().parent.parent.parent.parent
NOTICE = ROOT / "bpmn" / "samr_2022_932"
DIAGRAMS = ROOT / "tests" / "engine" / "diagrams"


def test_a_good_diagram(call: Call) -> None:
    answer = call("check", DIAGRAMS / "audit.bpmn")
    assert answer.code in (0, 1)  # its handlers are those of the engine's tests
    assert str(DIAGRAMS / "audit.bpmn") in answer.out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", None),
        (b"not xml", None),
        (b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><d>&e;</d>', None),
        (b"<a/>", None),
    ],
    ids=["empty", "text", "doctype", "other"],
)
def test_a_bad_file_is_refused_with_findings(call: Call, tmp_path: Path, content: bytes, code: None) -> None:
    (tmp_path / "bad.bpmn").write_bytes(content)
    answer = call("check", "bad.bpmn", "--json")
    assert answer.code == 1
    (checked,) = json.loads(answer.out)["checked"]
    assert checked["refused"]
    assert all(finding["text"] and finding["code"] for finding in checked["findings"])
    assert answer.err == ""
    assert "root:" not in answer.out


def test_the_bundled_notice_passes(call: Call) -> None:
    answer = call("check", NOTICE, "--json")
    (checked,) = json.loads(answer.out)["checked"]
    errors = [finding for finding in checked["findings"] if finding["severity"] == "error"]
    assert (answer.code, checked["refused"], errors) == (0, False, [])


def test_all_faults_of_a_notice_are_told_with_their_places(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / NOTICE.name
    shutil.copytree(NOTICE, folder)
    text = (folder / "notice.yaml").read_text("utf-8")
    (folder / "notice.yaml").write_text(text.replace("number:", "numbre:", 1).replace("issuer:", "issuers:", 1), "utf-8")
    (folder / "case.bpmn").write_bytes((folder / "case.bpmn").read_bytes().replace(b"audits.record", b"audits.invented"))
    answer = call("check", folder)
    assert answer.code == 1
    assert "notice.yaml" in answer.out
    assert "audits.invented" in answer.out
    assert len(answer.out.splitlines()) > 3


def test_deploy_export_and_deploy_again(call: Call, tmp_path: Path) -> None:
    first = call("deploy", NOTICE)
    assert (first.code, "version 1: deployed" in first.out) == (0, True), first.err
    assert "nothing changed" in call("deploy", "samr_2022_932").out
    exported = call("export", "samr_2022_932", "out/samr_2022_932")
    assert exported.code == 0, exported.err
    assert (tmp_path / "out" / "samr_2022_932" / "case.bpmn").exists()
    assert "nothing changed" in call("deploy", "out/samr_2022_932").out
    assert call("export", "samr_2022_932", "out/samr_2022_932").code == 1  # never over something
    assert call("export", "samr_2022_932", "elsewhere", "--version", 7).code == 1
    (listed,) = json.loads(call("notices", "--json").out)
    assert (listed["key"], listed["version"], listed["state"]) == ("samr_2022_932", 1, "deployed")


def test_a_refused_folder_changes_nothing(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / NOTICE.name
    shutil.copytree(NOTICE, folder)
    (folder / "case.bpmn").write_bytes(b"<broken")
    answer = call("deploy", folder)
    assert answer.code == 1
    assert "case.bpmn" in answer.err
    assert json.loads(call("notices", "--json").out) == []
