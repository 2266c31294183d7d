"""Ids that nobody can guess and that sort by time: RFC 9562 UUIDs of version 7, as 32 hexadecimal digits."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """A new id: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return f"{value:032x}"
