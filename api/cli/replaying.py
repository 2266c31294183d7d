"""`replay`: a notice's campaign played against a virtual clock."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.words import Words

if TYPE_CHECKING:
    from workflows.replay import Report
    from workflows.replay.report import Submission


def add_verbs(verbs: Verbs) -> None:
    """`replay`."""
    replaying = verbs.add("replay", replay, json=True)
    replaying.add("notice")
    replaying.add("--seed", type=int, default=1)
    replaying.add("--institutions", type=int, metavar="N")
    replaying.add("--experts", type=int, default=40, metavar="N")
    replaying.add("--cut", type=int, metavar="N")
    replaying.add("--kernel", choices=("tokens", "spiff"), default="tokens")
    replaying.add("--deadline", type=read_deadline, metavar="DATE")
    replaying.add("--no-confirm", action="store_true")
    replaying.add("--log", type=Path, metavar="FILE")


def replay(options: argparse.Namespace, words: Words) -> int:
    """Play; the timeline and a summary go to standard output. Without `--database` the database is thrown away.

    Raises NoticeNotBundled, DatabaseInUse, ReplayImpossible, OSError when the log cannot be written.
    """
    from workflows.replay import Options, play

    with tempfile.TemporaryDirectory() as scratch, open_log(options.log) as tell_answer:
        if options.database is None:
            options.database = f"sqlite:///{scratch}/replay.sqlite3"
            settings = read_options(options, file_folder=Path(scratch) / "files")
        else:
            settings = read_options(options)
        process_engine = open_engine(settings)
        try:
            bar = ProgressBar(words.say("playing", notice=options.notice))
            report = play(
                process_engine,
                Options(
                    options.notice,
                    seed=options.seed,
                    institutions=options.institutions,
                    experts=options.experts,
                    cut=options.cut,
                    kernel=options.kernel,
                    deadline=options.deadline,
                    confirm=not options.no_confirm,
                ),
                tell_progress=bar.show,
                tell_answer=tell_answer,
            )
            bar.finish()
        finally:
            process_engine.database.dispose()
    if options.json:
        json.dump(report.as_json(), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print_report(report, words)
    return 0


def print_report(report: Report, words: Words) -> None:
    """The timeline line by line, then the counts."""
    for line in report.timeline:
        print(f"{line['at']}  {line['due_on'] or '':10}  {line['event']:34}  {line['subject']}")
    print()
    rows = [
        (words.say("count.published"), len(report.published)),
        *((words.say("count.cases", state=state), count) for state, count in report.counts["cases"].items()),
        *((words.say("count.receipts", kind=kind), count) for kind, count in report.counts["receipts"].items()),
        *((words.say("count.reports", state=state), count) for state, count in report.counts["reports"].items()),
        (words.say("count.lists"), report.counts["lists"]),
        (words.say("count.below_quota"), "、".join(report.below_quota) or "-"),
        (words.say("count.incidents"), len(report.incidents)),
        (words.say("count.unknown_dates"), "、".join(report.unknown_dates) or "-"),
        (words.say("count.open_instances"), len(report.open_instances)),
    ]
    for name, value in rows:
        print(f"{name}: {value}")


def read_deadline(text: str) -> datetime:
    """A day (up to 24:00 in Beijing) or a moment with offset.

    Raises ValueError for anything else, and for a moment without offset.
    """
    from workflows.replay.play import ZONE

    if len(text) == len("2022-08-10"):
        return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), ZONE)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment


@contextmanager
def open_log(path: Path | None) -> Iterator[Callable[[Submission], None]]:
    """What writes each submission as one line of JSON, on the disk before the next one is made; nothing without a `path`."""
    if path is None:
        yield lambda _: None
        return
    with path.open("w", encoding="utf-8") as file:

        def write(submission: Submission) -> None:
            file.write(json.dumps(asdict(submission), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

        yield write


class ProgressBar:
    """How far it has come, on standard error, when that is a terminal."""

    WIDTH = 40

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = -1
        self._terminal = sys.stderr.isatty()

    def show(self, part: float) -> None:
        """Draw it anew when a percent more is done."""
        percent = int(part * 100)
        if self._terminal and percent != self._shown:
            self._shown = percent
            filled = int(part * self.WIDTH)
            bar = f"{'#' * filled}{'.' * (self.WIDTH - filled)}"
            print(f"\r{self._title} [{bar}] {percent:3}%", end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Take it away."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
