"""The designer's drafts: whole notices begun, edited, checked, compared, handed over and released."""

from api.pages.drafts import deciding, editing, files, forms, overview, versions
from api.pages.drafts.opening import pages

__all__ = ["deciding", "editing", "files", "forms", "overview", "pages", "versions"]
