"""Ids that nobody can guess and that sort by time: RFC 9562 UUIDs of version 7, as 32 hexadecimal digits."""

from __future__ import annotations

import secrets
import threading
import time

_lock = threading.Lock()
_last = (0, 0)


def new_id() -> str:
    """A new id: 48 bits of milliseconds, a counter of 12 bits that keeps the order within this process, 62 random bits."""
    global _last  # the order of ids is a property of the process
    with _lock:
        milliseconds, counter = max(time.time_ns() // 1_000_000, _last[0]), 0
        if milliseconds == _last[0]:
            counter = _last[1] + 1
            if counter > 0xFFF:
                milliseconds, counter = milliseconds + 1, 0
        _last = (milliseconds, counter)
    return f"{milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62):032x}"
