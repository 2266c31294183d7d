"""Broken folders: every fault is told at once, with its path, in both languages; nothing is executed or blown up."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from engine.texts import Catalogue
from tests.engine.decisions.tables import table
from workflows.notices import NoticeInvalid, bundled_notices, check_folder, read_notice
from workflows.notices.store import write_yaml

read_catalogue = cache(lambda: Catalogue("engine", "workflows"))


@pytest.fixture
def files() -> dict[str, bytes]:
    """A folder without a fault."""
    return dict(bundled_notices()["samr_2022_932"])


def refused(files: dict[str, bytes]) -> list[tuple[str | None, str]]:
    """Paths and codes of all findings."""
    with pytest.raises(NoticeInvalid) as caught:
        read_notice(files)
    for finding in caught.value.findings:
        told = read_catalogue().tell(finding, "zh") + read_catalogue().tell(finding, "en")
        assert re.search(r"\{\w+\}", told) is None, told
    return [(finding.path, finding.code) for finding in caught.value.findings]


def change(files: dict[str, bytes], edit: Callable[[dict[str, Any]], Any]) -> dict[str, bytes]:
    """The folder with another `notice.yaml`."""
    content = yaml.load(files["notice.yaml"], yaml.CSafeLoader)
    edit(content)
    return {**files, "notice.yaml": write_yaml(content)}


def test_the_bundled_notices_are_without_fault() -> None:
    for key, files in bundled_notices().items():
        assert read_notice(files).key == key


def test_a_clone_with_other_dates_needs_no_python(files: dict[str, bytes]) -> None:
    cloned = {path: content.replace(b"samr_2022_932", b"samr_2023_1") for path, content in files.items()}
    assert read_notice(cloned).key == "samr_2023_1"


def test_all_faults_of_several_kinds_at_once(files: dict[str, bytes]) -> None:
    def edit(content: dict[str, Any]) -> None:
        del content["document"]["issuer"]
        content["document"]["title"]["sorce"] = "notice"
        content["quota"]["minimum"]["value"] = "three"
        content["dates"]["publication"] = {"kind": "day", "value": "soon", "source": "outside"}
        content["dates"]["review_until"]["kind"] = "fortnight"
        content["recipients"]["bodies"][4]["region"] = "15"
        content["settings"]["cut"]["source"] = "hearsay"
        content["demands"][1]["weight"]["value"] = 300
        content["surprise"] = True

    broken = change(files, edit)
    broken["forms/audit.form"] = b"{"
    broken["notes.txt"] = b"hello"
    broken["case.bpmn"] = b"<xml"
    found = refused(broken)
    assert {
        ("notice.yaml: document.issuer", "KeyMissing"),
        ("notice.yaml: document.title.sorce", "KeyMisspelt"),
        ("notice.yaml: quota.minimum.value", "ValueNotNumber"),
        ("notice.yaml: dates.review_until.kind", "ValueNotAllowed"),
        ("notice.yaml: recipients.bodies[4].region", "ValueMisspelt"),
        ("notice.yaml: settings.cut.source", "ValueNotAllowed"),
        ("notice.yaml: demands[1].weight.value", "ValueTooLarge"),
        ("notice.yaml: surprise", "KeyUnknown"),
        ("forms/audit.form", "FormNotJson"),
        ("notes.txt", "NoticeFileUnknown"),
    } <= set(found)
    assert [path for path, _ in found if path and path.startswith("notice.yaml: dates.publication.value")]
    assert [path for path, _ in found if path and path.startswith("case.bpmn")]


@pytest.mark.parametrize(
    ("edit", "path", "code"),
    [
        (lambda c: c["demands"][0]["weight"].update(value=30), "demands", "NoticeWeightsWrong"),
        (lambda c: c["recipients"]["bodies"].pop(), "recipients.bodies", "NoticeBodiesCount"),
        (lambda c: c["recipients"]["bodies"][1].update(key="beijing"), "recipients.bodies[1].key", "NoticeKeyTwice"),
        (lambda c: c["directions"]["items"].pop(), "directions.items", "NoticeOtherMissing"),
        (lambda c: c["settings"]["cut"].update(value=0), "settings.cut.value", "NoticeSettingOutside"),
        (lambda c: c["settings"]["cut"].update(value="many"), "settings.cut.value", "ValueNotNumber"),
        (lambda c: c["settings"]["score_method"].update(value="best"), "settings.score_method.value", "NoticeSettingOutside"),
        (lambda c: c["settings"]["cut"].update(text="annex"), "settings.cut.text", "NoticeReferenceUnknown"),
        (lambda c: c["scale"]["stress_ceiling"].update(text="result"), "scale.stress_ceiling.text", "NoticeTextOfOthers"),
        (lambda c: c["settings"]["body_lead_days"].update(words="五天"), "settings.body_lead_days.words", "NoticeWordsOfOurs"),
        (lambda c: c["open_questions"][0].update(setting="quota.none"), "open_questions[0].setting", "NoticeReferenceUnknown"),
        (lambda c: c["reminders"][0].update(task="aply"), "reminders[0].task", "NoticeReferenceUnknown"),
        (lambda c: c["reminders"][0].update(letter="nudge"), "reminders[0].letter", "NoticeReferenceUnknown"),
        (lambda c: c["reconstructed"][0].update(what=["forms/x.form"]), "reconstructed[0].what[0]", "NoticeFileMissing"),
        (lambda c: c["result"]["selected"].update(value=1.5), "result.selected.value", "NoticeValueUnsupported"),
        (lambda c: c["reminders"][0].update(recipients=[]), "reminders[0].recipients", "ValueTooShort"),
        (lambda c: c["reminders"][0].update(on_the_day="yes"), "reminders[0].on_the_day", "ValueNotYesNo"),
        (lambda c: c.update(format=2), "format", "ValueNotAllowed"),
        (lambda c: c.update(key="../up"), "key", "ValueMisspelt"),
        (lambda c: c.update(channels=[]), "channels", "ValueTooShort"),
        (lambda c: c["document"].update(issued_on="2022-07-01"), "document.issued_on", "ValueNotMapping"),
        (lambda c: c["document"]["issued_on"].update(value="2022-07-01"), "document.issued_on.value", "ValueNotDate"),
        (lambda c: c["dates"]["publication"].pop("kind"), "dates.publication.kind", "KeyMissing"),
    ],
)
def test_one_fault_in_notice_yaml(files: dict[str, bytes], edit: Callable[[dict[str, Any]], Any], path: str, code: str) -> None:
    assert (f"notice.yaml: {path}", code) in refused(change(files, edit))


def test_references_between_files(files: dict[str, bytes]) -> None:
    del files["forms/review.form"]
    files["extra.bpmn"] = files["case.bpmn"].replace(b"samr_2022_932_case", b"another")
    files["campaign.bpmn"] = files["campaign.bpmn"].replace(b"${dates.review_until}", b"${dates.review_end}")
    found = refused(files)
    assert ("case.bpmn", "NoticeFormMissing") in found
    assert ("extra.bpmn", "NoticeDiagramUnused") in found
    assert ("campaign.bpmn", "NoticeDateMissing") in found


def test_the_processes_are_called_after_the_notice(files: dict[str, bytes]) -> None:
    files["case.bpmn"] = files["case.bpmn"].replace(b"samr_2022_932_case", b"other_case")
    assert refused(files) == [("case.bpmn", "NoticeProcessMissing")]


def test_forms_follow_the_notices_lists(files: dict[str, bytes]) -> None:
    files["forms/application.form"] = files["forms/application.form"].replace(b"foreign_trade", b"trade")
    files["forms/review.form"] = files["forms/review.form"].replace(b'"criterion": "typicality"', b'"criterion": "beauty"')
    files["forms/audit.form"] = files["forms/audit.form"].replace(b'"id": "audit"', b'"id": "audits"')
    assert refused(files) == [
        ("forms/audit.form", "NoticeFormIdDiffers"),
        ("forms/application.form", "NoticeOptionsDiffer"),
        ("forms/review.form", "NoticeCriteriaDiffer"),
    ]


def test_an_empty_folder() -> None:
    assert refused({}) == [("notice.yaml", "NoticeFileMissing")]


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n".encode() for n in range(9)
)


@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        (b"key: ]\n", "notice.yaml:1", "YamlInvalid"),
        (b"format: 1\nkey: a: b\n", "notice.yaml:2", "YamlInvalid"),
        (b"format: 1\n\tkey: x\n", "notice.yaml:2", "YamlInvalid"),
        (b"format: 1\nformat: 2\n", "notice.yaml:2", "YamlKeyTwice"),
        (b"format: 1\n1: x\n", "notice.yaml:2", "YamlKeyNotText"),
        (b"format: 1\nday: 2022-02-30\n", "notice.yaml:2", "YamlValueImpossible"),
        (b"format: 1\nrun: !!python/object/apply:os.system ['true']\n", "notice.yaml:2", "YamlInvalid"),
        (b"base: &base {a: 1}\nmore:\n  <<: *base\n", "notice.yaml:1", "YamlAlias"),
        (BOMB, "notice.yaml:1", "YamlAlias"),
        (b"deep: " + b"[" * 500 + b"]" * 500, "notice.yaml:1", "YamlTooDeep"),
        (b"- a\n- b\n", "notice.yaml", "YamlNotMapping"),
        (b"", "notice.yaml", "YamlNotMapping"),
        (b"key: \xc3\x28", "notice.yaml", "YamlInvalid"),
        (b"key: \x00", "notice.yaml", "YamlInvalid"),
        (b"number: " + b"9" * 6000, "notice.yaml:1", "YamlValueImpossible"),
        (b"#" * 2_000_001, "notice.yaml", "NoticeFileTooLarge"),
    ],
)
def test_yaml_that_cannot_be_taken(files: dict[str, bytes], content: bytes, path: str, code: str) -> None:
    assert refused({**files, "notice.yaml": content}) == [(path, code)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<definitions/>",
    ],
)
def test_diagrams_that_cannot_be_read(files: dict[str, bytes], content: bytes) -> None:
    found = refused({**files, "case.bpmn": content})
    assert {path.split(":")[0] for path, _ in found if path} >= {"case.bpmn"}


@pytest.mark.parametrize(
    "name", ["../notice.yaml", "/etc/passwd", "forms/../x.form", "forms/A.form", "tables/x.dmn", "forms/deep/x.form"]
)
def test_files_that_do_not_belong_here(files: dict[str, bytes], name: str) -> None:
    assert refused({**files, name: b"x"}) == [(name, "NoticeFileUnknown")]


def test_a_decision_table_with_a_fault(files: dict[str, bytes]) -> None:
    assert refused({**files, "grading.dmn": table("> | 1")}) == [("grading.dmn:1", "decision_cell")]


def test_too_many_files(files: dict[str, bytes]) -> None:
    many = {f"forms/f{number}.form": files["forms/audit.form"] for number in range(200)}
    assert (None, "NoticeTooManyFiles") in refused({**files, **many})


def remarks(files: dict[str, bytes]) -> list[tuple[str, str, str | None]]:
    """Severity, code and place of all findings, each of which has words."""
    found = [each for each in check_folder(files) if not each.code.startswith("opinion_")]
    for finding in found:
        told = read_catalogue().tell(finding, "zh") + read_catalogue().tell(finding, "en")
        assert re.search(r"\{\w+\}", told) is None, told
    return [(finding.severity, finding.code, finding.path) for finding in found]


def test_a_setting_that_nothing_reads_is_told(files: dict[str, bytes]) -> None:
    def edit(content: dict[str, Any]) -> None:
        settings = content["settings"]
        settings["expert_per_case"] = settings.pop("experts_per_case")
        settings["colour"] = {"value": "red", "source": "ours", "zh": "颜色", "en": "Colour"}

    assert remarks(files) == []
    broken = change(files, edit)
    assert remarks(broken) == [
        ("warning", "NoticeSettingMisspelt", "notice.yaml: settings.expert_per_case"),
        ("warning", "NoticeSettingUnread", "notice.yaml: settings.colour"),
    ]
    assert read_notice(broken).key == "samr_2022_932"


def test_a_setting_that_a_diagram_reads_must_stand_in_the_notice(files: dict[str, bytes]) -> None:
    timer = b'camunda:dueDate="${dates.review_until}"'
    assert timer in files["case.bpmn"]
    drawn = {**files, "case.bpmn": files["case.bpmn"].replace(timer, b'camunda:dueDate="${settings.review_day}"', 1)}
    assert ("error", "NoticeSettingMissing", "case.bpmn") in remarks(drawn)

    def edit(content: dict[str, Any]) -> None:
        content["settings"]["review_day"] = {"value": "2022-10-31", "source": "ours", "zh": "日", "en": "Day"}

    assert remarks(change(drawn, edit)) == []


def test_what_does_not_fit_together_is_told_beside_what_cannot_be_read(files: dict[str, bytes]) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["dates"]["review_until"]["kind"] = "fortnight"
        content["quota"]["below_minimum"]["value"] = "explode"
        content["demands"][0]["weight"]["value"] += 5
        content["settings"]["expert_per_case"] = content["settings"].pop("experts_per_case")
        content["reminders"][0]["letter"] = "nothing"

    assert sorted(refused(change(files, edit)), key=str) == sorted(
        [
            ("notice.yaml: dates.review_until.kind", "ValueNotAllowed"),
            ("notice.yaml: quota.below_minimum.value", "ValueNotAllowed"),
            ("notice.yaml: demands", "NoticeWeightsWrong"),
            ("notice.yaml: settings.expert_per_case", "NoticeSettingMisspelt"),
            ("notice.yaml: reminders[0].letter", "NoticeReferenceUnknown"),
        ],
        key=str,
    )


@pytest.mark.parametrize("key", sorted(bundled_notices()))
def test_bundled_notices_mean_the_same_without_libyaml(key: str) -> None:
    """PyYAML is not built with libyaml everywhere, and its own parser is stricter about plain texts."""
    content = bundled_notices()[key]["notice.yaml"]
    assert yaml.load(content, yaml.SafeLoader) == yaml.load(content, yaml.CSafeLoader)
