"""Camunda Forms JSON → fields, with everything that is not supported told at once and by its path."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from engine.errors import Finding
from engine.expressions import Expression, ExpressionRefused, parse
from workflows.forms import components as parts
from workflows.forms.faults import Known, shorten, tell_faults
from workflows.forms.fields import CHOICES, OTHER, Component, Field, Group, Kind, Label, Note, Option, Place
from workflows.forms.source import read_json
from workflows.forms.tree import list_fields, list_hide_conditions

DEEPEST = 6
"""Levels of groups within groups."""
MOST_COMPONENTS = 500
"""Components of one form."""

_KINDS = {
    "textfield": Kind.TEXT,
    "textarea": Kind.LONG_TEXT,
    "number": Kind.NUMBER,
    "datetime": Kind.DATE,
    "checkbox": Kind.CHECKBOX,
    "select": Kind.SELECT,
    "radio": Kind.RADIO,
    "checklist": Kind.CHECKLIST,
    "taglist": Kind.CHECKLIST,
    "filepicker": Kind.FILE,
    "dynamiclist": Kind.TABLE,
}
ALWAYS = "true"
"""What `required_if` says of a table that may not be empty: Camunda Forms have no key for it there."""
_TEXT_LENGTHS = {Kind.TEXT: 500, Kind.LONG_TEXT: 20_000}
"""The longest text of a field that states no length itself."""


def read_components(source: bytes | str | Mapping[str, Any]) -> tuple[str, tuple[Component, ...], list[Finding]]:
    """The form's id, its components, and all findings (then the components are not to be used)."""
    findings: list[Finding] = []
    data = read_json(source, findings)
    if data is None:
        return "", (), findings
    try:
        document = parts.Document.model_validate(data)
    except ValidationError as error:
        findings += tell_faults(error, known={(): parts.allowed_keys(parts.Document)}, data=data)
    raw = data.get("components")
    reader = _Reader(findings)
    found = reader.read_list(raw if isinstance(raw, list) else [], "components", DEEPEST)
    reader.check_whole(found)
    return ("" if findings else document.id), found, findings


class _Reader:
    """Reads one form; the findings gather in the caller's list."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.count = 0
        self.ids: dict[str, str] = {}  # component id → path
        self.places: dict[str, str] = {}  # field key → path of its component
        self.faulty: set[str] = set()  # keys of components that could not be read: not unknown, only not usable

    def fault(self, code: str, path: str, **values: Any) -> None:
        self.findings.append(Finding(code, path=path, values=values))

    # ---- components ----
    def read_list(self, raw: list[Any], path: str, depth: int, *, in_table: str | None = None) -> tuple[Component, ...]:
        found = []
        for place, item in enumerate(raw):
            self.count += 1
            if self.count > MOST_COMPONENTS:
                self.fault("FormTooManyComponents", f"{path}[{place}]", limit=MOST_COMPONENTS)
                break
            component = self.read_component(item, f"{path}[{place}]", depth, in_table=in_table)
            if component is not None:
                found.append(component)
        return tuple(found)

    def read_component(self, raw: Any, path: str, depth: int, *, in_table: str | None) -> Component | None:
        if not isinstance(raw, dict):
            self.fault("ValueNotMapping", path, key=path)
            return None
        kind = raw.get("type")
        model = parts.MODELS.get(kind) if isinstance(kind, str) else None
        if model is None:
            self.fault("FormComponentUnsupported", path, type=shorten(kind), supported=", ".join(parts.MODELS))
            return None
        if isinstance(own_id := raw.get("id"), str) and self.ids.setdefault(own_id, path) != path:
            self.fault("FormIdTwice", f"{path}.id", id=shorten(own_id), other=self.ids[own_id])
        properties = self.read_properties(raw.get("properties"), f"{path}.properties")
        try:
            part = model.model_validate(raw)
        except ValidationError as error:
            known: Known = {(): parts.allowed_keys(model), ("validate",): _rule_keys(model)}
            self.findings += tell_faults(error, prefix=f"{path}.", known=known, data=raw)
            self.faulty.update(raw[key] for key in ("key", "path") if isinstance(raw.get(key), str))
            if isinstance(raw.get("components"), list) and depth:  # what stands inside is looked at all the same
                self.read_list(raw["components"], f"{path}.components", depth - 1, in_table=in_table)
            return None
        place = Place(part.layout.row, part.layout.columns)
        hide_if = self.read_condition(part.conditional.hide, f"{path}.conditional.hide", in_table)
        if isinstance(part, parts.ButtonPart):
            return None
        if isinstance(part, parts.TextPart):
            self.check_plain(part.text, f"{path}.text")
            return Note("text", Label(part.text, properties.text_en or part.text), place, hide_if)
        if isinstance(part, parts.PlainPart):
            return Note("separator" if part.type == "separator" else "spacer", place=place, hide_if=hide_if)
        if isinstance(part, parts.GroupPart):
            if not depth or in_table:
                self.fault("FormNestingUnsupported", path)
                return None
            inner = self.read_list(part.components, f"{path}.components", depth - 1)
            label = self.read_label(part.label, properties.label_en, f"{path}.label")
            return Group(label, inner, place, hide_if, int(properties.max_words) if properties.max_words else None)
        if isinstance(part, parts.RowsField):
            if in_table:
                self.fault("FormNestingUnsupported", path)
                return None
            inner = self.read_list(part.components, f"{path}.components", depth - 1, in_table=part.path)
            return self.keep(self.read_rows(part, properties, inner, path, place, hide_if), path, in_table)
        assert isinstance(part, parts.Keyed)
        field = self.read_field(part, properties, path, place, hide_if, in_table)
        return self.keep(field, path, in_table)

    def keep(self, field: Field, path: str, in_table: str | None) -> Field:
        name = f"{in_table}.{field.key}" if in_table else field.key
        if name in self.places:
            self.fault("FormKeyTwice", path, key=name, other=self.places[name])
        self.places.setdefault(name, path)
        return field

    def read_rows(
        self,
        part: parts.RowsField,
        properties: parts.Properties,
        inner: tuple[Component, ...],
        path: str,
        place: Place,
        hide_if: Expression | None,
    ) -> Field:
        return Field(
            part.path,
            Kind.TABLE,
            self.read_label(part.label, properties.label_en, f"{path}.label"),
            place=place,
            hide_if=hide_if,
            required=properties.required_if == ALWAYS,
            required_if=None
            if properties.required_if == ALWAYS
            else self.read_condition(properties.required_if, f"{path}.properties.required_if", None),
            columns=tuple(item for item in inner if isinstance(item, Field)),
            default=[{} for _ in range(part.repetitions)] or None if part.allow_add_remove else None,
            fixed_rows=not part.allow_add_remove,
            max_rows=int(properties.max_rows or 100),
            shown_blind=properties.blind != "hidden",
        )

    def read_field(
        self,
        part: parts.Keyed,
        properties: parts.Properties,
        path: str,
        place: Place,
        hide_if: Expression | None,
        in_table: str | None,
    ) -> Field:
        kind = Kind.RANKING if properties.widget == "ranking" else _KINDS[part.type]
        rules = getattr(part, "rules", None)
        given: dict[str, Any] = {}
        if isinstance(rules, parts.TextRules):
            given = {"min_length": rules.min_length, "max_length": rules.max_length or _TEXT_LENGTHS[kind]}
            given["check"] = rules.validation_type if rules.validation_type in ("email", "phone") else None
            if (rules.min_length or 0) > given["max_length"]:
                self.fault("FormBoundsCrossed", f"{path}.validate")
        elif isinstance(part, parts.NumberField) and isinstance(rules, parts.NumberRules):
            low, high = self.read_number(rules.min, f"{path}.validate.min"), self.read_number(rules.max, f"{path}.validate.max")
            given = {"minimum": low, "maximum": high, "decimals": part.decimals}
            if low is not None and high is not None and Decimal(low) > Decimal(high):
                self.fault("FormBoundsCrossed", f"{path}.validate")
        elif isinstance(part, parts.ChoiceField):
            given = self.read_options(part, path)
        elif isinstance(part, parts.FileField):
            given = {"accept": self.read_accept(part.accept, f"{path}.accept")}
            given["max_files"] = int(properties.max_files or 10) if part.multiple else 1
            given["max_bytes"] = int(properties.max_bytes) if properties.max_bytes else None
        if in_table and (kind is Kind.FILE or properties.other_of):
            self.fault("FormNestingUnsupported", path)
        for name, text in (("label", part.label), ("description", part.description)):
            self.check_plain(text, f"{path}.{name}")
        return Field(
            part.key,
            kind,
            self.read_label(part.label, properties.label_en, f"{path}.label"),
            Label(part.description, properties.description_en or part.description) if part.description else None,
            place,
            required=bool(rules and rules.required),
            read_only=part.readonly or part.disabled,
            required_if=self.read_condition(properties.required_if, f"{path}.properties.required_if", in_table),
            hide_if=hide_if,
            default=part.default,
            other_of=properties.other_of,
            personal=None if properties.personal == "none" else properties.personal,
            shown_blind=properties.blind != "hidden",
            criterion=properties.criterion,
            widget="hidden" if properties.widget == "hidden" else None,
            **given,
        )

    # ---- parts of components ----
    def read_properties(self, raw: Any, path: str) -> parts.Properties:
        if not isinstance(raw, dict):
            return parts.Properties()  # a wrong type is told by the component's own model
        own = {key: value for key, value in raw.items() if not key.startswith("option_en.")}
        try:
            return parts.Properties.model_validate(own)
        except ValidationError as error:
            self.findings += tell_faults(error, prefix=f"{path}.", known={(): parts.allowed_keys(parts.Properties)}, data=own)
            return parts.Properties()

    def read_label(self, text: str, english: str | None, path: str) -> Label:
        if not text.strip():
            self.fault("FormLabelMissing", path)
        return Label(text, english or text)

    def check_plain(self, text: str | None, path: str) -> None:
        if text and (text.startswith("=") or "{{" in text):
            self.fault("FormTemplateUnsupported", path, text=shorten(text))

    def read_condition(self, text: str | None, path: str, in_table: str | None) -> Expression | None:
        if not text:
            return None
        if in_table:
            self.fault("FormNestingUnsupported", path)
            return None
        try:
            return parse(text[1:] if text.startswith("=") else text)
        except ExpressionRefused as error:
            self.findings.append(Finding("ExpressionRefused", path=path, values=error.values))
            return None

    def read_number(self, value: float | str | None, path: str) -> str | None:
        if value is None or value == "":
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            self.fault("ValueNotNumber", path, key=path.rpartition(".")[2])
            return None
        return str(number)

    def read_accept(self, text: str | None, path: str) -> tuple[str, ...]:
        endings = tuple(part.strip().lower() for part in (text or "").split(",") if part.strip())
        for ending in endings:
            if not (ending.startswith(".") and ending[1:].isalnum() and ending.isascii()):
                self.fault("FormAcceptUnsupported", path, value=shorten(ending))
        return endings

    def read_options(self, part: parts.ChoiceField, path: str) -> dict[str, Any]:
        if (part.values is None) == (part.values_key is None):
            self.fault("FormOptionsUnclear", path)
            return {}
        if part.values is None:
            return {"options": None, "options_from": part.values_key}
        values = [item.value for item in part.values]
        for double in sorted({value for value in values if values.count(value) > 1}):
            self.fault("FormOptionTwice", f"{path}.values", value=double)
        english = {key.removeprefix("option_en."): text for key, text in part.properties.items() if key.startswith("option_en.")}
        for value in [value for value, text in english.items() if not isinstance(text, str)]:
            self.fault("ValueNotText", f"{path}.properties.option_en.{value}", key=f"option_en.{value}")
            del english[value]
        for value in sorted(set(english) - set(values)):
            self.fault("FormOptionUnknown", f"{path}.properties.option_en.{value}", value=value)
        return {
            "options": tuple(Option(item.value, Label(item.label, english.get(item.value, item.label))) for item in part.values)
        }

    # ---- the form as a whole ----
    def check_whole(self, components: tuple[Component, ...]) -> None:
        """What concerns several components: names in conditions, the fields that explain 其它, defaults."""
        fields = {field.key: field for field in list_fields(components)}
        for field in fields.values():
            path = self.places.get(field.key, "components")
            if field.other_of is not None and field.other_of not in self.faulty:
                choice = fields.get(field.other_of)
                open_list = choice is not None and choice.kind in CHOICES
                if not open_list or not any(option.value == OTHER for option in (choice.options if choice else None) or ()):
                    self.fault("FormOtherUnclear", f"{path}.properties.other_of", value=field.other_of)
            if field.required_if:
                self.check_names(field.required_if, fields, f"{path}.properties.required_if")
        for condition, owner in list_hide_conditions(components):
            path = self.places[owner.key] if isinstance(owner, Field) and owner.key in self.places else "components"
            self.check_names(condition, fields, f"{path}.conditional.hide")

    def check_names(self, condition: Expression, fields: Mapping[str, Field], path: str) -> None:
        for name in sorted(condition.names - set(fields) - self.faulty):
            near = get_close_matches(name, list(fields), n=1)
            self.fault("FormNameMisspelt" if near else "FormNameUnknown", path, name=name, suggestion=near[0] if near else "")


def _rule_keys(model: type[parts.Component]) -> list[str]:
    info = model.model_fields.get("rules")
    kind = info.annotation if info else None
    return parts.allowed_keys(kind) if isinstance(kind, type) and issubclass(kind, parts.Part) else []
