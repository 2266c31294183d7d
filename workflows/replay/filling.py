"""Fills in any form as somebody conscientious would: what is required gets a value that fits, what is not stays empty."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from workflows.forms import OTHER, Form, FormInvalid, Kind
from workflows.forms.fields import Field

PHRASES = (
    "围绕产业需求建立检测方法并形成服务能力",
    "为中小企业提供一站式检测服务",
    "检测周期明显缩短，成本下降",
    "形成可复制、可推广的经验",
    "与上下游单位协同开展技术攻关",
    "数据来自演练，不对应任何真实单位",
)
DIRECTIONS = ("specialised", "small_business", "safety_livelihood", "market_supervision")
ROUNDS = 8
"""Conditions may ask for more once something is filled in; after so many rounds a form asks in circles."""


def describe_case(dice: random.Random, *, title: str, contact: str, phone: str, email: str) -> dict[str, Any]:
    """What an institution says in its application."""

    def words(count: int) -> str:
        return "，".join(dice.choice(PHRASES) for _ in range(count)) + "。"

    return {
        "institution_kind": "third_party_company",
        "contact_name": contact,
        "contact_phone": phone,
        "contact_email": email,
        "title": title,
        "directions": [dice.choice(DIRECTIONS)],
        "summary": words(2),
        "background": words(3),
        "practice": words(5),
        "results": words(4),
        "indicators": [{"name": "服务企业", "value": str(dice.randint(20, 900)), "unit": "家"}],
        "demonstration": words(2),
        "originality": True,
    }


def amend_case(given: Mapping[str, Any], dice: random.Random) -> dict[str, Any]:
    """The same application after a return: a figure mended, one more given, a sentence changed and one added."""
    practice = str(given["practice"])
    first, rest = dict(given["indicators"][0]), list(given["indicators"][1:])
    first["value"] = str(int(first["value"]) + dice.randint(1, 20))
    saved = {"name": "缩短检测周期", "value": str(dice.randint(2, 9)), "unit": "个工作日"}
    return {
        **given,
        "practice": practice.replace("明显缩短", f"由平均 {dice.randint(15, 20)} 天缩短到 {dice.randint(7, 10)} 天"),
        "results": f"{given['results']}以上数据按季度统计，出处见佐证材料。",
        "indicators": [first, *rest, saved],
    }


def fill_form(
    form: Form,
    given: Mapping[str, Any],
    *,
    dice: random.Random,
    today: date,
    upload: Callable[[Field], str],
) -> dict[str, Any]:
    """Data for `form` that its own check takes: what is `given` (as far as the form has such fields and options), and a value
    for each field that is missing. `upload` stores a file for a field and returns its id.

    Raises FormInvalid where no such data were found.
    """
    data = {key: value for key, value in given.items() if key in form.by_key and _fits(form.by_key[key], value)}
    data = {key: value for key, value in data.items() if not form.by_key[key].read_only}
    for _ in range(ROUNDS):
        try:
            form.parse(data, files=_files_of(form, data))
        except FormInvalid as invalid:
            missing = {(found.path or "").partition(".")[0] for found in invalid.findings}
            fields = [form.by_key[key] for key in form.by_key if key in missing and not data.get(key)]
            if not fields:
                raise
            for field in fields:
                data[field.key] = _invent(field, dice, today, upload)
        else:
            return data
    form.parse(data, files=_files_of(form, data))
    return data


class _File:
    """What a form needs to know of an upload."""

    def __init__(self, file_id: str, field: Field) -> None:
        self.id, self.field, self.name, self.sha256 = file_id, field.key, f"file{(field.accept or ('.pdf',))[0]}", ""


def _files_of(form: Form, data: Mapping[str, Any]) -> list[_File]:
    """The files that the data name: of an earlier version, or uploaded just now."""
    return [
        _File(item["id"] if isinstance(item, Mapping) else str(item), field)
        for field in form.fields
        if field.kind is Kind.FILE
        for item in data.get(field.key) or []
    ]


def _fits(field: Field, value: Any) -> bool:
    """Whether a given choice is one of the form's; anything else is left to the form's check."""
    if not field.options or field.kind not in (Kind.SELECT, Kind.RADIO, Kind.CHECKLIST):
        return True
    chosen = value if isinstance(value, list) else [value]
    return {option.value for option in field.options} >= set(chosen)


def _invent(field: Field, dice: random.Random, today: date, upload: Callable[[Field], str]) -> Any:
    """A value for one field."""
    options = [option.value for option in field.options or () if option.value != OTHER]
    match field.kind:
        case Kind.TEXT | Kind.LONG_TEXT:
            return _write(field, dice)
        case Kind.NUMBER:
            low = int(Decimal(field.minimum)) if field.minimum is not None else 1
            high = int(Decimal(field.maximum)) if field.maximum is not None else low + 100
            return str(dice.randint(low, max(low, high)))
        case Kind.DATE:
            return today.isoformat()
        case Kind.SELECT | Kind.RADIO:
            return dice.choice(options) if options else None
        case Kind.CHECKLIST | Kind.RANKING:
            return [dice.choice(options)] if options else []
        case Kind.CHECKBOX:
            return True
        case Kind.TABLE:
            columns = [column for column in field.columns if not column.read_only]
            return [{column.key: _invent(column, dice, today, upload) for column in columns}]
        case Kind.FILE:
            return [upload(field)]


def _write(field: Field, dice: random.Random) -> str:
    """A text within the field's limits; one that is personal or checked looks like what it is."""
    if field.check == "email" or field.personal == "email":
        return f"replay-{dice.randint(1, 9999)}@example.org"
    if field.check == "phone" or field.personal == "phone":
        return f"010-5550{dice.randint(0, 9999):04d}"
    text = "，".join(dice.choice(PHRASES) for _ in range(2)) + "。"
    while len(text) < (field.min_length or 0):
        text += dice.choice(PHRASES) + "。"
    return text[: field.max_length] if field.max_length else text
