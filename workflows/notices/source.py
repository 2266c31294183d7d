"""The files of a notice's folder, and YAML read so that it can mean only what it says and cost only what it is long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from engine.errors import Finding
from workflows.forms.faults import shorten

NOTICE = "notice.yaml"
LARGEST_FILE = 2_000_000
"""Bytes of one file."""
MOST_FILES = 100
DEEPEST = 30
"""Levels of nesting in YAML."""

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it: ten times as fast
_ALLOWED = re.compile(r"notice\.yaml|[a-z0-9_]{1,60}\.(?:bpmn|dmn)|forms/[a-z0-9_]{1,60}\.form")


def check_files(files: Mapping[str, bytes]) -> list[Finding]:
    """What is wrong with the folder as a whole: missing, unknown, too many, too large."""
    findings = []
    if NOTICE not in files:
        findings.append(Finding("NoticeFileMissing", path=NOTICE, values={"file": NOTICE}))
    if len(files) > MOST_FILES:
        findings.append(Finding("NoticeTooManyFiles", values={"count": len(files), "limit": MOST_FILES}))
    for path, content in list(files.items())[:MOST_FILES]:
        name = shorten(path)
        if not _ALLOWED.fullmatch(path):
            findings.append(Finding("NoticeFileUnknown", path=name, values={"file": name}))
        if len(content) > LARGEST_FILE:
            findings.append(Finding("NoticeFileTooLarge", path=name, values={"file": name, "limit": LARGEST_FILE}))
    return findings


def is_form(path: str) -> bool:
    """Whether a path is that of a form."""
    return path.endswith(".form") and _ALLOWED.fullmatch(path) is not None


def read_yaml(content: bytes, *, name: str = NOTICE) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The mapping that the file holds, or None with the finding that says why not; its path is `name:line`."""
    if len(content) > LARGEST_FILE:
        return None, []  # told by `check_files`
    try:
        _check_events(content)
        data = yaml.load(content, _Loader)  # noqa: S506 - a safe loader
    except _Refused as refused:
        return None, [Finding(refused.code, path=f"{name}:{refused.line}", values={**refused.values, "line": refused.line})]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = error.problem or error.context or ""
        return None, [Finding("YamlInvalid", path=f"{name}:{line}", values={"line": line, "reason": shorten(reason, length=200)})]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
        # characters that YAML does not allow, a date that does not exist, a number beyond all bounds
        return None, [Finding("YamlInvalid", path=name, values={"line": 1, "reason": shorten(error, length=200)})]
    if not isinstance(data, dict):
        return None, [Finding("YamlNotMapping", path=name)]
    return data, []


class _Refused(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, code: str, mark: Any, **values: Any) -> None:
        super().__init__(code)
        self.code, self.line, self.values = code, mark.line + 1, values


def _check_events(content: bytes) -> None:
    """A first pass over the bare events: anchors and aliases (which make much out of little) and deep nesting are refused."""
    depth = 0
    for event in yaml.parse(content, _SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused("YamlAlias", event.start_mark)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > DEEPEST:
                raise _Refused("YamlTooDeep", event.start_mark, limit=DEEPEST)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]
    """Safe YAML without double keys, and with the line of values that cannot be."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Tell the line of a value that cannot be, like the 30th of February."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError):
            raise _Refused("YamlValueImpossible", node.start_mark, value=shorten(getattr(node, "value", ""))) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse keys that stand twice, and keys that are no texts."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _Refused("YamlKeyNotText", key_node.start_mark, key=shorten(key))
            if key in seen:
                raise _Refused("YamlKeyTwice", key_node.start_mark, key=shorten(key))
            seen.add(key)
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return made
