"""What a case's page leads to: two versions side by side, who saw what, the case as a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, render_template, request

from api.pages.cases import read_beside
from api.pages.fields import Filling, ShownField, show_field
from api.pages.present import process_engine, reader, signed_in, words
from api.papers import write_case, write_docx, write_pdf
from api.security import FILE_POLICY
from workflows import cases, talk
from workflows.cases import CaseView, Difference, RowDifference, VersionView
from workflows.rules import can, case_subject

pages = Blueprint("case_papers", __name__)


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A difference with its field as the two versions print it (None where a version has nothing), and the rows of a table."""

    difference: Difference
    before: ShownField | None
    after: ShownField | None
    rows: tuple[tuple[RowDifference, ShownField | None, ShownField | None], ...]


@pages.app_context_processor
def offer() -> dict[str, Any]:
    """The case's page asks whether it may lead to who saw it."""
    return {"may_see_views": may_see_views}


def may_see_views(case_id: str) -> bool:
    """Whether the reader may be told who saw the case."""
    with process_engine().read(by=reader().id) as work:
        return can(reader(), "case.views", case_subject(work, case_id))


@pages.get("/cases/<case_id>/compare")
@signed_in
def compare(case_id: str) -> str:
    """Two versions of the application side by side: `?before=1&after=2`, else the latest and the one before it.

    Raises CaseUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = cases.get_case(work, reader(), case_id)
    cases.note_view(process_engine(), reader(), case_id, "page")
    numbers = {str(version.version): version for version in view.versions}
    after = numbers.get(request.args.get("after", "")) or view.latest
    earlier = [version for version in view.versions if after is not None and version.version < after.version]
    before = numbers.get(request.args.get("before", "")) or (earlier[-1] if earlier else None)
    shown = [] if before is None or after is None else show_differences(view, before, after)
    return render_template(
        "case_compare.html", case=view, before=before, after=after, differences=shown, demo_page=view.campaign.demo
    )


def show_differences(view: CaseView, before: VersionView, after: VersionView) -> list[ShownDifference]:
    """The differences of two versions, with the values as the case's page prints them."""
    files = {attachment.id: attachment for attachment in view.attachments}

    def show(each: Difference, values: Mapping[str, Any]) -> ShownField | None:
        if each.field.key not in values:
            return None
        return show_field(each.field, each.field.key, Filling(values, words().language, files=files))

    def show_rows(each: Difference) -> tuple[tuple[RowDifference, ShownField | None, ShownField | None], ...]:
        def show_row(row: Mapping[str, Any] | None) -> ShownField | None:
            return None if row is None else show(each, {each.field.key: [row]})

        return tuple((row, show_row(row.before), show_row(row.after)) for row in each.rows)

    return [
        ShownDifference(each, show(each, before.values), show(each, after.values), show_rows(each))
        for each in cases.compare_versions(before, after)
    ]


@pages.get("/cases/<case_id>/views")
@signed_in
def show_views(case_id: str) -> str:
    """Who saw what of the case, for its organisers.

    Raises CaseUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        lines = cases.list_views(work, reader(), case_id)
        view = cases.get_case(work, reader(), case_id)
    return render_template("case_views.html", case=view, lines=lines, most=cases.MOST_VIEWS, demo_page=view.campaign.demo)


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pages.get("/cases/<case_id>/paper.docx")
@signed_in
def export_docx(case_id: str) -> Response:
    """The case as the reader may see it, as docx.

    Raises CaseUnknown.
    """
    return send_paper(case_id, "docx")


@pages.get("/cases/<case_id>/paper.pdf")
@signed_in
def export_pdf(case_id: str) -> Response:
    """The same as PDF.

    Raises CaseUnknown, FontMissing, PortableUnavailable.
    """
    return send_paper(case_id, "pdf")


def send_paper(case_id: str, kind: str) -> Response:
    """The answer that carries a case's paper.

    Raises what its kind raises.
    """
    with process_engine().read(by=reader().id) as work:
        view = cases.get_case(work, reader(), case_id)
        beside = replace(read_beside(work, view), remarks=talk.list_remarks(work, reader(), case_id))
    paper = write_case(view, words(), reader=reader().name, beside=beside)
    content = write_docx(paper) if kind == "docx" else write_pdf(paper)
    cases.note_view(process_engine(), reader(), case_id, "export")
    headers = {
        "Content-Disposition": f'attachment; filename="{view.number}.{kind}"',
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": FILE_POLICY,
    }
    return Response(content, headers=headers, mimetype=DOCX if kind == "docx" else "application/pdf")
