"""What the addresses of all routes are filled with."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine.definitions import latest_definition
from engine.incidents import open_incident
from engine.tables import outbox
from tests.api.access.roles import Subject
from workflows.inbox.many import start_many
from workflows.mails import Recipient, queue_letter
from workflows.notices import list_notices
from workflows.notices.drafts import save_file, start_draft


@pytest.fixture
def subject(place: Any, application: dict[str, Any]) -> Subject:
    """A submitted case of `applicant` that waits for `auditor`, its file, an incident."""
    sent = place.hand_in(application)
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
            "case_id": sent.case_id,
            "kind": "csv",
            "table": "funnel",
            "task_id": audit.id,
            "attachment_id": sent.scan_id,
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
            "part_id": "0" * 32,
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
