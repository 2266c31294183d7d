"""Addresses of static files, each with a short hash of its content: a new build is never hidden by a browser's cache."""

from __future__ import annotations

import hashlib
from pathlib import Path


class Assets:
    """The files below one folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._hashes = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in (".css", ".js", ".svg", ".txt", ".png", ".ico")
        }

    def has(self, name: str) -> bool:
        """Whether the file is there (the built ones are not before the front end is built)."""
        return name in self._hashes

    def address(self, name: str) -> str:
        """The address of a file, e.g. `/static/linxuan.css?v=0123456789ab`.

        Raises KeyError when it is not there.
        """
        return f"/static/{name}?v={self._hashes[name]}"
