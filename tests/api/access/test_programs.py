"""The access matrix of the REST interface: every operation for every role. A new operation without a line here fails."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.api.access.roles import ANONYMOUS, CLAIMED, ROLES, Subject, address_of, list_routes
from workflows.tokens import create_token

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
    ("POST", "rest_task_operations.plan"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("GET", "rest_filters.list_all"): (401, *(200,) * 8),
    ("POST", "rest_filters.keep"): (401, *(201,) * 8),
    ("POST", "rest_filters.rename"): (401, *(404,) * 8),  # nobody's
    ("DELETE", "rest_filters.drop"): (401, *(404,) * 8),
    ("POST", "rest_talk.prioritise"): (401, 403, 404, 403, 404, 200, 404, 404, 404),
    ("POST", "rest_tasks.transfer"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("GET", "rest_tasks.show_draft"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("PUT", "rest_tasks.save_draft"): (401, 404, 404, 200, 404, 404, 404, 404, 404),
    ("POST", "rest_files.upload"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("POST", "rest_uploads.begin"): (401, 404, 404, 422, 404, 404, 404, 404, 404),
    ("GET", "rest_uploads.show"): (401, *(404,) * 8),  # nobody's: test_uploads.py asks about one
    ("PATCH", "rest_uploads.append"): (401, *(404,) * 8),
    ("DELETE", "rest_uploads.drop"): (401, *(404,) * 8),
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
    "rest_talk.prioritise": {"priority": 75},
    "rest_filters.keep": {"name": "-"},
    "rest_filters.rename": {"name": "-"},
    "rest_task_operations.plan": {"priority": 75},
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
    "rest_uploads.begin": {"name": "seal.pdf", "size": 15},
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


def test_every_operation_has_a_line(shared_place: Any) -> None:
    assert list_routes(shared_place.app, programs=True) == set(REST)
    assert all(len(line) == len(ROLES) for line in REST.values())


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
        if endpoint == "rest_uploads.append":
            sent = {"data": b"x", "content_type": "application/octet-stream"}
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
