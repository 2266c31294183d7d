"""A paper as PDF: A4 in the manner of GB/T 9704, with the characters it uses embedded out of a font of this machine."""

from __future__ import annotations

from typing import Any

from api.papers.breaking import break_lines
from api.papers.fonts import find_font
from api.papers.paper import BODY, LINE, MARGINS, SMALL, TITLE, WIDTH, Block, Facts, Heading, Paper, Prose, number_blocks
from engine.errors import Problem

FONT = "paper"
POINT = 25.4 / 72
"""Millimetres."""
PADDING = 1
SPARE = 0.1
"""Millimetres around the text of a cell, and what rounding may take of them."""


class PortableUnavailable(Problem):
    """The library that writes PDFs is not installed here."""

    kind = "busy"


def write_pdf(paper: Paper) -> bytes:
    """The paper as a PDF file.

    Raises PortableUnavailable, FontMissing.
    """
    try:
        import fpdf  # noqa: PLC0415 - an installation may go without it
    except ModuleNotFoundError:
        raise PortableUnavailable() from None
    font = find_font()
    pdf = _make_page_class(fpdf.FPDF)(paper)
    pdf.add_font(FONT, "", str(font.path), collection_font_number=font.index)
    top, right, bottom, left = MARGINS
    pdf.set_margins(left, top, right)
    pdf.set_auto_page_break(True, bottom)
    pdf.set_title(paper.title)
    pdf.set_lang("zh-CN" if paper.language == "zh" else "en")
    pdf.set_creator("Linxuan")
    pdf.add_page()
    _say(pdf, paper.title, size=TITLE, align="C", line=LINE + 7)
    if paper.number:
        _say(pdf, paper.number, align="C")
    pdf.ln(LINE * POINT / 2)
    for block, number in number_blocks(paper):
        _add(pdf, block, number)
    if paper.foot:
        pdf.ln(LINE * POINT / 2)
        _say(pdf, paper.foot, size=SMALL, line=SMALL * 1.6)
    return bytes(pdf.output())


def _make_page_class(base: Any) -> Any:
    """The library's page with our head and foot."""

    class Pages(base):  # type: ignore[misc]
        def __init__(self, paper: Paper) -> None:
            super().__init__(format="A4")
            self.paper = paper

        def header(self) -> None:
            if self.paper.mark:
                self.set_y(20)
                self.set_font(FONT, size=SMALL)
                self.cell(0, 5, self.paper.mark, align="C")
                self.set_y(MARGINS[0])

        def footer(self) -> None:
            self.set_y(-MARGINS[2] + 7)
            self.set_font(FONT, size=SMALL)
            self.cell(0, 5, f"— {self.page_no()} —", align="C")

    return Pages


def _say(pdf: Any, text: str, *, size: float = BODY, align: str = "L", line: float = LINE) -> None:
    pdf.set_font(FONT, size=size)
    for each in break_lines(text, WIDTH - 2 * pdf.c_margin, pdf.get_string_width):
        pdf.cell(0, line * POINT, each, align=align, new_x="LMARGIN", new_y="NEXT")


def _add(pdf: Any, block: Block, number: str) -> None:
    followed = isinstance(block, Heading) or (isinstance(block, Prose) and block.joined)
    if followed and pdf.will_page_break(3 * LINE * POINT):  # no heading at the foot of a page
        pdf.add_page()
    if isinstance(block, Heading):
        pdf.set_font(FONT, size=BODY)
        pdf.start_section(block.text, level=block.level - 1)
        _say(pdf, number + block.text)
    elif isinstance(block, Prose):
        indent = "\u3000\u3000" if block.text and ord(block.text[0]) > 0x2E80 else ""
        for line in block.text.splitlines():
            _say(pdf, indent + line)
    elif isinstance(block, Facts):
        _add_table(pdf, None, block.lines, block.widths)
    else:
        _add_table(pdf, block.columns, block.rows, block.widths)


def _add_table(pdf: Any, head: tuple[str, ...] | None, rows: tuple[tuple[str, ...], ...], widths: tuple[float, ...]) -> None:
    if not rows:
        return
    pdf.set_font(FONT, size=SMALL)
    plain: dict[str, Any] = {"line_height": SMALL * 1.5 * POINT, "padding": PADDING, "text_align": "LEFT", "col_widths": widths}
    if head is None:
        plain["first_row_as_headings"] = False
    else:
        from fpdf.fonts import FontFace  # noqa: PLC0415

        plain["headings_style"] = FontFace(fill_color=(235, 235, 235))
    with pdf.table(**plain) as table:
        for row in (*([] if head is None else [head]), *rows):
            cells = zip(row, widths, strict=True)
            table.row(["\n".join(break_lines(text, width - 2 * PADDING - SPARE, pdf.get_string_width)) for text, width in cells])
    pdf.ln(LINE * POINT / 3)
