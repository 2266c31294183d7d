"""Everybody who plays in a campaign: the parts of the cast, put together."""

from __future__ import annotations

from collections.abc import Sequence

from workflows.replay.authority import Authority
from workflows.replay.bodies import Bodies
from workflows.replay.cast import Cast, Part
from workflows.replay.institutions import Institutions
from workflows.replay.jury import Jury
from workflows.replay.public import Public
from workflows.replay.reporters import Reporters
from workflows.replay.rounds import Rounds


def everybody(cast: Cast) -> Sequence[Part]:
    """All parts; what a campaign's diagrams do not draw, they are never asked for."""
    institutions = Institutions(cast)
    return (
        institutions,
        Bodies(cast, institutions),
        Authority(cast, institutions),
        Jury(cast, institutions),
        Public(cast),
        Rounds(cast, institutions),
        Reporters(cast),
    )
