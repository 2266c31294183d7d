"""Forms: Camunda Forms JSON read into fields, and the one validation of what people fill in (page, REST, import)."""

from workflows.forms.counting import clean_text, count_words
from workflows.forms.fields import OTHER, Component, Field, Group, Kind, Label, Note, Option, Place
from workflows.forms.form import Form
from workflows.forms.problems import FormInvalid, FormRefused
from workflows.forms.tree import list_counted
from workflows.forms.values import Upload

__all__ = [
    "OTHER",
    "Component",
    "Field",
    "Form",
    "FormInvalid",
    "FormRefused",
    "Group",
    "Kind",
    "Label",
    "Note",
    "Option",
    "Place",
    "Upload",
    "clean_text",
    "count_words",
    "list_counted",
]
