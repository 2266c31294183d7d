"""The forms of a campaign: those of its notice's version, read once per process of the operating system."""

from __future__ import annotations

import sqlalchemy as sa

from engine.definitions import get_definition
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.reading import find_campaign, find_stage
from workflows.forms import Form, Kind
from workflows.notices import StoredNotice, get_notice
from workflows.rules import CampaignUnknown
from workflows.tables import campaign


def campaign_form(work: Work, campaign_id: str, form_key: str) -> Form:
    """A form of the campaign's notice; of a body's own stage one of its overlay, else of the campaign that it is within.

    Raises KeyError when the notice has no such form: form keys are checked when a notice is deployed.
    """
    notice_id, parent_id = followed_notice(work, campaign_id)
    known: dict[tuple[str, str], Form] = work.engine.extras.setdefault("forms", {})
    if (notice_id, form_key) not in known:
        stored = get_notice(work, notice_id)
        if parent_id is not None and form_key not in stored.forms:
            return campaign_form(work, parent_id, form_key)
        known[(notice_id, form_key)] = stored.form(form_key)
    return known[(notice_id, form_key)]


def campaign_notice(work: Work, campaign_id: str) -> StoredNotice:
    """The notice's version that a campaign follows: its content never changes, so it is read once per process."""
    notice_id, _ = followed_notice(work, campaign_id)
    known: dict[str, StoredNotice] = work.engine.extras.setdefault("notices", {})
    if notice_id not in known:
        known[notice_id] = get_notice(work, notice_id)
    return known[notice_id]


def drawn_handlers(work: Work, campaign_id: str) -> frozenset[str]:
    """The handlers that the campaign's diagrams name: what its procedure does, and so what its pages need to show."""
    definitions = campaign_notice(work, campaign_id).definitions.values()
    return frozenset().union(*(get_definition(work, each).model.handlers for each in definitions))


def task_form(work: Work, task_id: str) -> Form | None:
    """The form of a user task; None when it has none."""
    query = sa.select(user_task.c.business_key, user_task.c.form_key).where(user_task.c.id == task_id)
    row = work.connection.execute(query).one()
    if row.form_key is None:
        return None
    return campaign_form(work, find_stage(work, row.business_key) or find_campaign(work, row.business_key), row.form_key)


def file_fields(form: Form) -> frozenset[str]:
    """Keys of the fields that take files."""
    return frozenset(field.key for field in form.fields if field.kind is Kind.FILE)


def followed_notice(work: Work, campaign_id: str) -> tuple[str, str | None]:
    """The version of a notice that a campaign follows, and of a body's own stage the campaign that it is within (ids). Neither
    ever changes, so they are read once per process.

    Raises CampaignUnknown.
    """
    known: dict[str, tuple[str, str | None]] = work.engine.extras.setdefault("followed_notices", {})
    if campaign_id not in known:
        row = work.connection.execute(_FOLLOWED, {"campaign": campaign_id}).one_or_none()
        if row is None:
            raise CampaignUnknown()
        known[campaign_id] = (row.notice_id, row.parent_id)
    return known[campaign_id]


_FOLLOWED = sa.select(campaign.c.notice_id, campaign.c.parent_id).where(campaign.c.id == sa.bindparam("campaign"))
