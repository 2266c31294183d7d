"""Camunda Forms JSON as bpmn.io's form editor writes it: the component types and keys that we support, nothing else.

Each component type is one model that refuses unknown keys. A FEEL expression (`"=…"`) in a place where we want a plain value
is of the wrong type and refused by that.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Key

from workflows.forms.fields import PersonalClass

SCHEMA_VERSIONS = range(1, 20)
"""Versions of the schema of Camunda Forms whose keys these models know."""


class Part(BaseModel):
    """What all parts have in common: strict types, no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Layout(Part):
    """Where a component stands."""

    row: str | None = None
    columns: int | None = Key(default=None, ge=1, le=16)


class Conditional(Part):
    """When a component is not shown."""

    hide: str | None = None


class Properties(Part):
    """What Camunda Forms have no key for; the values are texts, as the editor writes them."""

    label_en: str | None = None
    description_en: str | None = None
    text_en: str | None = None
    personal: PersonalClass | Literal["none"] | None = None
    blind: Literal["hidden", "shown"] | None = None
    required_if: str | None = None
    other_of: str | None = None
    criterion: str | None = Key(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    widget: Literal["hidden", "ranking"] | None = None
    max_files: str | None = Key(default=None, pattern=r"^[1-9][0-9]{0,2}$")
    max_bytes: str | None = Key(default=None, pattern=r"^[1-9][0-9]{0,9}$")
    max_rows: str | None = Key(default=None, pattern=r"^[1-9][0-9]{0,3}$")
    max_words: str | None = Key(default=None, pattern=r"^[1-9][0-9]{0,4}$")


class Value(Part):
    """One option."""

    value: str = Key(min_length=1, max_length=100)
    label: str = Key(min_length=1, max_length=500)


class NoRules(Part):
    """Only whether something must be given."""

    required: bool = False


class TextRules(NoRules):
    """Lengths are words as Word counts them."""

    min_length: int | None = Key(default=None, alias="minLength", ge=0, le=100_000)
    max_length: int | None = Key(default=None, alias="maxLength", ge=1, le=100_000)
    validation_type: Literal["", "custom", "email", "phone"] | None = Key(default=None, alias="validationType")


class NumberRules(NoRules):
    """Bounds, both included."""

    min: int | float | str | None = None
    max: int | float | str | None = None


class Component(Part):
    """Any component."""

    type: str
    id: str | None = None
    layout: Layout = Layout()
    conditional: Conditional = Conditional()
    properties: dict[str, Any] = {}  # read by `Properties`
    version_tag: str | None = Key(default=None, alias="versionTag")


class Keyed(Component):
    """A component that holds a value under its key."""

    key: str = Key(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    label: str = ""
    description: str | None = None
    disabled: bool = False
    readonly: bool = False
    default: Any = Key(default=None, alias="defaultValue")


class TextField(Keyed):
    """`textfield` and `textarea`."""

    rules: TextRules = Key(default=TextRules(), alias="validate")


class NumberField(Keyed):
    """`number`."""

    rules: NumberRules = Key(default=NumberRules(), alias="validate")
    decimals: int = Key(default=0, alias="decimalDigits", ge=0, le=10)
    increment: int | float | str | None = None
    as_text: bool = Key(default=False, alias="serializeToString")


class DateField(Keyed):
    """`datetime` of the subtype `date`."""

    label: str = Key(default="", alias="dateLabel")
    subtype: Literal["date"]
    rules: NoRules = Key(default=NoRules(), alias="validate")


class CheckboxField(Keyed):
    """`checkbox`; a required one must be ticked."""

    rules: NoRules = Key(default=NoRules(), alias="validate")


class ChoiceField(Keyed):
    """`select`, `radio`, `checklist`, `taglist`: options given here, or under a name from outside."""

    rules: NoRules = Key(default=NoRules(), alias="validate")
    values: list[Value] | None = Key(default=None, max_length=500)
    values_key: str | None = Key(default=None, alias="valuesKey", pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    searchable: bool = False


class FileField(Keyed):
    """`filepicker`."""

    rules: NoRules = Key(default=NoRules(), alias="validate")
    multiple: bool = False
    accept: str | None = None


class RowsField(Component):
    """`dynamiclist`: rows of the same fields."""

    path: str = Key(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")
    label: str = ""
    components: list[Any]
    repeats: bool = Key(default=True, alias="isRepeating")
    allow_add_remove: bool = Key(default=True, alias="allowAddRemove")
    repetitions: int = Key(default=1, alias="defaultRepetitions", ge=0, le=100)
    outline: bool = Key(default=False, alias="showOutline")
    alignment: str | None = Key(default=None, alias="verticalAlignment")
    never_folded: bool = Key(default=False, alias="disableCollapse")
    unfolded: int | None = Key(default=None, alias="nonCollapsedItems")


class GroupPart(Component):
    """`group`; a path of its own is not supported, its values stand beside all others."""

    label: str = ""
    path: Literal[""] | None = None
    components: list[Any]
    outline: bool = Key(default=False, alias="showOutline")
    alignment: str | None = Key(default=None, alias="verticalAlignment")


class TextPart(Component):
    """`text`: plain lines and Markdown's emphasis; templates (`{{…}}`) are not supported."""

    text: str = Key(min_length=1, max_length=20_000)
    label: str | None = None


class PlainPart(Component):
    """`separator` and `spacer`."""

    height: int | None = None


class ButtonPart(Component):
    """`button`: accepted as the editor writes it, and left out: the page has its own buttons."""

    label: str | None = None
    key: str | None = None
    action: Literal["submit", "reset"] = "submit"


MODELS: dict[str, type[Component]] = {
    "textfield": TextField,
    "textarea": TextField,
    "number": NumberField,
    "datetime": DateField,
    "checkbox": CheckboxField,
    "select": ChoiceField,
    "radio": ChoiceField,
    "checklist": ChoiceField,
    "taglist": ChoiceField,
    "filepicker": FileField,
    "dynamiclist": RowsField,
    "group": GroupPart,
    "text": TextPart,
    "separator": PlainPart,
    "spacer": PlainPart,
    "button": ButtonPart,
}
"""By the component's `type`; all others (`html`, `iframe`, `image`, `table`, `expression`, …) are refused by name."""


class Document(Part):
    """The form as a whole."""

    type: Literal["default"]
    id: str = Key(min_length=1, max_length=200)
    components: list[Any]
    schema_version: int = Key(alias="schemaVersion", ge=SCHEMA_VERSIONS.start, le=SCHEMA_VERSIONS.stop - 1)
    execution_platform: str | None = Key(default=None, alias="executionPlatform")
    execution_platform_version: str | None = Key(default=None, alias="executionPlatformVersion")
    exporter: dict[str, str] | None = None
    version_tag: str | None = Key(default=None, alias="versionTag")
    properties: dict[str, str] = {}


def allowed_keys(model: type[Part]) -> list[str]:
    """The keys that a part may have, for suggestions."""
    return [info.alias or name for name, info in model.model_fields.items()]
