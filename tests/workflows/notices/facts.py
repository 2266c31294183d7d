"""What the tests of the notices' facts share."""

from __future__ import annotations

from typing import Any

from workflows.notices import Notice


def find_part(notice: Notice, path: str) -> Any:
    """What stands at a path of `notice.yaml`: names of mappings, keys of items."""
    found: Any = notice
    for part in path.split("."):
        if isinstance(found, tuple):
            found = next(item for item in found if getattr(item, "key", None) == part)
        else:
            found = found[part] if isinstance(found, dict) else getattr(found, part)
    return found
