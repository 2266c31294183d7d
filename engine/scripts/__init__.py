"""Script tasks: Starlark (Python-like, without files, imports or endless loops by accident) in processes of their own.

Limits inside one process do not hold: one expression can take gigabytes, deep nesting overturns the native stack. So every
text of a designer, also one that is only checked, is read by a child process that is started beforehand, limited in memory,
and killed when it takes too long or gets lost. No script runs in the web process, nor while a write lock is held.
"""

from __future__ import annotations

from engine.scripts.problems import ScriptFailed, ScriptsBusy
from engine.scripts.runner import MAX_SOURCE, ScriptRunner, check_script

__all__ = ["MAX_SOURCE", "ScriptFailed", "ScriptRunner", "ScriptsBusy", "check_script"]
