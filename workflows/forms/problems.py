"""What can be wrong with a form, and with what somebody filled into it."""

from __future__ import annotations

from engine.errors import Problem


class FormRefused(Problem):
    """The form itself cannot be used; `findings` name every component and key that is not supported. Value: `name`."""


class FormInvalid(Problem):
    """What was filled in cannot be accepted; `findings` list all faults, the path of each is the field's key."""
