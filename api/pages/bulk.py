"""What was asked for many tasks at once: how far it is, and what became of each task."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from api.pages.present import process_engine, read_key, reader, signed_in, tell_next
from engine.idempotency import once
from engine.work import Work
from workflows import desk
from workflows.inbox import many

pages = Blueprint("bulk", __name__)
PAGE = 50
"""Jobs or results of a page."""


@pages.get("/bulk")
@signed_in
def list_all() -> str:
    """The reader's jobs, newest first; `?after=` an id goes on with older ones."""
    with process_engine().read(by=reader().id) as work:
        found = many.list_many(work, reader(), limit=PAGE + 1, after=request.args.get("after") or None)
    return render_template("bulk_jobs.html", jobs=found[:PAGE], more=len(found) > PAGE)


@pages.get("/bulk/<string(length=32):bulk_id>")  # not `preview`, where a form is sent
@signed_in
def show(bulk_id: str) -> Response:
    """One job, of which the bell need tell no more once it is done here; `?refused=1` shows those that were refused only,
    `?after=` a position goes on behind it. The page asks for its progress again and again; when there is no more, it is loaded
    anew with all results.

    Raises BulkUnknown.
    """
    refused, given = request.args.get("refused") == "1", request.args.get("after", "")
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    with process_engine().read(by=reader().id) as work:
        job = many.read_many(work, reader(), bulk_id)
        found = many.list_task_results(work, reader(), bulk_id, after=after, limit=PAGE + 1, refused=refused)
        rung = job.done_at is not None and desk.count_unread(work, reader()) > 0
    shown = {"job": job, "results": found[:PAGE], "more": len(found) > PAGE, "refused": refused, "after": after}
    if rung:
        with process_engine().begin(by=reader().id) as work:
            desk.read_about_job(work, reader(), bulk_id)
    response = make_response(render_template("bulk_job.html", **shown, prefix=many.PREFIX))
    if request.headers.get("HX-Request") and job.state != "running":
        response.headers["HX-Refresh"] = "true"
    return response


@pages.post("/bulk/<bulk_id>/cancel")
@signed_in
def cancel(bulk_id: str) -> Any:
    """Do no more of a job.

    Raises BulkUnknown.
    """

    def stop(work: Work) -> dict[str, Any]:
        return {"left": many.cancel_many(work, reader(), bulk_id)}

    with process_engine().begin(by=reader().id) as work:
        told = once(work, read_key(), "bulk.cancel", {"job": bulk_id}, lambda: stop(work))
    tell_next("bulk.cancelled", count=told["left"])
    return redirect(url_for("bulk.show", bulk_id=bulk_id), 303)
