"""`verify`: the history of a database recomputed."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from api.cli.faults import PathMissing
from api.cli.opening import is_sqlite, read_options, sqlite_file
from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`verify`."""
    verbs.add("verify", verify, json=True)


def verify(options: argparse.Namespace, words: Words) -> int:
    """Recompute all chains; 1 with the first broken row when one is not whole. Writes nothing, and upgrades nothing.

    Raises PathMissing when there is no database, SchemaOutdated.
    """
    from api.wiring import build_engine
    from engine.verification import verify_history
    from workflows.schema import require_schema

    settings = read_options(options)
    file = sqlite_file(settings) if is_sqlite(settings) else None
    if file is not None and not file.exists():
        raise PathMissing(path=file)
    process_engine = build_engine(settings)
    require_schema(process_engine.database)
    with process_engine.read() as work:
        found = verify_history(work)
    process_engine.database.dispose()
    if options.json:
        print(json.dumps({**asdict(found), "sealed": 0}, ensure_ascii=False, indent=1))
        return 1 if found.broken else 0
    counts = {"instances": found.instances, "rows": found.rows}
    if found.broken is None:
        print(words.say("verified", **counts))
    else:
        named = {**asdict(found.broken), "reason": words.say(f"broken.{found.broken.reason}")}
        print(words.say("broken", **{name: "-" if value is None else value for name, value in named.items()}))
        print(words.say("verified_before", **counts))
    print(words.say("not_sealed"))
    return 1 if found.broken else 0
