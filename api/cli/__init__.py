"""The command line: the console script `linxuan`. Each verb says what it does by `--help`, in the language of the terminal.

Exit codes: 0 done, 1 refused or failed (with words on standard error), 2 wrong usage. With `--json` standard output holds JSON
alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; its exit code."""
    from api.cli.faults import tell_fault
    from api.cli.parser import make_parser, read_language
    from api.cli.words import Words

    arguments = list(sys.argv[1:] if arguments is None else arguments)
    words = Words(read_language(arguments, os.environ))
    options = make_parser(words).parse_args(arguments)
    try:
        code: int = options.run(options, words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as fault:  # noqa: BLE001 - what is not known is raised again
        text = tell_fault(fault, words)
        if text is None:
            raise
        print(text, file=sys.stderr)
        return 1
