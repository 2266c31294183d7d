"""SpiffWorkflow as the second kernel and for the BPMN schema; the one room that imports the library.

Nothing of the library is patched for the process: everything is done by subclasses. The one thing that is set is the level of
its loggers (`QUIET`), because the library collects the data of all tasks for log lines that nobody reads.
"""

from __future__ import annotations

import logging

from engine.spiff.kernel import SpiffKernel
from engine.spiff.limits import limits
from engine.spiff.validate import validate_xsd

QUIET = ("spiff.task", "spiff.workflow")
for _name in QUIET:
    logging.getLogger(_name).setLevel(logging.WARNING)

__all__ = ["SpiffKernel", "limits", "validate_xsd"]
