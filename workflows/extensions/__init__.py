"""Deadlines of a running campaign that are moved: asked for (`asking`), previewed (`plans`), done and told (`moving`)."""

from workflows.extensions.asking import Asked, ExtensionRefused, ask_extension, ask_lateness, ask_shift
from workflows.extensions.moving import (
    OPERATIONS,
    Extension,
    PreviewOutdated,
    extend,
    hold_campaign,
    list_extensions,
    preview_extension,
    read_job,
)
from workflows.extensions.plans import Plan, count_moved
from workflows.extensions.recounting import Affected, ask_recount, find_recount, list_affected, list_undecided
from workflows.extensions.series import list_singles

__all__ = [
    "Affected",
    "Asked",
    "Extension",
    "ExtensionRefused",
    "OPERATIONS",
    "Plan",
    "PreviewOutdated",
    "ask_extension",
    "ask_lateness",
    "ask_recount",
    "ask_shift",
    "count_moved",
    "extend",
    "find_recount",
    "hold_campaign",
    "list_affected",
    "list_extensions",
    "list_singles",
    "list_undecided",
    "preview_extension",
    "read_job",
]
