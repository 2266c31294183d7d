"""A notice's folder: read and checked as a whole, found in the package, hashed by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import orjson
from pydantic import ValidationError

from engine.decisions import check_decisions, check_references
from engine.definitions import check_diagram
from engine.errors import Finding
from engine.model import Definition, read_diagram
from workflows.forms import Form, FormRefused
from workflows.forms.faults import tell_faults
from workflows.notices.check_reports import check_reports, check_unknown_dates
from workflows.notices.checks import check_bindings, check_diagrams, check_form_keys, check_forms, check_notice, check_settings
from workflows.notices.model import VOCABULARY, Notice
from workflows.notices.overlays import EXTENDS, check_overlay, inherit, read_extended
from workflows.notices.problems import NoticeInvalid
from workflows.notices.remainder import Remainder, read_remainder
from workflows.notices.source import LARGEST_FILE, NOTICE, check_files, is_form, read_yaml
from workflows.people import ROLES

Files = Mapping[str, bytes]
"""A folder: contents by path within it (`notice.yaml`, `case.bpmn`, `forms/audit.form`)."""


def read_notice(files: Files, *, base: Files | None = None) -> Notice:
    """Read and check a notice's folder: `notice.yaml`, its diagrams as far as they can be read alone, and its forms.

    An overlay is read with the folder that it extends: `base`, or the one that comes with the software. What it has from there
    is in the notice.
    Raises NoticeInvalid with all findings. Paths: `notice.yaml: settings.cut.value`, `notice.yaml:12` (line of a YAML error),
    `case.bpmn`, `forms/audit.form: components[2].key`. Whether the diagrams can run is checked when they are deployed;
    what is only worth a remark is told by `check_folder`.
    """
    notice, findings = _read_all(files, base)
    if notice is None or any(finding.severity == "error" for finding in findings):
        raise NoticeInvalid(findings=findings, name=notice.key if notice is not None else NOTICE)
    return notice


def check_folder(
    files: Files, *, base: Files | None = None, handlers: Iterable[str] | None = None, now: datetime | None = None
) -> list[Finding]:
    """All that a deployment of the folder would be told, errors and remarks alike, without deploying; empty when it is fine.

    Beside what `read_notice` says: each diagram with the schema, the handlers' names, the second opinion, the roles of groups,
    and written dates that have passed `now`.
    """
    findings = _read_all(files, base)[1]
    names = None if handlers is None else frozenset(handlers)
    for path in sorted(path for path in files if path.endswith(".bpmn") and len(files[path]) <= LARGEST_FILE):
        for found in check_diagram(files[path], name=path, handlers=names, roles=ROLES, now=now).findings:
            place = f"{path}:{found.path}" if found.path and not found.path.startswith(path) else found.path or path
            told = Finding(found.code, found.severity, found.element, place, found.values)
            findings += [] if told in findings else [told]
    return findings


def _read_all(files: Files, base: Files | None) -> tuple[Notice | None, list[Finding]]:
    """The notice (None when `notice.yaml` cannot be read as one) and all that was found, remarks too."""
    findings = check_files(files)
    extended = read_extended(files)
    if extended is not None and base is None:
        base = bundled_notices().get(extended)
    if extended is not None and not base:
        return None, [*findings, Finding("OverlayBaseMissing", path=f"{NOTICE}: {EXTENDS}", values={"base": extended})]
    above = read_notice(base) if extended is not None and base is not None else None
    given = base if above is not None and base is not None else {}
    read = _read_content(files, findings, above)
    diagrams = _read_diagrams(files, findings)
    forms = _read_forms(files, findings)
    findings += check_decisions(
        {path: content for path, content in files.items() if "/" not in path and len(content) <= LARGEST_FILE}
    )
    findings += (found for path, diagram in diagrams.items() for found in check_references(diagram, path, files))
    findings += check_bindings(diagrams)
    findings += check_form_keys(diagrams, {**form_keys(given), **form_keys(files)})
    if read is None:
        return None, findings
    notice, together = read.notice if isinstance(read, Remainder) else read, list[Finding]()
    together += check_notice(notice, files)
    together += check_diagrams(notice, diagrams, above)
    together += check_settings(notice, diagrams)
    together += check_forms(notice, forms)
    together += check_reports(notice, forms, diagrams)
    together += check_unknown_dates(notice, diagrams)
    if above is not None:
        base_diagrams = _read_diagrams(given, [])
        together += check_overlay(notice, above, diagrams, base_diagrams, form_keys(files), form_keys(given))
    if isinstance(read, Remainder):
        return None, [*findings, *read.keep(together)]
    return notice, [*findings, *together]


def form_keys(files: Files) -> dict[str, str]:
    """Form keys and the paths of their files."""
    return {path[len("forms/") : -len(".form")]: path for path in files if is_form(path)}


def bundled_notices(root: Traversable | None = None) -> dict[str, dict[str, bytes]]:
    """The notices that come with the software, by their folders' names; read as package data, also from a wheel."""
    root = root if root is not None else resources.files("bpmn")
    found: dict[str, dict[str, bytes]] = {}
    for folder in sorted(root.iterdir(), key=lambda item: item.name):
        if folder.is_dir() and (folder / NOTICE).is_file():
            found[folder.name] = read_folder(folder)
    return found


def hash_folder(notice: Notice, files: Files) -> str:
    """SHA-256 of what the folder says: spelling of YAML and JSON does not count, so an exported folder keeps its digest."""
    parts: dict[str, Any] = {NOTICE: dump_content(notice)}
    for path, content in files.items():
        if path.endswith((".bpmn", ".dmn")):
            parts[path] = hashlib.sha256(content).hexdigest()
        elif path.endswith(".form"):
            parts[path] = orjson.loads(content)
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def dump_content(notice: Notice) -> dict[str, Any]:
    """The notice as JSON, with the keys that its file states."""
    content: dict[str, Any] = notice.model_dump(mode="json", exclude_unset=True)
    return content


def read_folder(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    """All files below a folder, by their paths within it; hidden ones are left out."""
    found: dict[str, bytes] = {}
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            found |= read_folder(item, f"{prefix}{item.name}/")
        else:
            found[prefix + item.name] = item.read_bytes()
    return found


def _read_content(files: Files, findings: list[Finding], base: Notice | None) -> Notice | Remainder | None:
    """The notice; where it has faults, what is left without them, so that the rest can be told too."""
    if NOTICE not in files:
        return None
    data, faults = read_yaml(files[NOTICE])
    findings += faults
    if data is None:
        return None
    if base is not None:
        data = inherit(data, base.model_dump(exclude_unset=True))
    try:
        return Notice.model_validate(data)
    except ValidationError as error:
        findings += tell_faults(error, prefix=f"{NOTICE}: ", data=data, vocabulary=VOCABULARY)
        return read_remainder(data, error)


def _read_diagrams(files: Files, findings: list[Finding]) -> dict[str, Definition]:
    found = {}
    for path in sorted(path for path in files if path.endswith(".bpmn")):
        if len(files[path]) > LARGEST_FILE:
            continue
        read = read_diagram(files[path], name=path)
        for fault in read.findings:
            place = f"{path}:{fault.path}" if fault.path else path
            findings.append(Finding(fault.code, fault.severity, fault.element, place, fault.values))
        if read.definition is not None:
            found[path] = read.definition
    return found


def _read_forms(files: Files, findings: list[Finding]) -> dict[str, Form]:
    found = {}
    for key, path in sorted(form_keys(files).items()):
        try:
            found[key] = Form.load(files[path], name=key)
        except FormRefused as refused:
            for fault in refused.findings:
                place = f"{path}: {fault.path}" if fault.path else path
                findings.append(Finding(fault.code, fault.severity, fault.element, place, fault.values))
            continue
        if found[key].id != key:
            findings.append(Finding("NoticeFormIdDiffers", path=path, values={"id": found[key].id, "key": key}))
    return found
