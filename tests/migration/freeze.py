"""Freezes running instances of this release, once per release: `python tests/migration/freeze.py 0.2.0`.

Later versions must finish them (`test_frozen_instances.py`). What was frozen is never written again.
"""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import parts
from playing import SCRIPTS, Player, play_frozen

from engine.definitions import KERNELS
from engine.model import read_diagram
from engine.states import FORMAT_VERSION
from tests.engine.tokens.drawing import draw

HERE = Path(__file__).parent / "instances"


def freeze(release: str) -> None:
    """Write `instances/<release>/`: the diagrams, and for each kernel and life its documents after every step."""
    folder = HERE / release
    folder.mkdir(parents=True)
    for name, script in SCRIPTS.items():
        xml = (
            draw(parts.DRAWING) if name == "parts" else (resources.files("bpmn") / "samr_2022_932" / f"{name}.bpmn").read_bytes()
        )
        (folder / f"{name}.bpmn").write_bytes(xml)
        definition = read_diagram(xml, name=name).definition
        assert definition is not None
        for kernel in KERNELS.values():
            player = Player(kernel, definition, script)
            states = [
                {
                    "step": step,
                    "document": {"format_version": FORMAT_VERSION, "state": json.loads(json.dumps(document))},
                    "waits": waits,
                }
                for step, document, waits in play_frozen(player)
            ]
            assert player.ended
            text = json.dumps({"kernel": kernel.name, "life": name, "states": states}, ensure_ascii=False, indent=1)
            (folder / f"{name}-{kernel.name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    freeze(sys.argv[1])
