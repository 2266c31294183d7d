"""Overlays: what they inherit, every fault with its path, stored and exported as they were stated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from engine.errors import Problem
from engine.work import ProcessEngine
from workflows.campaigns import create_campaign
from workflows.handlers import install_handlers
from workflows.notices import (
    NoticeInvalid,
    bundled_notices,
    check_folder,
    deploy_folder,
    export_notice,
    get_notice,
    list_notices,
    read_notice,
)
from workflows.notices.store import write_yaml
from workflows.organisations import create_organisation

BASE, KEY = "samr_2022_932", "samr_2022_932_province"


@pytest.fixture
def files() -> dict[str, bytes]:
    """The bundled overlay."""
    return dict(bundled_notices()[KEY])


def change(files: dict[str, bytes], edit: Callable[[dict[str, Any]], Any]) -> dict[str, bytes]:
    """The folder with another `notice.yaml`."""
    content = yaml.load(files["notice.yaml"], yaml.CSafeLoader)
    edit(content)
    return {**files, "notice.yaml": write_yaml(content)}


def told(files: dict[str, bytes]) -> list[tuple[str | None, str]]:
    """Paths and codes of all errors."""
    with pytest.raises(NoticeInvalid) as caught:
        read_notice(files)
    return [(finding.path, finding.code) for finding in caught.value.findings if finding.severity == "error"]


def test_it_has_the_rest_from_the_notice_and_is_ours(files: dict[str, bytes]) -> None:
    base, overlay = read_notice(bundled_notices()[BASE]), read_notice(files)
    assert (overlay.extends, overlay.recipients, overlay.demands) == (BASE, base.recipients, base.demands)
    assert overlay.document.issuer == base.document.issuer
    assert overlay.document.title.value == "省级自办阶段（示例）"
    stated = yaml.load(files["notice.yaml"], yaml.CSafeLoader)
    assert {value["source"] for part in ("dates", "settings", "document", "quota") for value in stated[part].values()} == {"ours"}
    assert "样式为本系统拟定" in files["notice.yaml"].decode()
    assert set(overlay.settings) == {"body_lead_days", "consultation_work_days"}
    assert check_folder(files) == []


def test_all_faults_at_once_with_their_paths(files: dict[str, bytes]) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["dates"]["checked_by"]["value"] = content["dates"]["collection_cutoff"]["value"].replace(day=1)
        content["diagrams"]["report"] = "report.bpmn"
        content["reminders"][0]["letter"] = "nobody"

    broken = change(files, edit)
    broken["forms/audit.form"] = bundled_notices()[BASE]["forms/audit.form"]
    broken["case.bpmn"] = broken["case.bpmn"].replace(b"review_opened", b"review_begun")
    broken["stage.bpmn"] = broken["stage.bpmn"].replace(b"stages.seal", b"stages.settle")
    assert sorted(told(broken), key=str) == [
        ("case.bpmn", "OverlayMessageMissing"),
        ("forms/audit.form", "OverlayFormTaken"),
        ("notice.yaml: dates.checked_by", "OverlayDateEarly"),
        ("notice.yaml: diagrams.report", "NoticeDiagramUnfitting"),
        ("notice.yaml: diagrams.report", "NoticeFileMissing"),
        ("notice.yaml: reminders[0].letter", "NoticeReferenceUnknown"),
        ("stage.bpmn", "OverlayStepMissing"),
    ]


def test_without_its_notice_it_is_refused(files: dict[str, bytes]) -> None:
    assert told(change(files, lambda content: content.update(extends="nothing"))) == [
        ("notice.yaml: extends", "OverlayBaseMissing")
    ]


def test_a_late_date_is_remarked(files: dict[str, bytes]) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["dates"]["sealed_by"]["value"] = content["dates"]["sealed_by"]["value"].replace(month=9)

    found = check_folder(change(files, edit))
    assert [(each.path, each.code, each.severity) for each in found] == [
        ("notice.yaml: dates.sealed_by", "OverlayDateLate", "warning")
    ]


def test_deployed_by_folder_exported_as_stated(sqlite_engine: ProcessEngine, files: dict[str, bytes]) -> None:
    install_handlers(sqlite_engine.handlers)
    with sqlite_engine.begin() as work:
        with pytest.raises(NoticeInvalid):
            deploy_folder(work, files, key=KEY)  # its notice is not there yet
        base_id = deploy_folder(work, bundled_notices()[BASE], key=BASE)
        overlay_id = deploy_folder(work, files, key=KEY)
        stored = get_notice(work, overlay_id)
        assert (stored.extends_id, set(stored.definitions)) == (base_id, {"stage", "case"})
        exported = export_notice(work, overlay_id)
        stated = yaml.load(exported["notice.yaml"], yaml.CSafeLoader)
        assert set(stated) == set(yaml.load(files["notice.yaml"], yaml.CSafeLoader))
        assert set(stated["document"]) == {"title", "title_en", "theme"}
        assert deploy_folder(work, exported, key=KEY) == overlay_id
        assert [each.extends_id for each in list_notices(work) if each.key == KEY] == [base_id]
        place = create_organisation(work, name="总局", short_name="总局", kind="authority")
        with pytest.raises(Problem, match="NoticeIsOverlay"):
            create_campaign(work, overlay_id, key="x", organiser_id=place)
