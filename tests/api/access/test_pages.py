"""The access matrix of the pages: every route outside REST for every role. A new route without a line here fails."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any

import pytest

from engine.due import run_due
from tests.api.access.roles import ANONYMOUS, CLAIMED, ROLES, Subject, address_of, list_routes

P = (200,) * 9
"""Open to everybody."""
SIGNED = (303, *(200,) * 8)
GUARD = 401
"""A form that is sent without a log-in is answered by the log-in page."""

PDF = 200 if find_spec("fpdf") and shutil.which("fc-list") else 503
"""Without the library or a font a PDF is refused to those who may have it."""

MATRIX: dict[tuple[str, str], tuple[int, ...]] = {
    # (method, endpoint):                     anonymous applicant other auditor other organiser expert designer administrator
    ("GET", "home.show"): P,
    ("GET", "reports.show"): (303, *(404,) * 8),  # there is no report here: test_reports.py asks about one
    ("POST", "reports.start"): (GUARD, 403, 403, 404, 404, 403, 403, 403, 403),  # no such report in this notice
    ("POST", "reports.collect"): (GUARD, *(404,) * 8),
    ("POST", "reports.roll_up"): (GUARD, *(404,) * 8),
    ("GET", "rest.show_page"): P,
    ("GET", "rest.show_document"): P,
    ("GET", "tokens.show"): SIGNED,
    ("POST", "tokens.create"): (GUARD, *(422,) * 8),  # without a name
    ("POST", "tokens.revoke"): (GUARD, *(404,) * 8),
    ("GET", "campaigns.list_all"): P,
    ("GET", "campaigns.show"): P,
    ("GET", "consultation.show"): P,
    ("GET", "consultation.show_published"): P,
    ("GET", "activities.show"): P,
    ("GET", "agenda.show"): P,
    ("GET", "feeds.fetch"): (404,) * 9,  # nobody's secret
    ("GET", "feeds.fetch_campaign"): P,
    ("GET", "feeds.fetch_date"): (404,) * 9,  # no such date
    ("GET", "feeds.show"): SIGNED,
    ("POST", "feeds.make"): (GUARD, *(200,) * 8),
    ("POST", "feeds.end"): (GUARD, *(303,) * 8),
    ("GET", "notices.list_all"): P,
    ("GET", "notices.show"): P,
    ("GET", "operations.health"): P,
    ("GET", "operations.metrics"): P,
    ("GET", "login.show"): (200, *(303,) * 8),
    ("POST", "login.log_in"): (403,) * 9,  # with a wrong password
    ("POST", "login.log_out"): (303,) * 9,
    ("GET", "inbox.show"): SIGNED,
    ("GET", "inbox.show_news"): SIGNED,
    ("POST", "inbox.choose_look"): (GUARD, *(303,) * 8),
    ("POST", "inbox.keep_filter"): (GUARD, *(422,) * 8),  # without a name
    ("POST", "inbox.rename_filter"): (GUARD, *(404,) * 8),  # nobody's
    ("POST", "inbox.drop_filter"): (GUARD, *(404,) * 8),
    ("POST", "inbox.choose_start"): (GUARD, *(303,) * 8),
    ("GET", "cases.list_all"): SIGNED,
    ("GET", "bulk.list_all"): SIGNED,
    ("GET", "extensions.show"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "extensions.preview"): (303, 403, 403, 403, 403, 422, 403, 403, 403),  # nothing is typed
    ("POST", "extensions.extend"): (GUARD, 403, 403, 403, 403, 422, 403, 403, 403),
    ("GET", "archive.show"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "archive.archive"): (GUARD, 403, 403, 403, 403, 409, 403, 403, 403),  # not over: test_archive.py
    ("POST", "archive.unarchive"): (GUARD, 403, 403, 403, 403, 409, 403, 403, 403),
    ("GET", "bulk.show"): (303, 404, 404, 200, 404, 404, 404, 404, 404),  # who began it
    ("POST", "bulk_begin.preview"): (GUARD, *(303,) * 8),  # nothing chosen; each task is judged for itself
    ("POST", "bulk_begin.begin"): (GUARD, *(422,) * 8),
    ("POST", "bulk.cancel"): (GUARD, 404, 404, 303, 404, 404, 404, 404, 404),
    ("GET", "notifications.show"): SIGNED,
    ("POST", "notifications.read_all"): (GUARD, *(303,) * 8),
    ("POST", "notifications.read"): (GUARD, *(404,) * 8),  # nobody is told anything here
    ("POST", "notifications.keep"): (GUARD, *(303,) * 8),
    ("GET", "substitutions.show"): SIGNED,
    ("POST", "substitutions.appoint"): (GUARD, *(422,) * 8),  # nobody is chosen
    ("POST", "substitutions.end"): (GUARD, *(404,) * 8),
    ("GET", "stopping.show"): (303, 403, 404, 403, 404, 200, 404, 404, 404),
    ("POST", "stopping.stop"): (GUARD, 403, 404, 403, 404, 422, 404, 404, 404),  # without a reason
    ("POST", "talk.watch"): (GUARD, 303, 404, 303, 404, 303, 404, 404, 404),
    ("POST", "talk.unwatch"): (GUARD, 303, 404, 303, 404, 303, 404, 404, 404),
    ("POST", "talk.remark"): (GUARD, 403, 404, 422, 404, 422, 404, 404, 404),  # nothing is said
    ("POST", "talk.retract"): (GUARD, 403, 404, 404, 404, 404, 404, 404, 404),  # nothing was said
    ("POST", "talk.copy"): (GUARD, 403, 404, 422, 404, 422, 404, 404, 404),  # to nobody
    ("POST", "talk.prioritise"): (GUARD, 403, 404, 403, 404, 404, 404, 404, 404),  # of no task
    ("POST", "talk.urge"): (GUARD, 303, 404, 422, 404, 303, 404, 404, 404),  # it waits for the auditor
    ("GET", "designer.read_xml"): SIGNED,
    ("GET", "cases.show"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "boards.show"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "boards.list_table"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "lists.list_inbox"): SIGNED,
    ("GET", "lists.list_cases"): SIGNED,
    ("GET", "lists.list_bodies"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "lists.list_reports"): SIGNED,
    ("GET", "lists.list_panel"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "lists.list_missing"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "lists.list_letters"): (303, 403, 403, 403, 403, 200, 403, 403, 200),
    ("GET", "lists.list_selection"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "case_papers.compare"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "case_papers.export_docx"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "case_papers.export_pdf"): (303, PDF, 404, PDF, 404, PDF, 404, 404, 404),
    ("GET", "case_papers.show_views"): (303, 403, 404, 403, 404, 200, 404, 404, 404),
    ("GET", "tasks.show"): (303, 404, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "tasks.print_form"): (303, 404, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "previews.show"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "previews.content"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("POST", "uploads.begin"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # no field is named
    ("GET", "uploads.show"): (303, *(404,) * 8),  # nobody's: test_uploads.py asks about one
    ("PATCH", "uploads.append"): (GUARD, *(404,) * 8),
    ("DELETE", "uploads.drop"): (GUARD, *(204,) * 8),
    ("GET", "files.download"): (303, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "designer.list_all"): (303, 403, 403, 403, 403, 200, 403, 200, 200),
    ("GET", "designer.show_definition"): (303, 403, 403, 403, 403, 200, 403, 200, 200),
    ("GET", "designer.new_check"): (303, 403, 403, 403, 403, 200, 403, 200, 200),
    ("POST", "designer.check_form"): (GUARD, 403, 403, 403, 403, 200, 403, 200, 200),
    ("GET", "rounds.show"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "rounds.show_one"): (303, 403, 403, 404, 404, 404, 403, 403, 403),  # the notice of this world has no rounds
    ("GET", "rounds.download"): (303, 403, 403, 404, 404, 404, 403, 403, 403),
    ("POST", "activities.report"): (GUARD, 404, 404, 404, 404, 404, 404, 404, 404),  # nor activities
    ("POST", "lateness.refuse"): (GUARD, 403, 404, 403, 404, 422, 404, 404, 404),  # without a reason
    ("POST", "arrivals.record"): (GUARD, 403, 404, 303, 404, 303, 404, 404, 404),
    ("GET", "reminders.show_missing"): (303, 403, 403, 200, 200, 200, 403, 403, 403),
    ("POST", "reminders.remind"): (GUARD, 403, 403, 422, 422, 422, 403, 403, 403),  # nobody is chosen
    ("GET", "reminders.list_letters"): (303, 403, 403, 403, 403, 200, 403, 403, 200),
    ("GET", "reminders.preview_letters"): (303, 403, 403, 403, 403, 200, 403, 403, 200),
    ("POST", "reminders.resend"): (GUARD, 403, 403, 403, 403, 409, 403, 403, 403),  # not tried yet
    ("GET", "drafts.list_all"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.new"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.show"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.check_all"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.list_versions"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.compare"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.export"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.read_file"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "drafts.edit"): (303, 403, 403, 403, 403, 403, 403, 200, 403),
    ("POST", "drafts.start"): (GUARD, 403, 403, 403, 403, 403, 403, 422, 403),  # no archive
    ("POST", "drafts.add_file"): (GUARD, 403, 403, 403, 403, 403, 403, 303, 403),
    ("POST", "drafts.discard"): (GUARD, 403, 403, 403, 403, 403, 403, 409, 403),  # the draft is at another version by then
    ("POST", "drafts.release"): (GUARD, 403, 403, 403, 403, 403, 403, 403, 403),  # who wrote it does not release it
    ("POST", "drafts.preview"): (GUARD, 403, 403, 403, 403, 403, 403, 200, 403),
    ("POST", "drafts.remove_file"): (GUARD, 403, 403, 403, 403, 403, 403, 422, 403),  # no notice is without its facts
    ("POST", "drafts.restore"): (GUARD, 403, 403, 403, 403, 403, 403, 409, 403),
    ("POST", "drafts.save"): (GUARD, 403, 403, 403, 403, 403, 403, 303, 403),
    ("POST", "drafts.send_back"): (GUARD, 403, 403, 403, 403, 403, 403, 403, 403),
    ("POST", "drafts.submit"): (GUARD, 403, 403, 403, 403, 403, 403, 409, 403),
    ("POST", "drafts.withdraw"): (GUARD, 403, 403, 403, 403, 403, 403, 409, 403),  # not handed over
    ("PUT", "drafts.write_file"): (GUARD, 403, 403, 403, 403, 403, 403, 422, 403),  # without the version that the page knew
    ("POST", "reminders.set_weekly"): (GUARD, 403, 403, 403, 403, 303, 403, 403, 403),
    ("GET", "workdays.show_now"): (303,) * 9,
    ("GET", "workdays.show"): SIGNED,
    ("POST", "workdays.set_day"): (GUARD, 403, 403, 403, 403, 403, 403, 403, 422),  # without a day
    ("POST", "workdays.remove_day"): (GUARD, 403, 403, 403, 403, 403, 403, 403, 422),
    ("POST", "workdays.import_year"): (GUARD, 403, 403, 403, 403, 403, 403, 403, 200),  # the preview of what is known already
    ("GET", "operations.show"): (303, 403, 403, 403, 403, 403, 403, 403, 200),
    ("GET", "incidents.show"): (303, 403, 403, 403, 403, 200, 403, 403, 200),
    ("GET", "incidents.show_one"): (303, 404, 404, 404, 404, 404, 404, 404, 200),  # a letter's, of no campaign
    ("POST", "incidents.edit"): (GUARD, 404, 404, 404, 404, 404, 404, 404, 422),  # nothing is typed
    ("POST", "incidents.retry"): (GUARD, 404, 404, 404, 404, 404, 404, 404, 303),
    ("POST", "incidents.skip"): (GUARD, *(404,) * 8),  # tried again just before
    ("GET", "stages.show"): (404,) * 9,  # the campaign is no body's own stage; who sees what of one: test_stages.py
    ("GET", "stages.show_opening"): (303, 403, 403, 200, 200, 403, 403, 403, 403),
    ("POST", "stages.open_stage"): (GUARD, 403, 403, 409, 409, 403, 403, 403, 403),  # no overlay is deployed
    ("POST", "campaigns.apply"): (GUARD, 303, 303, 403, 403, 403, 403, 403, 403),
    ("GET", "new_campaign.show"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "new_campaign.create"): (GUARD, 403, 403, 403, 403, 404, 403, 403, 403),  # of no notice
    ("GET", "new_campaign.compare"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "campaign_affairs.show_history"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "campaign_affairs.show_panel"): (303, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "campaign_affairs.add"): (GUARD, 403, 403, 403, 403, 422, 403, 403, 403),  # nobody is chosen
    ("POST", "campaign_affairs.drop"): (GUARD, 403, 403, 403, 403, 409, 403, 403, 403),  # nobody is on the panel yet
    ("POST", "consultation.send"): (409,) * 9,  # not open
    ("POST", "tasks.claim"): (GUARD, 404, 404, 303, 404, 404, 404, 404, 404),
    ("POST", "tasks.unclaim"): (GUARD, 404, 404, 303, 404, 404, 404, 404, 404),
    ("POST", "tasks.complete"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # nothing filled in
    ("POST", "tasks.save_draft"): (GUARD, 404, 404, 303, 404, 404, 404, 404, 404),
    ("POST", "tasks.send_back"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # no reason
    ("POST", "tasks.transfer"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # to nobody
    ("POST", "tasks.plan"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # of no priority
    ("POST", "task_operations.preview"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # no reason
    ("POST", "task_operations.operate"): (GUARD, 404, 404, 409, 404, 404, 404, 404, 404),  # not drawn there
    ("POST", "tasks.declare_conflict"): (GUARD, 404, 404, 422, 404, 404, 404, 404, 404),  # no reason
}
BODIES: dict[str, dict[str, str]] = {
    "login.log_in": {"login": "applicant", "password": "wrong"},
    "designer.check_form": {"xml": "<nothing/>"},
    "campaigns.apply": {"channel": "recommended"},
    "campaign_affairs.drop": {"reason": "left"},
    "drafts.start": {"kind": "upload"},
    "drafts.add_file": {"kind": "form", "name": "more"},
    "drafts.save": {"text": "key: changed"},
    "arrivals.record": {"channel": "paper", "received_at": "2022-06-30T10:00"},
    "stopping.stop": {"how": "suspend"},
    "tasks.send_back": {"target": "apply"},
    "task_operations.preview": {"operation": "return", "target": "apply"},
    "task_operations.operate": {"operation": "skip", "reason": "-"},
}


def test_every_page_has_a_line(shared_place: Any) -> None:
    assert list_routes(shared_place.app, programs=False) == set(MATRIX)
    assert all(len(line) == len(ROLES) for line in MATRIX.values())


@pytest.mark.parametrize("role", ROLES)
def test_access(place: Any, subject: Subject, role: str) -> None:
    """One role on all routes; reading first, so that what forms change does not disturb it."""
    column = ROLES.index(role)
    found = {}
    for method, endpoint in sorted(MATRIX, key=lambda line: (line[0], line[1])):
        client = place.client(None if role == ANONYMOUS else role)
        address = address_of(place.app, endpoint, subject.values)
        if method == "GET":
            answer = client.get(address, buffered=True)
        else:
            page = client.get("/notices").get_data(as_text=True)
            token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
            answer = client.open(
                address,
                method=method,
                data={"csrf_token": token, "key": f"k-{endpoint}", "revision": CLAIMED, **BODIES.get(endpoint, {})},
            )
        found[(method, endpoint)] = answer.status_code
        assert b"Traceback" not in answer.get_data()
        run_due(place.engine)
    assert found == {line: statuses[column] for line, statuses in MATRIX.items()}


RELEASER: dict[tuple[str, str], int] = {
    ("GET", "designer.list_all"): 200,
    ("GET", "designer.show_definition"): 200,
    ("GET", "drafts.list_all"): 200,
    ("GET", "drafts.show"): 200,
    ("GET", "drafts.check_all"): 200,
    ("GET", "drafts.list_versions"): 200,
    ("GET", "drafts.compare"): 200,
    ("GET", "drafts.export"): 200,
    ("GET", "drafts.read_file"): 200,
    ("GET", "drafts.edit"): 200,
    ("POST", "drafts.release"): 409,  # not handed over
    ("POST", "drafts.send_back"): 409,
}
"""What a releaser may do beside what everybody may: all that is to be seen of drafts, and the two decisions."""


def test_access_of_releasers(place: Any, subject: Subject) -> None:
    client = place.client("releaser")
    token = client.get("/notices").get_data(as_text=True).partition('name="csrf-token" content="')[2].partition('"')[0]
    found = {}
    for method, endpoint in MATRIX:
        if endpoint.startswith(("drafts.", "designer.")) or (method, endpoint) in RELEASER:
            data = {"csrf_token": token, "key": f"k-{endpoint}", "revision": CLAIMED, "reason": "-"} if method != "GET" else None
            answer = client.open(address_of(place.app, endpoint, subject.values), method=method, data=data, buffered=True)
            found[(method, endpoint)] = answer.status_code
    allowed = {line: status for line, status in found.items() if status not in (403, 422)}
    assert allowed == {**RELEASER, ("GET", "designer.read_xml"): 200, ("GET", "designer.new_check"): 200}
    assert {line for line, status in found.items() if status == 422} == {("POST", "designer.check_form")}  # nothing was sent
