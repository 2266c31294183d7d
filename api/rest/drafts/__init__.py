"""`/drafts`: drafts of whole notices, for programs that keep a folder elsewhere: begun, written, checked, handed over."""

from api.rest.drafts import deciding, writing
from api.rest.drafts.reading import resource

__all__ = ["deciding", "resource", "writing"]
