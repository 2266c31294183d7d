"""Stamps: what an earlier set-up was made from, so that a second start finds nothing to do."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from requirements.messages import ROOT


def hash_files(paths: Iterable[Path]) -> str:
    """One hash over names (relative to this folder) and contents."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp(path: Path) -> dict[str, Any]:
    """What was left at `path`; {} when there is nothing readable."""
    try:
        stamp: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return stamp
    except (OSError, ValueError):
        return {}


def write_stamp(path: Path, stamp: dict[str, Any]) -> None:
    """Leave a stamp, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(stamp), "utf-8")
    os.replace(new, path)
