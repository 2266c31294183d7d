"""Why a step cannot be made. Nothing is to be stored after one of these: the document that was given is still the truth."""

from __future__ import annotations

from engine.errors import OperationNotSupported, StepFailed


class NoFlowTaken(StepFailed):
    """No condition of the outgoing flows holds, and there is no default flow. Value: `element`."""


class ConditionFailed(StepFailed):
    """An expression of the diagram has no value with the data at hand. Values: `element`, `text`, `reason` (a finding)."""


class ConditionVariableMissing(ConditionFailed):
    """An expression needs a variable that the process does not have. Value `name` is the variable, beside the others."""


class TimerUnreadable(StepFailed):
    """The value of a timer is not the moment, duration or cycle that it should be. Values: `element`, `text`, `reason`."""


class CollectionUnreadable(StepFailed):
    """The collection or number of a multi-instance activity is none, or too large. Values: `element`, `value`, `limit`."""


class StepEndless(StepFailed):
    """The tokens go on and on without waiting: a loop that nothing ends. Values: `element`, `limit`."""


class NestingTooDeep(StepFailed):
    """Processes call each other without end. Values: `element`, `limit`."""


class NothingWaits(OperationNotSupported):
    """Nothing waits there (any more) for what is to be done. Values: `token`, `element`."""


class InstanceOver(OperationNotSupported):
    """The instance has ended."""


class StartUnknown(OperationNotSupported):
    """A process cannot begin there. Value: `element` (None: it has no plain start event)."""


class MoveUnknown(OperationNotSupported):
    """No such element, or no token could wait before it. Value: `element`."""


class MoveInto(OperationNotSupported):
    """The target lies in a scope that is not open and can only be entered from its beginning. Values: `element`, `scope`."""


class MoveToJoin(OperationNotSupported):
    """The target waits for several flows; a token that came by none of them would block it. Value: `element`."""


class MoveWhileInterrupted(OperationNotSupported):
    """An event sub-process has interrupted the scope of the target. Values: `element`, `scope`."""


class MoveBeside(OperationNotSupported):
    """The target is in a branch beside the token, which cannot have come from there. Value: `element`."""


class MoveWhileCompensating(OperationNotSupported):
    """Compensation is running in what would go. Value: `element`."""


class MoveAcrossQuantity(OperationNotSupported):
    """Between the target and the token `activity` collects several tokens; how many are still to come is not known.
    Values: `element`, `activity`."""


class BranchAlone(OperationNotSupported):
    """Nothing runs beside the token: it is the whole instance. Value: `element`."""


class BranchUnclear(OperationNotSupported):
    """The branch might still end at one join or at another. Value: `element`."""


class NotMultiInstance(OperationNotSupported):
    """The token is not an instance of an open multi-instance activity. Value: `token`."""
