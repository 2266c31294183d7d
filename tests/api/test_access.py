"""The access matrix: every route of the application for every role. A new route without a line here fails."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
import sqlalchemy as sa

from engine.definitions import latest_definition
from engine.due import run_due
from engine.incidents import open_incident
from engine.tables import outbox
from workflows.applications import first_task, start_application
from workflows.files import attach_file, receive_file
from workflows.inbox.many import start_many
from workflows.mails import Recipient, queue_letter
from workflows.notices import list_notices
from workflows.notices.drafts import save_file, start_draft
from workflows.tokens import create_token

ANONYMOUS = "anonymous"
ROLES = (ANONYMOUS, "applicant", "applicant_b", "auditor", "auditor_b", "organiser", "expert_1", "designer", "administrator")
"""`applicant` owns the case and `auditor` audits it; those with `_b` belong to another institution and body."""

P = (200,) * 9
"""Open to everybody."""
SIGNED = (303, *(200,) * 8)
CLAIMED = "2"
"""The revision of the task after the first form of all, the claim."""
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
    ("POST", "inbox.drop_filter"): (GUARD, *(404,) * 8),  # nobody's
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

REST: dict[tuple[str, str], tuple[int, ...]] = {
    # the same people by their tokens; an action in order: claim, complete, return, transfer, unclaim
    ("GET", "rest_me.show"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_campaigns.list_all"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_campaigns.show"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_campaigns.show_windows"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "rest_campaigns.apply"): (401, 201, 201, 403, 403, 403, 403, 403, 403),
    ("GET", "rest_consultations.show"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "rest_consultations.comment"): (409, 409, 409, 409, 409, 409, 409, 409, 409),
    ("GET", "rest_consultations.show_publication"): (404, 404, 404, 404, 404, 404, 404, 404, 404),
    ("GET", "rest_cases.list_all"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_reports.list_all"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "rest_reports.begin"): (401, 403, 403, 404, 404, 403, 403, 403, 403),  # the notice asks for no reports
    ("GET", "rest_reports.show"): (401, *(404,) * 8),  # there is none
    ("POST", "rest_reports.collect"): (401, *(404,) * 8),
    ("POST", "rest_reports.roll_up"): (401, *(404,) * 8),
    ("GET", "rest_campaigns.show_history"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "rest_rounds.list_all"): (401, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "rest_rounds.show"): (401, 403, 403, 404, 404, 404, 403, 403, 403),  # there is none
    ("GET", "rest_rounds.list_activities"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "rest_rounds.note_progress"): (401, *(404,) * 8),  # there is none
    ("GET", "rest_cases.show"): (401, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "rest_tasks.list_all"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_tasks.show"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "rest_bulk.list_all"): (401, *(200,) * 8),
    ("POST", "rest_bulk.begin"): (401, *(202,) * 8),  # each task is judged when it is done
    ("GET", "rest_bulk.show"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "rest_bulk.list_results"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_bulk.cancel"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_tasks.claim"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_tasks.unclaim"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_tasks.complete"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("POST", "rest_tasks.send_back"): (401, 404, 404, 409, 404, 404, 404, 404, 404),
    ("GET", "rest_task_operations.preview"): (401, *(422,) * 8),  # of no operation
    ("POST", "rest_task_operations.operate"): (401, 404, 404, 409, 404, 404, 404, 404, 404),  # not drawn there
    ("POST", "rest_tasks.transfer"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("GET", "rest_tasks.show_draft"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("PUT", "rest_tasks.save_draft"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_files.upload"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("GET", "rest_files.download"): (401, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "rest_notices.list_all"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_notices.show"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_arrivals.list_all"): (401, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "rest_talk.list_all"): (401, 403, 404, 200, 404, 200, 404, 404, 404),
    ("POST", "rest_talk.say"): (401, 403, 404, 201, 404, 201, 404, 404, 404),
    ("POST", "rest_talk.retract"): (401, 403, 404, 404, 404, 404, 404, 404, 404),  # nobody's
    ("POST", "rest_talk.copy"): (401, 403, 404, 422, 404, 422, 404, 404, 404),  # to nobody
    ("POST", "rest_talk.watch"): (401, 200, 404, 200, 404, 200, 404, 404, 404),
    ("POST", "rest_talk.urge"): (401, 200, 404, 422, 404, 200, 404, 404, 404),  # it waits for the auditor
    ("POST", "rest_talk.stop"): (401, 403, 404, 403, 404, 422, 404, 404, 404),  # without a reason
    ("GET", "rest_desk.list_notifications"): (401, *(200,) * 8),
    ("POST", "rest_desk.read_all"): (401, *(200,) * 8),
    ("GET", "rest_desk.list_substitutions"): (401, *(200,) * 8),
    ("POST", "rest_desk.appoint"): (401, *(422,) * 8),  # nobody
    ("POST", "rest_desk.end"): (401, *(404,) * 8),
    ("POST", "rest_lateness.refuse"): (401, 403, 404, 403, 404, 422, 404, 404, 404),  # without a reason
    ("POST", "rest_arrivals.record"): (401, 403, 404, 201, 404, 201, 404, 404, 404),
    ("GET", "rest_forwardings.show"): (401, 200, 404, 200, 404, 200, 404, 404, 404),
    ("GET", "rest_stages.list_all"): (200, 200, 200, 200, 200, 200, 200, 200, 200),
    ("POST", "rest_stages.open_stage"): (401, *(403,) * 8),  # for nobody's body
    ("GET", "rest_stages.show"): (404,) * 9,  # the campaign is no body's own stage
    ("GET", "rest_extensions.list_all"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "rest_extensions.preview"): (401, 403, 403, 403, 403, 422, 403, 403, 403),  # nothing is asked for
    ("POST", "rest_extensions.extend"): (401, 403, 403, 403, 403, 422, 403, 403, 403),  # without a reason
    ("GET", "rest_recounts.show"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "rest_recounts.decide"): (401, 403, 403, 403, 403, 422, 403, 403, 403),  # nothing was changed
    ("GET", "rest_work_days.show"): (401, *(422,) * 8),  # of no year
    ("POST", "rest_work_days.set_day"): (401, *(403,) * 7, 422),  # without a source
    ("POST", "rest_work_days.remove_day"): (401, *(403,) * 7, 422),
    ("POST", "rest_work_days.import_year"): (401, *(403,) * 7, 200),  # the preview of what is known already
    ("GET", "rest_reminders.list_missing"): (401, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "rest_reminders.preview"): (401, 403, 403, 200, 200, 200, 403, 403, 403),
    ("POST", "rest_reminders.urge"): (401, 403, 403, 200, 200, 200, 403, 403, 403),
    ("GET", "rest_letters.list_all"): (401, 403, 403, 403, 403, 200, 403, 403, 200),
    ("POST", "rest_letters.resend"): (401, 403, 403, 403, 403, 409, 403, 403, 403),  # not tried yet
    ("GET", "rest_letters.show_weekly"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "rest_letters.set_weekly"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("GET", "rest_panels.show"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "rest_panels.add"): (401, 403, 403, 403, 403, 200, 403, 403, 403),
    ("POST", "rest_panels.drop"): (401, 403, 403, 403, 403, 200, 403, 403, 403),  # who was added just before
    ("POST", "rest_tasks.declare_conflict"): (401, *(404,) * 8),  # nobody's review
    ("GET", "rest_drafts.list_all"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("POST", "rest_drafts.begin"): (401, 403, 403, 403, 403, 403, 403, 404, 403),  # from no notice
    ("POST", "rest_drafts.upload"): (401, 403, 403, 403, 403, 403, 403, 422, 403),  # no archive
    ("GET", "rest_drafts.show"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "rest_drafts.list_versions"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "rest_drafts.check_all"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "rest_drafts.download"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("GET", "rest_drafts.show_file"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("PUT", "rest_drafts.write_file"): (401, 403, 403, 403, 403, 403, 403, 409, 403),  # put away just before
    ("DELETE", "rest_drafts.remove_file"): (401, 403, 403, 403, 403, 403, 403, 422, 403),  # no notice is without its facts
    ("POST", "rest_drafts.restore"): (401, 403, 403, 403, 403, 403, 403, 409, 403),
    ("POST", "rest_drafts.submit"): (401, 403, 403, 403, 403, 403, 403, 409, 403),
    ("POST", "rest_drafts.withdraw"): (401, 403, 403, 403, 403, 403, 403, 409, 403),
    ("POST", "rest_drafts.discard"): (401, 403, 403, 403, 403, 403, 403, 200, 403),
    ("POST", "rest_drafts.send_back"): (401, 403, 403, 403, 403, 403, 403, 403, 403),
    ("POST", "rest_drafts.release"): (401, 403, 403, 403, 403, 403, 403, 403, 403),  # who wrote it does not release it
    ("GET", "rest_definitions.list_all"): (401, 403, 403, 403, 403, 200, 403, 200, 200),
    ("GET", "rest_definitions.show_xml"): (401, 200, 200, 200, 200, 200, 200, 200, 200),
    ("GET", "rest_incidents.list_all"): (401, 403, 403, 403, 403, 200, 403, 403, 200),
    ("POST", "rest_incidents.edit"): (401, 404, 404, 404, 404, 404, 404, 404, 422),  # without a reason
    ("POST", "rest_incidents.retry"): (401, 404, 404, 404, 404, 404, 404, 404, 200),
    ("POST", "rest_incidents.skip"): (401, *(404,) * 8),  # tried again just before
    # programs of workers alone, see tests/api/rest/test_external_tasks.py; an administrator reads no case
    **{
        ("POST", f"rest_external_tasks.{name}"): (401, *(403,) * 8)
        for name in ("fetch", "complete", "fail", "throw", "extend", "release")
    },
}
SENT: dict[str, Any] = {
    "rest_talk.say": {"text": "好"},
    "rest_talk.copy": {"receivers": []},
    "rest_talk.watch": {"watch": True},
    "rest_talk.urge": {},
    "rest_talk.stop": {"how": "suspend", "reason": ""},
    "rest_desk.appoint": {"substitute": "0" * 32, "begins_on": "2022-07-01", "last_on": "2022-07-02"},
    "rest_bulk.begin": {"action": "claim", "tasks": [{"task": "0" * 32}]},
    "rest_lateness.refuse": {"reason": ""},
    "rest_incidents.edit": {"variables": {"a": 1}, "reason": ""},
    "rest_incidents.skip": {"reason": "-"},
    "rest_arrivals.record": {"channel": "paper", "received_at": "2022-06-30T10:00:00+08:00"},
    "rest_stages.open_stage": {"body": "0" * 32, "overlay": "0" * 32},
    "rest_reminders.urge": {},
    "rest_extensions.extend": {"days": 1, "digest": "0" * 64, "reason": "", "document_number": ""},
    "rest_recounts.decide": {"digest": "0" * 64, "reason": "", "document_number": ""},
    "rest_work_days.set_day": {"day": "2022-07-06", "is_workday": False, "name_zh": "停电", "source": ""},
    "rest_work_days.remove_day": {"day": "2022-07-06", "source": ""},
    "rest_work_days.import_year": {"year": 2022},
    "rest_letters.set_weekly": {"persons": []},
    "rest_panels.drop": {"reason": "left"},
    "rest_tasks.declare_conflict": {"reason": "-"},
    "rest_drafts.begin": {"kind": "next", "notice": "0" * 32},
    "rest_drafts.write_file": {"text": "key: changed"},
    "rest_drafts.restore": {"version": 1},
    "rest_drafts.submit": {},
    "rest_drafts.send_back": {"reason": "-"},
    "rest_drafts.release": {},
    "rest_campaigns.apply": {"channel": "recommended"},
    "rest_consultations.comment": {"kind": "comment", "from_name": "甲", "text": "好"},
    "rest_reports.begin": {"plan": "none"},
    "rest_reports.collect": {"units": ["0" * 32]},
    "rest_rounds.note_progress": {"state": "done"},
    "rest_tasks.complete": {"data": {}},
    "rest_tasks.send_back": {"target": "nowhere", "reason": "-"},
    "rest_task_operations.operate": {"operation": "skip", "reason": "-"},
    "rest_tasks.transfer": {"person": "0" * 32, "reason": "-"},
    "rest_tasks.save_draft": {"data": {}},
    "rest_external_tasks.fetch": {"worker": "w", "topics": ["t"]},
    "rest_external_tasks.complete": {"worker": "w"},
    "rest_external_tasks.fail": {"worker": "w", "error": "-"},
    "rest_external_tasks.throw": {"worker": "w", "code": "e"},
    "rest_external_tasks.extend": {"worker": "w"},
    "rest_external_tasks.release": {"worker": "w"},
}
"""What is sent as JSON."""


@dataclass
class Subject:
    """What the addresses of the routes are filled with."""

    values: dict[str, str]


@pytest.fixture
def subject(place: Any, application: dict[str, Any]) -> Subject:
    """A submitted case of `applicant` that waits for `auditor`, its file, an incident."""
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        case_id = start_application(work, who, place.campaign, channel="recommended")
        task_id = first_task(work, case_id)
    assert task_id is not None
    received = receive_file(place.engine, io.BytesIO(b"%PDF-1.7\n%%EOF\n"), name="seal.pdf")
    with place.engine.begin(by=who.id) as work:
        attachment = attach_file(work, who, received, task_id=task_id, field="seal_scan")
    data = {key: value for key, value in application.items() if "." not in key}
    place.complete("applicant", task_id, data)
    with place.engine.begin() as work:
        incident = open_incident(work, "mail", "MailRefused", "no server")
        recipient = Recipient(place.people["auditor"], "孙审核", "auditor@example.org", "zh")
        queue_letter(work, "reminder", [recipient], campaign_id=place.campaign, about="t2022", unique_key="test")
        letter_id = work.connection.execute(sa.select(outbox.c.id).where(outbox.c.unique_key.startswith("test:"))).scalar_one()
    with place.engine.begin(by=place.people["auditor"]) as work:
        bulk = start_many(work, place.person("auditor"), "claim", [{"task": "0" * 32}])
    with place.engine.read() as work:
        definition = latest_definition(work, "samr_2022_932_case").id
    (audit,) = place.tasks("auditor", "audit")
    return Subject(
        {
            "stage_id": place.campaign,
            "campaign_id": place.campaign,
            "case_id": case_id,
            "kind": "csv",
            "task_id": audit.id,
            "attachment_id": attachment.id,
            "definition_id": definition,
            "incident_id": incident,
            "bulk_id": bulk,
            "external_id": "0" * 32,
            "filter_id": "0" * 32,
            "letter_id": letter_id,
            "person_id": place.people["expert_1"],
            "key": "samr_2022_932",
            "notice_key": "samr_2022_932",
            "name": "seal_scan",
            "token_id": "0" * 32,
            "notification_id": "0" * 32,
            "remark_id": "0" * 32,
            "substitution_id": "0" * 32,
            "secret": "none",
            "draft_id": start_a_draft(place),
            "report_id": "0" * 32,
            "plan_key": "none",
            "activity_key": "none",
            "period": "none",
            "path": "notice.yaml",
            "plan": "month",
            "occurrence": "2023-05",
            "number": "1",
            "year": "2022",
            "day": "2022-10-01",
        }
    )


def start_a_draft(place: Any) -> str:
    """A draft of the designer with two versions."""
    who = place.person("designer")
    with place.engine.begin(by=who.id) as work:
        (notice,) = list_notices(work)
        draft_id = start_draft(work, who, notice.id)
        save_file(work, who, draft_id, "forms/extra.form", b"{}", seen=1)
    return draft_id


def list_routes(app: Any) -> set[tuple[str, str]]:
    """All (method, endpoint) of the application."""
    return {(method, rule.endpoint) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}


def test_every_route_has_a_line(shared_place: Any) -> None:
    assert list_routes(shared_place.app) == set(MATRIX) | set(REST)
    assert all(len(line) == len(ROLES) for line in (*MATRIX.values(), *REST.values()))


def address_of(app: Any, endpoint: str, values: dict[str, str]) -> str:
    """The address of a route, filled with what it asks for."""
    (rule,) = app.url_map.iter_rules(endpoint)
    with app.test_request_context():
        return str(app.url_for(endpoint, **{name: values[name] for name in rule.arguments}))


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


@pytest.mark.parametrize("role", ROLES)
def test_access_of_programs(place: Any, subject: Subject, role: str) -> None:
    """The same for the REST interface, by a token of the person that may write."""
    proof = {}
    if role != ANONYMOUS:
        with place.engine.begin() as work:
            token = create_token(work, place.people[role], name="program", scope="write", days=1)
        proof = {"Authorization": f"Bearer {token}"}
    column, found = ROLES.index(role), {}
    for method, endpoint in sorted(REST, key=lambda line: (line[0], line[1])):
        sent: dict[str, Any] = {"json": SENT[endpoint]} if endpoint in SENT else {}
        if endpoint == "rest_panels.add":
            sent = {"json": {"experts": [subject.values["person_id"]]}}
        if endpoint in ("rest_files.upload", "rest_drafts.upload"):
            sent = {"data": {"file": (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "more.pdf")}}
        answer = place.app.test_client().open(
            address_of(place.app, endpoint, subject.values),
            method=method,
            headers={**proof, "Idempotency-Key": f"r-{endpoint}", **({} if method == "GET" else {"If-Match": f'"{CLAIMED}"'})},
            buffered=True,
            **sent,
        )
        found[(method, endpoint)] = answer.status_code
        assert not answer.content_type.startswith("text/html")
    assert found == {line: statuses[column] for line, statuses in REST.items()}


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
