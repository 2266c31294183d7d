"""The worlds of the four notices, as the tests of their own parts write them."""

from __future__ import annotations

from tests.workflows.reports.conftest import (  # noqa: F401
    jiangxi,
    samr_lite,
    written_actions,
)
from tests.workflows.rounds.conftest import hubei, hubei_anywhere, written_hubei  # noqa: F401
