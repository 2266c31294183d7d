"""Notices in the database: a folder is deployed once, never above a person's version, and comes out as it went in."""

from __future__ import annotations

import io
import zipfile
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa

from engine.decisions import find_decision
from engine.errors import DiagramRefused
from engine.tables import definition, deployment, instance
from engine.work import ProcessEngine
from tests.engine.decisions.tables import table
from workflows.forms import Form
from workflows.notices import (
    NoticeInvalid,
    bundled_notices,
    deploy_folder,
    export_notice,
    get_notice,
    list_notices,
    notice_findings,
    read_notice,
)
from workflows.rules.subjects import NoticeUnknown
from workflows.tables import notice

KEY = "samr_2022_932"
NAMES = """
    applications.correct applications.expire applications.lapse applications.submit applications.supplement
    audits.accept audits.record audits.send_back campaigns.close_collection campaigns.issue campaigns.open_collection
    consultations.close consultations.open consultations.settle publications.publish publications.tell_cases
    recommendations.apply recommendations.submit reminders.plan
    reviews.assign reviews.close reviews.organise reviews.record reviews.summarise selection.record
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    """The bundled folder."""
    return dict(bundled_notices()[KEY])


@pytest.fixture
def deploying(process_engine: ProcessEngine) -> ProcessEngine:
    """An engine that knows the handlers that the diagrams name."""
    for name in NAMES.split():
        process_engine.handlers.register(name, lambda call: None)
    return process_engine


def with_cut(files: dict[str, bytes], cut: int) -> dict[str, bytes]:
    """The folder with another number to select."""
    before, after = b"value: 49\n    source: notice", b"value: %d\n    source: notice" % cut
    assert before in files["notice.yaml"]
    return {**files, "notice.yaml": files["notice.yaml"].replace(before, after)}


def count(work: Any, table: sa.Table) -> int:
    found: int = work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return found


def test_deploying_stores_the_notice_and_starts_nothing(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        notice_id = deploy_folder(work, files, key=KEY)
    with deploying.read() as work:
        stored = get_notice(work, notice_id)
        assert (stored.key, stored.version, stored.state, stored.source) == (KEY, 1, "deployed", "folder")
        assert stored.notice == read_notice(files)
        assert set(stored.forms) == {path[6:-5] for path in files if path.startswith("forms/")}
        assert stored.form("audit").fields == Form.load(files["forms/audit.form"]).fields
        rows = {row.id: row.key for row in work.connection.execute(sa.select(definition))}
        assert {role: rows[each] for role, each in stored.definitions.items()} == {
            "campaign": f"{KEY}_campaign",
            "case": f"{KEY}_case",
        }
        assert count(work, instance) == 0
        (listed,) = list_notices(work)
        assert (listed.id, listed.number) == (notice_id, "市监检测函〔2022〕932号")


def test_the_same_content_is_deployed_once(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        first = deploy_folder(work, files, key=KEY)
    respelt = {**files, "notice.yaml": b"# another comment\n" + files["notice.yaml"]}
    with deploying.begin() as work:
        assert deploy_folder(work, respelt, key=KEY) == first
        assert [count(work, table) for table in (notice, deployment)] == [1, 1]


def test_other_content_is_the_next_version(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        first = deploy_folder(work, files, key=KEY)
        second = deploy_folder(work, with_cut(files, 20), key=KEY)
        assert deploy_folder(work, files, key=KEY) == first
        assert get_notice(work, second).version == 2
        assert get_notice(work, second).notice.settings["cut"].value == 20
        assert [each.version for each in list_notices(work)] == [2, 1]


def test_another_kernel_is_another_deployment(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        tokens = deploy_folder(work, files, key=KEY)
        spiff = deploy_folder(work, files, key=KEY, kernel="spiff")
        assert tokens != spiff
        assert deploy_folder(work, files, key=KEY, kernel="spiff") == spiff


def test_a_folder_never_comes_above_a_persons_version(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        deploy_folder(work, files, key=KEY)
        released = deploy_folder(work, with_cut(files, 20), key=KEY, source="person")
        draft = deploy_folder(work, with_cut(files, 30), key=KEY)
        assert [get_notice(work, each).state for each in (released, draft)] == ["deployed", "draft"]
        (finding,) = [each for each in notice_findings(work, draft) if each.code == "NoticeKeptAsDraft"]
        assert (finding.severity, finding.values) == ("warning", {"key": KEY, "released": 2, "version": 3})
        assert not [each for each in notice_findings(work, released) if each.code == "NoticeKeptAsDraft"]
        again = deploy_folder(work, with_cut(files, 40), key=KEY, source="person")
        assert get_notice(work, again).state == "deployed"


def test_an_exported_folder_is_the_same_notice(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with deploying.begin() as work:
        notice_id = deploy_folder(work, files, key=KEY)
        exported = export_notice(work, notice_id)
        assert set(exported) == set(files)
        assert read_notice(exported) == read_notice(files)
        assert {path for path in files if path.endswith(".bpmn") and exported[path] != files[path]} == set()
        assert deploy_folder(work, exported, key=KEY) == notice_id


def test_decision_tables_belong_to_the_folder(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    with_table = {**files, "grading.dmn": table('>= 60 | "pass"')}
    with deploying.begin() as work:
        first = deploy_folder(work, files, key=KEY)
        second = deploy_folder(work, with_table, key=KEY)
        assert first != second
        assert export_notice(work, second)["grading.dmn"] == with_table["grading.dmn"]
        assert deploy_folder(work, export_notice(work, second), key=KEY) == second
        found = find_decision(work, "grading", "latest")
        assert found is not None and found.version == 1


def test_a_faulty_folder_changes_nothing(deploying: ProcessEngine, files: dict[str, bytes]) -> None:
    wrong_handler = {**files, "case.bpmn": files["case.bpmn"].replace(b"${audits.record}", b"${audits.forge}")}
    with deploying.begin() as work:
        with pytest.raises(NoticeInvalid):
            deploy_folder(work, {**files, "notice.yaml": b"key: x"}, key=KEY)
        with pytest.raises(NoticeInvalid, match="NoticeKeyDiffers"):
            deploy_folder(work, files, key="another")
        with pytest.raises(DiagramRefused, match="audits.forge"):
            deploy_folder(work, wrong_handler, key=KEY)
        assert [count(work, table) for table in (notice, deployment, definition)] == [0, 0, 0]


def test_an_unknown_notice(deploying: ProcessEngine) -> None:
    with deploying.read() as work:
        for read in (get_notice, export_notice, notice_findings):
            with pytest.raises(NoticeUnknown):
                read(work, "nothing")


def test_bundled_notices_are_read_from_a_zip_as_from_a_wheel() -> None:
    packed = io.BytesIO()
    root = resources.files("bpmn")
    with zipfile.ZipFile(packed, "w") as archive:
        for folder, files in bundled_notices().items():
            for path, content in files.items():
                archive.writestr(f"bpmn/{folder}/{path}", content)
        archive.writestr("bpmn/__init__.py", (root / "__init__.py").read_bytes())
    assert bundled_notices(zipfile.Path(packed, "bpmn/")) == bundled_notices()
