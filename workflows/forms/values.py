"""What somebody filled into one field, checked and put into the form in which it is stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from pathlib import PurePath
from typing import Any, Protocol

from engine.errors import Finding
from workflows.forms.counting import clean_text, count_words
from workflows.forms.fields import OTHER, Field, Kind

LARGEST_TEXT = 200_000
"""Characters of one raw value; beyond it nothing is looked at."""
CHARACTERS_PER_WORD = 20
"""A run of Latin letters is one word however long it is: characters are bounded too, by so many for each word allowed."""
MOST_DIGITS = 15
"""Digits of a number, before or after the point."""
MOST_CHOICES = 5_000
"""Options of one list that may be chosen."""

_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
_PHONE = re.compile(r"\+?[0-9(][0-9 ()-]{5,28}[0-9](转[0-9]{1,6})?")
_EXACT = Context(prec=100)
_YES = frozenset(("true", "on", "1", "yes"))
_NO = frozenset(("false", "off", "0", "no", ""))


class Upload(Protocol):
    """A stored file that belongs to a field of the form (`workflows.files.Attachment` is one)."""

    @property
    def id(self) -> str:
        """The attachment's id."""

    @property
    def field(self) -> str:
        """The key of the field it was uploaded for."""

    @property
    def name(self) -> str:
        """The file's name."""

    @property
    def sha256(self) -> str:
        """The digest of its content."""


class Reader:
    """Reads the values of one form; faults gather in `faults` by the path of the field."""

    def __init__(self, files: Iterable[Upload] = ()) -> None:
        self.files = tuple(files)
        self.faults: dict[str, list[Finding]] = {}

    def fault(self, field: Field, path: str, code: str, **values: Any) -> None:
        """Note a fault of `field`; its label fills the message."""
        told = {"label": field.label.zh, "label_en": field.label.en, **values}
        self.faults.setdefault(path, []).append(Finding(code, path=path, values=told))

    def read(self, field: Field, raw: Any, path: str) -> Any:
        """The clean value of `field`: None, [] or False when nothing was given; also when what was given is faulty."""
        match field.kind:
            case Kind.TEXT | Kind.LONG_TEXT:
                return self.read_text(field, raw, path)
            case Kind.NUMBER:
                return self.read_number(field, raw, path)
            case Kind.DATE:
                return self.read_date(field, raw, path)
            case Kind.CHECKBOX:
                return self.read_checkbox(field, raw, path)
            case Kind.SELECT | Kind.RADIO:
                return self.read_choice(field, raw, path)
            case Kind.CHECKLIST | Kind.RANKING:
                return self.read_choices(field, raw, path)
            case Kind.TABLE:
                return self.read_rows(field, raw, path)
            case Kind.FILE:
                return self.read_files(field, raw, path)

    # ---- one value ----
    def read_text(self, field: Field, raw: Any, path: str) -> str | None:
        text = self.take_text(field, raw, path, lines=field.kind is Kind.LONG_TEXT)
        if not text:
            return None
        if field.check is not None:
            text = unicodedata.normalize("NFKC", text)
            if not (_EMAIL if field.check == "email" else _PHONE).fullmatch(text):
                self.fault(field, path, "FieldNotEmail" if field.check == "email" else "FieldNotPhone")
                return None
        length = count_words(text)
        if field.max_length is not None and length > field.max_length:
            self.fault(field, path, "FieldTooLong", limit=field.max_length, length=length)
        elif field.max_length is not None and len(text) > (most := CHARACTERS_PER_WORD * field.max_length + 100):
            self.fault(field, path, "FieldTooManyCharacters", limit=most, length=len(text))
        elif field.min_length is not None and length < field.min_length:
            self.fault(field, path, "FieldTooShort", limit=field.min_length, length=length)
        return text

    def take_text(self, field: Field, raw: Any, path: str, *, lines: bool = False) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str):
            self.fault(field, path, "FieldNotText")
            return None
        if len(raw) > LARGEST_TEXT:
            self.fault(field, path, "FieldTooManyCharacters", limit=LARGEST_TEXT, length=len(raw))
            return None
        return clean_text(raw, lines=lines) or None

    def read_number(self, field: Field, raw: Any, path: str) -> int | str | None:
        if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal, type(None))):
            self.fault(field, path, "FieldNotNumber")
            return None
        text = unicodedata.normalize("NFKC", str(raw)).strip() if raw is not None else ""
        if not text:
            return None
        try:
            number = Decimal(text) if len(text) <= 60 else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
            self.fault(field, path, "FieldNotNumber")
            return None
        exponent = number.normalize(_EXACT).as_tuple().exponent
        if isinstance(exponent, int) and -exponent > field.decimals:
            self.fault(field, path, "FieldTooExact" if field.decimals else "FieldNotWhole", decimals=field.decimals)
            return None
        if field.minimum is not None and number < Decimal(field.minimum):
            self.fault(field, path, "FieldTooSmall", limit=field.minimum)
        elif field.maximum is not None and number > Decimal(field.maximum):
            self.fault(field, path, "FieldTooLarge", limit=field.maximum)
        return str(number.quantize(Decimal(1).scaleb(-field.decimals))) if field.decimals else int(number)

    def read_date(self, field: Field, raw: Any, path: str) -> str | None:
        if type(raw) is date:
            return raw.isoformat()
        text = self.take_text(field, raw, path)
        if text is None:
            return None
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                raise ValueError(text)
            return date.fromisoformat(text).isoformat()
        except ValueError:
            self.fault(field, path, "FieldNotDate")
            return None

    def read_checkbox(self, field: Field, raw: Any, path: str) -> bool:
        if isinstance(raw, bool) or raw is None:
            return bool(raw)
        text = str(raw).strip().lower() if isinstance(raw, (str, int)) else None
        if text in _YES or text in _NO:
            return text in _YES
        self.fault(field, path, "FieldNotYesNo")
        return False

    def read_choice(self, field: Field, raw: Any, path: str) -> str | None:
        text = self.take_text(field, raw, path)
        return text if text is not None and self.is_option(field, text, path) else None

    def is_option(self, field: Field, value: str, path: str) -> bool:
        if field.options is None:
            if len(value) <= 100:
                return True
        elif any(option.value == value for option in field.options):
            return True
        self.fault(field, path, "FieldNotOption", value=value[:60])
        return False

    # ---- lists ----
    def read_choices(self, field: Field, raw: Any, path: str) -> list[str]:
        items = [raw] if isinstance(raw, str) and raw.strip() else [] if raw is None or raw == "" else raw
        if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
            self.fault(field, path, "FieldNotList")
            return []
        if len(items) > MOST_CHOICES:
            self.fault(field, path, "FieldTooMany", limit=MOST_CHOICES)
            return []
        chosen = [text for text in (clean_text(item) for item in items if len(item) <= LARGEST_TEXT) if text]
        if len(set(chosen)) < len(chosen):
            self.fault(field, path, "FieldChosenTwice")
        allowed = None if field.options is None else {option.value for option in field.options}
        for value in dict.fromkeys(chosen):
            if len(value) > 100 or (allowed is not None and value not in allowed):
                self.fault(field, path, "FieldNotOption", value=value[:60])
        if field.kind is Kind.CHECKLIST and field.options is not None:  # in the order of the form
            order = {option.value: place for place, option in enumerate(field.options)}
            chosen.sort(key=lambda value: order.get(value, len(order)))
        return chosen

    def read_rows(self, field: Field, raw: Any, path: str) -> list[dict[str, Any]]:
        rows = [] if raw is None or raw == "" else raw
        if not isinstance(rows, (list, tuple)):
            self.fault(field, path, "FieldNotRows")
            return []
        if len(rows) > field.max_rows:
            self.fault(field, path, "FieldTooManyRows", limit=field.max_rows, count=len(rows))
            return []
        found = []
        known = {column.key for column in field.columns}
        for place, row in enumerate(rows):
            where = f"{path}.{place}"
            if not isinstance(row, Mapping):
                self.fault(field, where, "FieldNotRows")
                continue
            for key in [str(key) for key in row if key not in known]:
                self.fault(field, f"{where}.{key[:80]}", "FieldUnknown", key=key[:80])
            columns = [column for column in field.columns if not column.read_only]
            clean = {column.key: self.read(column, row.get(column.key), f"{where}.{column.key}") for column in columns}
            if not any(path.startswith(f"{where}.") for path in self.faults) and all(is_empty(value) for value in clean.values()):
                continue  # an empty row is no row, whatever it would require
            for column in columns:
                if column.required and is_empty(clean[column.key]):
                    self.require(column, f"{where}.{column.key}")
            found.append(clean)
        return found

    def require(self, field: Field, path: str) -> None:
        """Note that a value is missing, unless something else is already wrong with it."""
        if path not in self.faults:
            self.fault(field, path, "FieldMustBeTicked" if field.kind is Kind.CHECKBOX else "FieldRequired")

    def read_files(self, field: Field, raw: Any, path: str) -> list[dict[str, str]]:
        mine = {file.id: file for file in self.files if file.field == field.key}
        if raw is None:
            chosen = list(mine)
        else:
            items = [raw] if isinstance(raw, (str, Mapping)) and raw else raw if isinstance(raw, (list, tuple)) else []
            named = [item.get("id") if isinstance(item, Mapping) else item for item in items]
            chosen = list(dict.fromkeys(item for item in named if isinstance(item, str) and item))
            if len([item for item in named if item]) != len([item for item in named if isinstance(item, str) and item]):
                self.fault(field, path, "FieldNotList")
        found = []
        for file_id in chosen:
            file = mine.get(file_id)
            if file is None:
                self.fault(field, path, "FieldFileUnknown")
                continue
            if field.accept and PurePath(file.name).suffix.lower() not in field.accept:
                self.fault(field, path, "FieldFileKind", name=file.name, allowed=" ".join(field.accept))
            found.append({"id": file.id, "name": file.name, "sha256": file.sha256})
        if len(found) > field.max_files:
            self.fault(field, path, "FieldTooManyFiles", limit=field.max_files, count=len(found))
        return found


def is_empty(value: Any) -> bool:
    """Whether a clean value is none: nothing was given, or a box is not ticked. Zero is a value."""
    return value is None or value is False or value == []


def means_other(value: Any) -> bool:
    """Whether 其它 is (among) what was chosen."""
    return value == OTHER or (isinstance(value, list) and OTHER in value)
