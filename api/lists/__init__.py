"""Lists as files: rows of a page's list as CSV or XLSX, for people who go on with them in a spreadsheet."""

from api.lists.sheet import KINDS, MOST_ROWS, Cell, Sheet
from api.lists.writers import write_csv, write_xlsx

__all__ = ["KINDS", "MOST_ROWS", "Cell", "Sheet", "write_csv", "write_xlsx"]
