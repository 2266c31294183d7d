"""Replays: a campaign played against a virtual clock by made-up people, through the same functions as the pages.

`world` says who will do what when (from the seed alone), `setting` writes the people into the database, `cast` does what they
do, `stage` moves time, `report` tells what happened, `play` is all of it.
"""

from workflows.replay.play import Options, play
from workflows.replay.report import Report

__all__ = ["Options", "Report", "play"]
