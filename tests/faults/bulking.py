"""A process that does what is due in a database of bulk jobs: `python -m tests.faults.bulking URL MOMENT PAUSE`.

Each handler takes `PAUSE` seconds, so that there is a middle in which the process can be killed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.clock import VirtualClock
from engine.database import open_database
from engine.due import run_due
from engine.handlers import Call
from engine.work import ProcessEngine, Work
from tests.engine.bulk_rows import note, tell_end
from workflows.campaigns.archiving import OPERATIONS


def main(url: str, moment: str, pause: str) -> None:
    """Do everything that is due."""
    process_engine = ProcessEngine(open_database(url), VirtualClock(datetime.fromisoformat(moment)))

    def note_slowly(call: Call) -> None:
        time.sleep(float(pause))
        note(call)

    process_engine.handlers.register("effects.note", note_slowly)
    tell_end(process_engine)
    for name, operation in OPERATIONS.items():

        def do_slowly(work: Work, item: Any, shared: Any, do: Any = operation.do) -> Any:
            time.sleep(float(pause))
            return do(work, item, shared)

        process_engine.bulk[name] = replace(operation, do=do_slowly)
    run_due(process_engine)


if __name__ == "__main__":
    main(*sys.argv[1:])
