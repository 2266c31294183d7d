"""A case on paper, read back by other libraries: all that its reader may see, and nothing else."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from datetime import UTC, datetime
from typing import Any

import docx
import pytest

from api import papers
from api.pages.words import Words
from api.papers.paper import number_blocks, number_heading
from engine.texts import Catalogue
from tests.api.world import PDF, Place
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import World
from workflows.tables import case_view

LONG = "建立共享平台，开放检测数据。" * 12 + "\n第二段：㐂龘䶮。"


def apply(place: Place, application: dict[str, Any]) -> str:
    """A submitted case of `applicant`; its id."""
    rows = [{"name": "服务企业", "value": "200", "unit": "家"}]
    return place.hand_in({**application, "practice": LONG, "indicators": rows}, scan=("盖章.pdf", PDF)).case_id


def read_docx(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    parts = [part.text for section in document.sections for part in section.header.paragraphs]
    for block in document.iter_inner_content():
        if isinstance(block, docx.table.Table):
            parts += [cell.text for row in block.rows for cell in row.cells]
        else:
            parts.append(block.text)
    return "\n".join(parts)


def read_part(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name).decode()


def read_pdf(content: bytes) -> str:
    reading = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    document = reading.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


EXPECTED = (
    "检测数据共享助力中小企业提质",
    "t2022-0001",
    "甲省质量检验院",
    "吴申报",
    "010-12345678",
    "第二段：㐂龘䶮。",
    "服务企业",
    "盖章.pdf",
    "一、申报材料",
    "（一）",
    "已接收",
    "由钱组织从系统导出",
)


def test_docx_holds_the_case(place: Place, application: dict[str, Any]) -> None:
    case_id = apply(place, application)
    answer = place.client("organiser").get(f"/cases/{case_id}/paper.docx")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="t2022-0001.docx"'
    text = read_docx(answer.data)
    assert [each for each in EXPECTED if each not in text] == []
    assert squeeze(LONG) in squeeze(text)
    document = docx.Document(io.BytesIO(answer.data))
    assert {(round(section.page_width.mm), round(section.left_margin.mm)) for section in document.sections} == {(210, 28)}
    assert "PAGE" in document.sections[0].footer.paragraphs[0]._p.xml
    assert "演示" not in text
    for table in document.tables:  # as wide as the text, and of fixed columns: a digest does not push them off the page
        widths = [column.width.mm for column in table.columns]
        assert not table.autofit and round(sum(widths)) == 156
        assert [round(cell.width.mm) for cell in table.rows[-1].cells] == [round(width) for width in widths]
    assert document.core_properties.created == document.core_properties.modified == datetime(2022, 7, 1, 1, tzinfo=UTC)
    styles = read_part(answer.data, "word/styles.xml")
    assert 'w:eastAsia="仿宋_GB2312"' in styles and 'w:eastAsia="黑体"' in styles and 'w:eastAsia="en-US"' not in styles
    with place.engine.read() as work:
        row = work.connection.execute(case_view.select()).one()
    assert (row.person_id, row.what, row.times) == (place.people["organiser"], "export", 1)


def test_pdf_holds_the_case(place: Place, application: dict[str, Any]) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    if shutil.which("fc-list") is None:
        pytest.skip("no fontconfig")
    case_id = apply(place, application)
    answer = place.client("organiser").get(f"/cases/{case_id}/paper.pdf")
    assert answer.mimetype == "application/pdf"
    text = squeeze(read_pdf(answer.data))
    assert [each for each in EXPECTED if squeeze(each) not in text] == []
    assert squeeze(LONG) in re.sub("—\\d—", "", text)
    assert "—1—" in text
    assert len(answer.data) < 200_000  # the characters that it uses, not the whole font


def test_a_blind_case_stays_blind_on_paper(world: World) -> None:
    case_id = bring_to_review(world)
    words = Words(Catalogue("engine", "workflows", "api"), "zh", world.clock.now())
    told = {
        name: read_docx(papers.write_docx(papers.write_case(world.view(name, case_id), words, reader=name)))
        for name in ("expert", "organiser")
    }
    secret = ("演练检测中心lab", "张三丰", "010-55501234", "contact@example.org", "盖章.pdf", "材料属实", "samr-2022-0001 ")
    assert [each for each in secret if each in told["expert"]] == []
    assert [each for each in secret[:-1] if each not in told["organiser"]] == []
    assert "匿名评审" in told["expert"] and "×××的做法" in told["expert"] and "1.png" in told["expert"]


def test_a_demonstration_is_marked_on_each_page() -> None:
    paper = papers.Paper("题目", "甲-1", (papers.Heading("一节"), papers.Prose("正文")), mark="演示")
    assert read_docx(papers.write_docx(paper)).startswith("演示\n题目\n甲-1\n一、一节\n正文")


def test_without_a_font_a_pdf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers.fonts, "_list_fonts", dict)
    with pytest.raises((papers.FontMissing, papers.PortableUnavailable)):
        papers.write_pdf(papers.Paper("题目", "", ()))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("一、案例介绍", "（一）案例介绍"),
        ("（三）成效", "（一）成效"),
        ("2. Evidence", "（一）Evidence"),
        ("2.5米以下的设备", "（一）2.5米以下的设备"),
        ("一、", "（一）一、"),
        ("2023年典型案例", "（一）2023年典型案例"),
    ],
)
def test_a_heading_has_one_number(text: str, told: str) -> None:
    ((heading, number),) = number_blocks(papers.Paper("题目", "", (papers.Heading(text, 2),)))
    assert isinstance(heading, papers.Heading) and number + heading.text == told


@pytest.mark.parametrize(
    ("level", "place", "language", "told"),
    [(1, 1, "zh", "一、"), (1, 10, "zh", "十、"), (1, 21, "zh", "二十一、"), (2, 12, "zh", "（十二）"), (2, 3, "en", "(3) ")],
)
def test_headings_are_numbered_as_in_official_papers(level: int, place: int, language: str, told: str) -> None:
    assert number_heading(level, place, language) == told
