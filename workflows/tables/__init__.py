"""The tables of the campaigns, beside those of the engine in one schema."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata
from workflows.tables.agenda import agenda_feed as agenda_feed
from workflows.tables.desk import notification as notification
from workflows.tables.desk import saved_filter as saved_filter
from workflows.tables.desk import substitution as substitution
from workflows.tables.drafts import notice_draft as notice_draft
from workflows.tables.drafts import notice_draft_file as notice_draft_file
from workflows.tables.drafts import notice_draft_step as notice_draft_step
from workflows.tables.drafts import notice_draft_version as notice_draft_version
from workflows.tables.extensions import extension as extension
from workflows.tables.letters import letter as letter
from workflows.tables.letters import letter_task as letter_task
from workflows.tables.letters import urge as urge
from workflows.tables.preferences import preference as preference
from workflows.tables.reports import date_confirmation as date_confirmation
from workflows.tables.reports import report as report
from workflows.tables.reports import report_examination as report_examination
from workflows.tables.reports import report_version as report_version
from workflows.tables.reviews import Decimal as Decimal
from workflows.tables.reviews import conflict as conflict
from workflows.tables.reviews import panel_member as panel_member
from workflows.tables.reviews import review as review
from workflows.tables.reviews import review_draw as review_draw
from workflows.tables.reviews import selection as selection
from workflows.tables.reviews import selection_item as selection_item
from workflows.tables.rounds import activity_progress as activity_progress
from workflows.tables.rounds import arrival as arrival
from workflows.tables.rounds import forwarding as forwarding
from workflows.tables.rounds import round_ as round_
from workflows.tables.rounds import round_case as round_case
from workflows.tables.search import search_entry as search_entry
from workflows.tables.stages import ranked_list as ranked_list
from workflows.tables.talk import case_copy as case_copy
from workflows.tables.talk import remark as remark
from workflows.tables.talk import remark_mention as remark_mention
from workflows.tables.talk import watch as watch
from workflows.tables.views import case_view as case_view
from workflows.tables.workdays import work_day as work_day
from workflows.tables.workdays import work_day_change as work_day_change
from workflows.tables.workdays import work_year as work_year

# ---- who -------------------------------------------------------------------------------------------------------------
organisation = sa.Table(
    "organisation",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("parent_id", Id, sa.ForeignKey("organisation.id"), index=True),
    sa.Column("path", sa.String(600), nullable=False, index=True),  # "/root/province/": ids from the root, for narrowing
    sa.Column("kind", sa.String(16), nullable=False),  # authority | province | consortium | prefecture | division | institution
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("short_name", sa.String(100), nullable=False),
    sa.Column("region", sa.String(20)),  # GB/T 2260 province code, e.g. "110000"
    sa.Column("institution_kind", sa.String(100)),  # a value of the notice's open list, or free text
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("login", sa.String(100), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("email", sa.String(200)),
    sa.Column("password_hash", sa.String(200)),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), nullable=False, index=True),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("failed_logins", sa.Integer, nullable=False),
    sa.Column("locked_until", Moment),
    sa.Column("created_at", Moment, nullable=False),
)

membership = sa.Table(
    "membership",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("role", sa.String(20), primary_key=True),
    # applicant | auditor | organiser | expert | designer | releaser | administrator
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), primary_key=True),
    sa.Index("ix_membership_group", "role", "organisation_id"),
    sqlite_with_rowid=False,
)

login_session = sa.Table(
    "login_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("address", sa.String(60)),
)

access_token = sa.Table(
    "access_token",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),  # read | write
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Column("revoked_at", Moment),
)

# ---- notices and campaigns -------------------------------------------------------------------------------------------
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String(100), nullable=False),  # the folder's name
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),  # of the whole folder
    sa.Column("deployment_id", Id, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("source", sa.String(16), nullable=False),  # folder | person
    sa.Column("state", sa.String(16), nullable=False),  # deployed | draft
    sa.Column("content", Json, nullable=False),  # notice.yaml, validated
    sa.Column("forms", Json, nullable=False),  # {form key: form JSON}
    sa.Column("deployed_at", Moment, nullable=False),
    sa.Column("extends_id", Id, sa.ForeignKey("notice.id")),  # of an overlay: the version of the notice that it extends
    sa.UniqueConstraint("key", "version"),
)

campaign = sa.Table(
    "campaign",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String(100), nullable=False, unique=True),  # business key of its instance
    sa.Column("notice_id", Id, sa.ForeignKey("notice.id"), nullable=False),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id")),
    sa.Column("case_definition_id", Id, sa.ForeignKey("definition.id"), nullable=False),
    sa.Column("organiser_id", Id, sa.ForeignKey("organisation.id"), nullable=False),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("phase", sa.String(20), nullable=False),
    # prepared | collecting | reviewing | selecting | consulting | publishing | published | ended
    sa.Column("settings", Json, nullable=False),  # what the organiser may change: cut, experts per case, ...
    sa.Column("dates", Json, nullable=False),  # {name: date value with kind, words, reading, source, instant}
    sa.Column("next_number", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id),
    sa.Column("parent_id", Id, sa.ForeignKey("campaign.id"), index=True),  # of a body's own stage: the campaign that it is within
)

recommending_body = sa.Table(
    "recommending_body",
    metadata,
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("quota_min", sa.Integer),
    sa.Column("quota_max", sa.Integer),
    sa.Column("recommended_at", Moment),  # when its list reached the organiser: received_at
    sa.Column("recommended_by", Id),
    sa.Column("remark", sa.Text),
    sa.Column(
        "stage_id", Id, sa.ForeignKey("campaign.id")
    ),  # the stage that it runs itself; its cases from then on go through it
)

window = sa.Table(
    "window",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("name", sa.String(40), nullable=False),  # collection | body | comments
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id")),  # the body whose own cut-off it is
    sa.Column("opens_at", Moment),
    sa.Column("cutoff_at", Moment, nullable=False),  # half-open: in time means received_at < cutoff_at
    sa.Column("state", sa.String(16), nullable=False),  # planned | open | closed
    sa.Column("late", sa.String(12)),  # grace | accept_late: what becomes of what comes at or after the cut-off; None: refused
    sa.Column("closes_at", Moment),  # until when, half-open; None: the cut-off itself
    sa.UniqueConstraint("campaign_id", "name", "organisation_id"),
)

# ---- cases -----------------------------------------------------------------------------------------------------------
case = sa.Table(
    "case_",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("number", sa.String(60), nullable=False, unique=True),  # business key of its instance
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id")),
    sa.Column("institution_id", Id, sa.ForeignKey("organisation.id"), nullable=False),
    sa.Column("body_id", Id, sa.ForeignKey("organisation.id")),  # None: reported directly
    sa.Column("channel", sa.String(16), nullable=False),  # recommended | direct
    sa.Column("title", sa.String(300), nullable=False, index=True),
    sa.Column("directions", Json, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    # draft | submitted | returned | audited | rejected | recommended | not_recommended | lapsed | reported | accepted
    # | reviewing | reviewed | selected | not_selected | published | withdrawn
    sa.Column("received_at", Moment),  # when the first complete application was with us
    sa.Column("reported_at", Moment, index=True),  # when it reached the organiser: sent directly, or by its body's report
    sa.Column("accepted_at", Moment, index=True),  # when the organiser's review accepted it for publication
    sa.Column("rank", sa.Integer),  # in its body's list
    sa.Column("score", Decimal),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id),
    sa.Column("stage_id", Id, sa.ForeignKey("campaign.id"), index=True),  # its body's own stage, on whose diagram it runs
    sa.Column("prefecture_id", Id, sa.ForeignKey("organisation.id")),  # who checks it first in that stage
    sa.Column("checked_at", Moment),  # when it passed that first check
    sa.Column("late_at", Moment),  # when it came late and was taken, marked as late; None: in time
    *(sa.Index(f"ix_case_{name}", f"{name}_id", "number") for name in ("campaign", "institution", "body", "prefecture")),
)

application_version = sa.Table(
    "application_version",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("form_key", sa.String(200), nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),  # of the canonical JSON of data: printed on the receipt
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("received_by", sa.String(16), nullable=False),  # online | mail | paper
    sa.Column("submitted_by", Id),
)

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), index=True),
    sa.Column("report_id", Id, sa.ForeignKey("report.id"), index=True),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # application | correction | recommendation | supplement | report | arrival
    sa.Column("window_id", Id, sa.ForeignKey("window.id")),
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("received_at", Moment, nullable=False),  # the moment that decided
    sa.Column("cutoff_at", Moment),  # as it stood then
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("by", Id),
    sa.Column("lateness", sa.String(12)),  # grace | accept_late: how it was taken although it came after the cut-off
    sa.Column("late_reason", sa.Text),
)

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("task_id", Id, sa.ForeignKey("user_task.id"), primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("data", Json, nullable=False),
    sa.Column("task_revision", sa.Integer, nullable=False),
    sa.Column("saved_at", Moment, nullable=False),
)

stored_file = sa.Table(
    "stored_file",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
)

attachment = sa.Table(
    "attachment",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("sha256", sa.String(64), sa.ForeignKey("stored_file.sha256"), nullable=False),
    sa.Column("name", sa.String(300), nullable=False),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), index=True),
    sa.Column("task_id", Id, sa.ForeignKey("user_task.id"), index=True),
    sa.Column("field", sa.String(100), nullable=False),
    sa.Column("uploaded_by", Id, nullable=False),
    sa.Column("uploaded_at", Moment, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False, index=True),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # check | audit | acceptance | assessment
    sa.Column("result", sa.String(16), nullable=False),  # pass | return | reject
    sa.Column("grades", Json),  # {criterion: grade}, where the form asks for grades
    sa.Column("opinion", sa.Text, nullable=False),
    sa.Column("application_version", sa.Integer, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

comment = sa.Table(
    "comment",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), index=True),
    sa.Column("kind", sa.String(16), nullable=False),  # comment | objection
    sa.Column("from_name", sa.String(200), nullable=False),
    sa.Column("from_contact", sa.String(200)),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id")),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # open | adopted | not_adopted
    sa.Column("answer", sa.Text),
    sa.Column("decided_by", Id),
    sa.Column("decided_at", Moment),
)

publication = sa.Table(
    "publication",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("title", sa.String(300), nullable=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("by", Id),
)

publication_item = sa.Table(
    "publication_item",
    metadata,
    sa.Column("publication_id", Id, sa.ForeignKey("publication.id"), primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
)
