"""`check`, `deploy`, `export`, `notices`: notice folders and diagrams from and to files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from api.cli.faults import NoticeUnknownHere, PathExists, PathMissing
from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.words import Words
from engine.errors import Finding
from engine.texts import LANGUAGES

NOTICE = "notice.yaml"


def add_verbs(verbs: Verbs) -> None:
    """`check`, `deploy`, `export` and `notices`."""
    verbs.add("check", check, database=False, json=True).add("path", nargs="+", type=Path)
    deploying = verbs.add("deploy", deploy)
    deploying.add("folder")
    deploying.add("--kernel", choices=("tokens", "spiff"))
    exporting = verbs.add("export", export)
    exporting.add("key")
    exporting.add("folder", type=Path)
    exporting.add("--version", type=int, metavar="N")
    verbs.add("notices", show_notices, json=True)


def check(options: argparse.Namespace, words: Words) -> int:
    """Check diagrams and notice folders as a deployment would; 1 when one would be refused.

    Raises PathMissing.
    """
    results = [result for path in options.path for result in check_path(path)]
    if options.json:
        print(json.dumps({"checked": [tell_result(*result, words) for result in results]}, ensure_ascii=False, indent=1))
    else:
        for path, refused, findings in results:
            print(words.say("check_refused" if refused else "check_passed", path=path))
            for line in words.list_findings(findings):
                print(f"  {line}")
    return 1 if any(refused for _, refused, _ in results) else 0


def check_path(path: Path) -> Iterator[tuple[Path, bool, list[Finding]]]:
    """What a file or folder would be answered at deployment: (path, whether refused, findings).

    A folder without `notice.yaml` is walked for diagrams and decision tables.
    Raises PathMissing.
    """
    from engine.clock import SystemClock
    from engine.decisions import check_decisions, is_decision
    from engine.definitions import check_diagram
    from engine.handlers import Handlers
    from workflows.handlers import install_handlers
    from workflows.notices import check_folder, read_folder
    from workflows.people import ROLES

    handlers, now = Handlers(), SystemClock().now()
    install_handlers(handlers)

    def check_file(file: Path, shown: str) -> tuple[bool, list[Finding]]:
        if is_decision(file.name):
            findings = list(check_decisions({shown: file.read_bytes()}))
            return any(found.severity == "error" for found in findings), findings
        checked = check_diagram(file.read_bytes(), name=shown, handlers=handlers.names(), roles=ROLES, now=now)
        return checked.refused, list(checked.findings)

    if not path.exists():
        raise PathMissing(path=path)
    if path.is_file():
        yield path, *check_file(path, path.name)
    elif (path / NOTICE).exists():
        findings = check_folder(read_folder(path), handlers=handlers.names(), now=now)
        yield path, any(found.severity == "error" for found in findings), findings
    else:
        files = sorted([*path.rglob("*.bpmn"), *path.rglob("*.dmn")])
        if not files:
            raise PathMissing(path=path / "*.bpmn")
        for file in files:
            yield file, *check_file(file, file.name)


def tell_result(path: Path, refused: bool, findings: Iterable[Finding], words: Words) -> dict[str, Any]:
    """A result as JSON."""
    return {
        "path": str(path),
        "refused": refused,
        "findings": [
            {
                "code": found.code,
                "severity": found.severity,
                "element": found.element,
                "path": found.path,
                "values": {name: plain(value) for name, value in found.values.items()},
                "text": words.catalogue.tell(found, words.language),
                "texts": {language: words.catalogue.tell(found, language) for language in LANGUAGES},
            }
            for found in findings
        ],
    }


def plain(value: Any) -> Any:
    """A value of a finding as JSON knows it."""
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def deploy(options: argparse.Namespace, words: Words) -> int:
    """Deploy a notice folder, or a notice that comes with the software by its key. Starts nothing.

    Raises PathMissing, NoticeInvalid, DiagramRefused.
    """
    from workflows.notices import bundled_notices, deploy_folder, get_notice, list_notices, notice_findings, read_folder

    bundled = bundled_notices()
    folder = Path(options.folder)
    if folder.is_dir():
        files, key = read_folder(folder), folder.resolve().name
    elif options.folder in bundled:
        files, key = bundled[options.folder], options.folder
    else:
        raise PathMissing(path=options.folder)
    settings = read_options(options)
    process_engine = open_engine(settings)
    with process_engine.begin() as work:
        known = {summary.id for summary in list_notices(work)}
        notice_id = deploy_folder(work, files, key=key, kernel=options.kernel or settings.kernel)
        notice = get_notice(work, notice_id)
        findings = notice_findings(work, notice_id)
    process_engine.database.dispose()
    if notice_id in known:
        print(words.say("deployed_before", key=notice.key, version=notice.version))
    else:
        print(words.say("deployed", key=notice.key, version=notice.version, state=words.say(f"state.{notice.state}")))
    for line in words.list_findings(findings):
        print(f"  {line}")
    return 0


def export(options: argparse.Namespace, words: Words) -> int:
    """Write a deployed notice as a folder.

    Raises NoticeUnknownHere, PathExists for a folder that is not empty.
    """
    from workflows.notices import export_notice, list_notices

    if options.folder.exists() and any(options.folder.iterdir()):
        raise PathExists(path=options.folder)
    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        versions = [notice for notice in list_notices(work) if notice.key == options.key]
        chosen = [notice for notice in versions if options.version in (None, notice.version)]
        if not chosen:
            raise NoticeUnknownHere(key=options.key, version=options.version or "-")
        files = export_notice(work, chosen[0].id)
    process_engine.database.dispose()
    for name, content in files.items():
        target = options.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    print(words.say("exported", key=options.key, version=chosen[0].version, path=options.folder, count=len(files)))
    return 0


def show_notices(options: argparse.Namespace, words: Words) -> int:
    """List what is deployed."""
    from workflows.notices import list_notices

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        found = list_notices(work)
    process_engine.database.dispose()
    if options.json:
        keys = ("id", "key", "version", "state", "source", "title", "number")
        listed = [{key: getattr(each, key) for key in keys} | {"deployed_at": each.deployed_at.isoformat()} for each in found]
        print(json.dumps(listed, ensure_ascii=False, indent=1))
        return 0
    for each in found:
        print(f"{each.key}  {each.version}  {words.say(f'state.{each.state}')}  {each.deployed_at.isoformat(timespec='seconds')}")
    return 0
