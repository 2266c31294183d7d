"""A process that a timer starts right after its deployment, and one that is started by the message that it sends."""

from __future__ import annotations

CHAIN = """
process timed {
start soon timer=PT0.2S
service first handler=bell.note
end tell message=told
soon -> first -> tell
}
process told {
start heard message=told
service second handler=bell.note
heard -> second
}
"""
