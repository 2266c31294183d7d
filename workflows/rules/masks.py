"""How personal data look when masked: enough to tell two people apart, too little to reach them.

Phones and identity numbers keep their first three and last four digits, as is customary on public lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_DIGITS = re.compile(r"\d(?:[\d\s-]*\d)?[Xx]?")
_HAN_NAME = re.compile(r"(?<![\u4e00-\u9fff])([\u4e00-\u9fff])([\u4e00-\u9fff]{1,3})(?![\u4e00-\u9fff])")
_EMAIL = re.compile(r"([^\s@,;，；])[^\s@,;，；]*(@[^\s@,;，；]+)")


def mask_value(personal: str | None, value: Any) -> Any:
    """`value` as people see it who need not reach the person; `personal` is the field's class of personal data.

    A class that is not known here is hidden whole: a new class must not leak by being forgotten.
    """
    if personal is None or value in (None, "", [], {}):
        return value
    if isinstance(value, list):
        return [mask_value(personal, item) for item in value]
    if isinstance(value, dict):
        return {key: mask_value(personal, item) for key, item in value.items()}
    return MASKS.get(personal, _hide)(str(value))


def _hide(text: str) -> str:
    return "***"


def _mask_name(text: str) -> str:
    return text[:1] + "*" * max(len(text) - 1, 1)


def _mask_digits(text: str) -> str:
    digits = sum(character.isdigit() for character in text)
    if digits < 7:
        return "".join("*" if character.isdigit() else character for character in text)
    masked, seen = [], 0
    for character in text:
        if character.isdigit():
            seen += 1
            masked.append(character if seen <= 3 or seen > digits - 4 else "*")
        else:
            masked.append(character)
    return "".join(masked)


def _mask_email(text: str) -> str:
    return _EMAIL.sub(r"\1***\2", text) if "@" in text else _hide(text)


def _mask_identity(text: str) -> str:
    return text[:3] + "*" * max(len(text) - 7, 1) + text[-4:] if len(text) > 7 else _hide(text)


def _mask_contact(text: str) -> str:
    """A name with a number in one field, as forms on paper have it."""
    text = _EMAIL.sub(r"\1***\2", text)
    text = _HAN_NAME.sub(lambda found: found[1] + "*" * len(found[2]), text)
    return _DIGITS.sub(lambda found: _mask_digits(found[0]), text)


MASKS: dict[str, Callable[[str], str]] = {
    "name": _mask_name,
    "phone": _mask_digits,
    "email": _mask_email,
    "identity": _mask_identity,
    "contact": _mask_contact,
}
"""By the class of personal data that a form field names."""
