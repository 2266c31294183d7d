"""Every code that the schema check, the second kernel and the second opinion can give has its words."""

from __future__ import annotations

import re
from pathlib import Path

from engine.texts import Catalogue

ROOMS = (Path("engine/spiff"), Path("engine/opinion"))
ASPECTS = ("waits", "completed", "thrown", "end", "variables", "failure", "delivered")


def test_every_code_has_an_entry_and_every_entry_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for room in ROOMS for path in room.glob("*.py"))
    used = set(re.findall(r'"((?:schema|spiff|limit|opinion)_[a-z_]+)"', source)) | {f"opinion_{aspect}" for aspect in ASPECTS}
    assert set(re.findall(r'Difference\("(\w+)"', source)) | set(re.findall(r'_compare\("(\w+)"', source)) == set(ASPECTS)
    used |= {code.replace("limit_", "spiff_cannot_") for code in used if code.startswith("limit_")}  # why a deployment is refused
    entries = {code for code in Catalogue("engine").entries if re.match(r"(schema|spiff|limit|opinion)_", code)}
    assert used == entries
