"""The agenda: everything that is due, over all campaigns that a person may see, and how each of it stands."""

from workflows.agenda.entries import KINDS, STATES, Agenda, Entry, Wanted
from workflows.agenda.reading import read_agenda

__all__ = ["KINDS", "STATES", "Agenda", "Entry", "Wanted", "read_agenda"]
