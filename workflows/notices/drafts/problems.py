"""What stops work on a draft."""

from __future__ import annotations

from engine.errors import Problem


class DraftUnknown(Problem):
    """There is no such draft or version of it, or the person may not see it."""

    kind = "missing"


class DraftFileUnknown(Problem):
    """The draft has no file of this `path`."""

    kind = "missing"


class DraftChanged(Problem):
    """Somebody saved this meanwhile. Values: `path`, `by` (a name), `number` (the version that is the latest now)."""

    kind = "conflict"


class DraftClosed(Problem):
    """The draft's `state` does not allow this: it was submitted, released or put away."""

    kind = "conflict"


class DraftUnchanged(Problem):
    """The draft says exactly what the newest deployed version says; there is nothing to release. Value: `version`."""

    kind = "conflict"


class DraftFileRefused(Problem):
    """A file of this name or size cannot belong to a notice; `findings` say why."""


class DraftKeyRefused(Problem):
    """The new notice's key cannot be used: badly written, or taken by a notice or another draft. Value: `key`."""


class DraftReasonMissing(Problem):
    """Sending a draft back needs a reason."""
