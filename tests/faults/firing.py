"""One process of several that do what is due in the same database: `python -m tests.faults.firing URL MOMENT FOLDER NAME`.

Says it is ready by a file, waits for the file `go`, and writes how many rows it did.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.database import open_database
from engine.due import run_due
from engine.handlers import Call
from engine.work import ProcessEngine

effect = sa.Table("effect", sa.MetaData(), sa.Column("name", sa.String(100), nullable=False))
"""A table without any key: what happens twice is there twice."""


def note(call: Call) -> None:
    """A handler with an effect that can be counted."""
    call.work.connection.execute(effect.insert().values(name=call.form["name"]))


def main(url: str, moment: str, folder: str, name: str) -> None:
    """Do everything that is due."""
    place = Path(folder)

    def send(row: sa.Row[Any]) -> None:
        with (place / "sent").open("a") as file:
            file.write(f"{row.recipient}\n")

    process_engine = ProcessEngine(open_database(url), VirtualClock(datetime.fromisoformat(moment)))
    process_engine.handlers.register("effects.note", note)
    process_engine.extras["senders"] = {"mail": send}
    with process_engine.read() as work:
        work.connection.execute(sa.select(1))
    (place / f"{name}.ready").touch()
    while not (place / "go").exists():
        time.sleep(0.001)
    done = run_due(process_engine)
    scratch = place / f"{name}.part"
    scratch.write_text(str(done))
    os.replace(scratch, place / f"{name}.done")


if __name__ == "__main__":
    main(*sys.argv[1:])
