"""What stops a notice."""

from __future__ import annotations

from engine.errors import Problem


class NoticeInvalid(Problem):
    """The folder is not a notice that can be deployed; `findings` name every fault with its path. Value: `name`."""
