"""Replays: a campaign played against a virtual clock by made-up people, through the same functions as the pages.

`world` says who will do what when (from the seed alone), `setting` writes the people into the database, `cast` sees their
tasks and does them, told by its parts (`everybody`: institutions, bodies, authority, jury, public), `filling` fills in any
form, `stage` moves time, `report` tells what happened, `play` is all of it.
"""

from workflows.replay.play import Options, play
from workflows.replay.report import Report

__all__ = ["Options", "Report", "play"]
