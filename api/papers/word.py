"""A paper as docx, for Word and WPS: real headings, page numbers as fields, the fonts of official papers by their names."""

from __future__ import annotations

import io
import re
from datetime import UTC
from typing import Any

import docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from api.papers.paper import BODY, LINE, MARGINS, SMALL, TITLE, Block, Facts, Heading, Paper, Prose, number_blocks

FONTS = {"title": "方正小标宋简体", "heading": "黑体", "second": "楷体_GB2312", "body": "仿宋_GB2312"}
"""Named, not embedded: where one is not installed Word and WPS take the nearest they have."""
LATIN = "Times New Roman"
BLACK = RGBColor(0, 0, 0)
_NO_TEXT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""


def write_docx(paper: Paper) -> bytes:
    """The paper as a docx file."""
    document = docx.Document()
    _lay_out(document, paper)
    _write(document.add_paragraph(), paper.title, font="title", size=TITLE, align=WD_ALIGN_PARAGRAPH.CENTER)
    if paper.number:
        _write(document.add_paragraph(), paper.number, size=BODY, align=WD_ALIGN_PARAGRAPH.CENTER)
    for block, number in number_blocks(paper):
        _add(document, block, number)
    if paper.foot:
        _write(document.add_paragraph(), paper.foot, size=SMALL)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _lay_out(document: Any, paper: Paper) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = (Mm(each) for each in MARGINS)
    properties = document.core_properties
    properties.title, properties.author, properties.language = paper.title, "", "zh-CN" if paper.language == "zh" else "en"
    properties.comments = ""
    if paper.made_at is not None:
        properties.created = properties.modified = paper.made_at.astimezone(UTC).replace(tzinfo=None)
    for name, font in (("Normal", "body"), ("Heading 1", "heading"), ("Heading 2", "second")):
        style = document.styles[name]
        style.font.name, style.font.size, style.font.bold, style.font.color.rgb = LATIN, Pt(BODY), False, BLACK
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in [each for each in fonts.attrib if each.endswith("Theme")]:  # which would win over the names
            del fonts.attrib[attribute]
        fonts.set(qn("w:eastAsia"), FONTS[font])
    normal = document.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(0), 1
    for spoken in document.styles.element.iter(qn("w:lang")):
        spoken.set(qn("w:eastAsia"), "zh-CN")  # how lines are broken, and which words are no faults
    if paper.mark:
        _write(section.header.paragraphs[0], paper.mark, font="heading", size=SMALL, align=WD_ALIGN_PARAGRAPH.CENTER)
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for part in ("— ", None, " —"):
        run = _style(foot.add_run(part or ""), "body", SMALL)
        if part is None:
            _add_page_number(run)


def _add_page_number(run: Any) -> None:
    for kind, text in (("begin", ""), ("", " PAGE "), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)


def _add(document: Any, block: Block, number: str) -> None:
    if isinstance(block, Heading):
        paragraph = document.add_heading(level=block.level)
        _write(paragraph, number + block.text, font="heading" if block.level == 1 else "second", size=BODY)
        paragraph.paragraph_format.space_before = Pt(LINE / 2)
    elif isinstance(block, Prose):
        for line in block.text.splitlines():
            paragraph = document.add_paragraph()
            _write(paragraph, line, indent=2 * BODY)
            paragraph.paragraph_format.keep_with_next = block.joined or None
    elif isinstance(block, Facts):
        _add_table(document, None, block.lines, block.widths)
    else:
        _add_table(document, block.columns, block.rows, block.widths)


def _add_table(document: Any, head: tuple[str, ...] | None, rows: tuple[tuple[str, ...], ...], widths: tuple[float, ...]) -> None:
    if not rows:
        return
    table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False  # else a long word, as a digest, pushes it off the page
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)  # WPS and LibreOffice go by the columns, Word by the cells
    for row in (*([] if head is None else [head]), *rows):
        cells = table.add_row().cells
        for place, (cell, text) in enumerate(zip(cells, row, strict=True)):
            label = row is head or (head is None and place == 0)
            cell.width = Mm(widths[place])
            lines = text.splitlines() or [""]
            for paragraph, line in zip([cell.paragraphs[0], *(cell.add_paragraph() for _ in lines[1:])], lines, strict=True):
                _style(paragraph.add_run(_NO_TEXT.sub("", line)), "heading" if label else "body", SMALL)
    if head is not None:  # told again at the head of each page
        repeated = OxmlElement("w:tblHeader")
        repeated.set(qn("w:val"), "true")
        table.rows[0]._tr.get_or_add_trPr().append(repeated)


def _write(
    paragraph: Any, text: str, *, font: str = "body", size: float = BODY, align: Any = None, indent: float | None = None
) -> None:
    _style(paragraph.add_run(_NO_TEXT.sub("", text)), font, size)
    shape = paragraph.paragraph_format
    shape.space_after = Pt(0)
    if size >= BODY:
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(LINE if size < TITLE else LINE + 7)
    if align is not None:
        shape.alignment = align
    if indent is not None:
        shape.first_line_indent = Pt(indent)


def _style(run: Any, font: str, size: float) -> Any:
    run.font.name, run.font.size, run.font.bold = LATIN, Pt(size), False
    run.font.italic = False
    run.font.color.rgb = BLACK
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONTS[font])
    return run
