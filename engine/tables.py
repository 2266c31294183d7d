"""The engine's tables. One document per instance, and rows that mirror it, all written in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Digest, Json, Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
Id = sa.String(32)

deployment = sa.Table(
    "deployment",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("source", sa.String(16), nullable=False),  # folder | person
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("deployed_at", Moment, nullable=False),
    sa.Column("deployed_by", Id),
)

definition = sa.Table(
    "definition",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("deployment_id", Id, sa.ForeignKey("deployment.id"), nullable=False),
    sa.Column("key", sa.String(200), nullable=False),  # the process id in the diagram
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("version_tag", sa.String(200)),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("kernel", sa.String(16), nullable=False),  # tokens | spiff
    sa.Column("xml", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("findings", Json, nullable=False),  # what the check at deployment remarked
    sa.Column("draft", sa.Boolean, nullable=False, server_default=sa.false()),  # a draft is never the latest version
    sa.UniqueConstraint("key", "version"),
)

start_subscription = sa.Table(
    "start_subscription",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("definition_id", Id, sa.ForeignKey("definition.id"), nullable=False, index=True),
    sa.Column("key", sa.String(200), nullable=False, index=True),  # the process; only its latest version subscribes
    sa.Column("element_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # message | signal | conditional
    sa.Column("name", sa.String(200), nullable=False),  # of the message or signal; empty for a condition
    sa.Column("since", Moment, nullable=False),  # what was sent before does not start it
    sa.Index("ix_start_subscription_lookup", "kind", "name"),
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("deployment_id", Id, sa.ForeignKey("deployment.id"), nullable=False, index=True),
    sa.Column("key", sa.String(200), nullable=False),  # the decision's id in its file
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("version_tag", sa.String(200)),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("file", sa.String(200), nullable=False),  # the path of the file in its deployment
    sa.Column("xml", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("draft", sa.Boolean, nullable=False),  # a draft is never the latest version
    sa.UniqueConstraint("key", "version"),
)

instance = sa.Table(
    "instance",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("definition_id", Id, sa.ForeignKey("definition.id"), nullable=False, index=True),
    sa.Column("business_key", sa.String(200), nullable=False, index=True),
    sa.Column("belongs_to", Id),  # what it is listed with, as said by whoever started it: a campaign
    sa.Column("state", sa.String(16), nullable=False),  # running | suspended | ended | cancelled
    sa.Column("document", Json, nullable=False),  # {"format_version": 1, "state": the kernel's document}
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("error", sa.String(200)),  # BPMN error that nobody caught
    sa.Column("history_count", sa.Integer, nullable=False),
    sa.Column("history_hash", sa.String(64), nullable=False),  # head of the chain
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("started_by", Id),
    sa.Column("ended_at", Moment),
    sa.Index("ix_instance_belongs_to", "belongs_to", "definition_id"),
)

user_task = sa.Table(
    "user_task",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), nullable=False),
    sa.Column("business_key", sa.String(200), nullable=False, index=True),
    sa.Column("belongs_to", Id),  # as its instance
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("element_id", sa.String(200), nullable=False),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # open | completed | cancelled
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("assignee", sa.String(200)),
    sa.Column("candidate_set", Id),  # who may claim it; null: nobody
    sa.Column("owner", sa.String(200)),  # who delegated
    sa.Column("form_key", sa.String(200)),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("follow_up_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("claimed_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("closed_by", Id),
    sa.Index("ix_user_task_token", "instance_id", "token"),
)

OPEN = user_task.c.state == sa.literal_column("'open'")
"""Tasks to be done. The text stands in the statement: only so a database knows that an index of open tasks will do."""
WAITING = sa.and_(OPEN, user_task.c.assignee.is_(None))
"""Those that nobody has claimed."""
CLAIMED, DELEGATED = (sa.and_(OPEN, person.is_not(None)) for person in (user_task.c.assignee, user_task.c.owner))
"""Those that somebody has (SQLite would look in an index of all open ones for what nobody has), or prepares for their owner."""
COMPLETED = user_task.c.state == sa.literal_column("'completed'")


def _index_tasks(name: str, which: sa.ColumnElement[bool], *columns: str) -> None:
    """An index of some tasks alone: what is done leaves it, so it stays as small as what is to be done."""
    sa.Index(f"ix_user_task_{name}", *(user_task.c[each] for each in columns), sqlite_where=which, postgresql_where=which)


_index_tasks("waiting", WAITING, "candidate_set", "due_at", "id")  # the inbox of a group in its order,
_index_tasks("waiting_within", WAITING, "candidate_set", "belongs_to", "due_at", "id")  # and of one campaign
_index_tasks("waiting_step", WAITING, "candidate_set", "element_id", "due_at", "id")  # of one step
_index_tasks("delegated", DELEGATED, "owner", "due_at", "id")
_index_tasks("held", CLAIMED, "assignee", "due_at", "id")
_index_tasks("closed", COMPLETED, "closed_by", "closed_at", "id")
_index_tasks("open", OPEN, "belongs_to", "element_id", "due_at")
_index_tasks("open_name", OPEN, "name")

candidate_set = sa.Table(
    "candidate_set",
    metadata,
    sa.Column("id", Id, primary_key=True),  # a digest of its members (`engine.candidates`): each set is stored once
    sa.Column("kind", sa.String(8), primary_key=True),  # group | user
    sa.Column("candidate", sa.String(200), primary_key=True),  # "auditor@<organisation id>" or a person's id
    sa.Index("ix_candidate_set_lookup", "kind", "candidate", "id"),
    sqlite_with_rowid=False,  # the rows are their key
)

user_task_candidate = (
    sa.select(user_task.c.id.label("task_id"), candidate_set.c.kind, candidate_set.c.candidate)
    .join(candidate_set, candidate_set.c.id == user_task.c.candidate_set)
    .subquery("user_task_candidate")
)
"""Who may claim a task, a row for each, to be looked at from the task. Who looks for tasks asks for their `candidate_set`."""

timer = sa.Table(
    "timer",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("unique_key", sa.String(300), nullable=False, unique=True),  # an occurrence happens once
    # event: of a diagram | start: of a process, by its start event | handler: calls a registered handler | script |
    # listener: of a user task
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id")),
    sa.Column("token", sa.String(64)),
    sa.Column("element_id", sa.String(200)),
    sa.Column("handler", sa.String(200)),
    sa.Column("payload", Json, nullable=False),
    sa.Column("subject", sa.String(200), index=True),  # what it belongs to: a business key, a task id, the process it starts
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # armed | fired | cancelled | dead
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_try_at", Moment, nullable=False),
    sa.Column("lease_by", Id),
    sa.Column("lease_until", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Index("ix_timer_token", "instance_id", "token"),
    sa.Index("ix_timer_due", "state", "next_try_at", "id"),
)

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), nullable=False, index=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("element_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # message | signal
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("business_key", sa.String(200), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_subscription_lookup", "kind", "name", "business_key"),
)

subscription_key = sa.Table(
    "subscription_key",
    metadata,
    sa.Column("subscription_id", Id, sa.ForeignKey("subscription.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("definition_id", Id, sa.ForeignKey("definition.id"), primary_key=True),  # whose correlation key it is
    sa.Column("digest", sa.String(64), primary_key=True),  # of the values of the key
    sa.Index("ix_subscription_key_lookup", "digest", "definition_id"),
)

correlated_message = sa.Table(
    "correlated_message",
    metadata,
    sa.Column("definition_id", Id, sa.ForeignKey("definition.id"), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),  # of a message that the definition reads values out of
    sa.Index("ix_correlated_message_name", "name"),
)

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("unique_key", sa.String(300), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),  # message | signal
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("business_key", sa.String(200), nullable=False, index=True),
    sa.Column("variables", Json, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # waiting | delivered | unmatched | dead
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_try_at", Moment, nullable=False),
    sa.Column("keep_until", Moment, nullable=False),  # unmatched messages are kept so long, then reported
    sa.Column("lease_by", Id),
    sa.Column("lease_until", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("sent_by", Id),  # instance that sent it
    sa.Column("to_instance", Id),  # a signal goes to one that waited for it,
    sa.Column("to_process", sa.String(200)),  # or starts this process
    sa.Column("correlation", Json),  # values that its sender states: they must be those of the receiver
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Index("ix_message_due", "state", "next_try_at", "id"),
)

external_task = sa.Table(
    "external_task",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), nullable=False),
    sa.Column("business_key", sa.String(200), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("element_id", sa.String(200), nullable=False),
    sa.Column("topic", sa.String(200), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # open | done | cancelled | dead
    sa.Column("lease_by", sa.String(200)),  # the worker that has it, in its own name
    sa.Column("lease_until", Moment),
    sa.Column("retries", sa.Integer),  # as the last worker that failed said; null: none has
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # failures so far
    sa.Column("next_try_at", Moment, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Index("ix_external_task_fetch", "state", "topic", "next_try_at"),
    sa.Index("ix_external_task_token", "instance_id", "token"),
)

message_key = sa.Table(
    "message_key",
    metadata,
    sa.Column("message_id", Id, sa.ForeignKey("message.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),  # of values by which a kept message can be found
    sa.Index("ix_message_key_digest", "digest"),
)

bulk_job = sa.Table(
    "bulk_job",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("unique_key", sa.String(300), nullable=False, unique=True),
    sa.Column("operation", sa.String(100), nullable=False),
    sa.Column("shared", Json, nullable=False),  # values that all items have
    sa.Column("subject", sa.String(200), index=True),  # what it belongs to
    sa.Column("received_at", Moment, nullable=False),  # decides about being in time
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id, index=True),
    sa.Column("on_behalf_of", Id),
)

bulk_chunk = sa.Table(
    "bulk_chunk",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("job_id", Id, sa.ForeignKey("bulk_job.id", ondelete="CASCADE"), nullable=False),
    sa.Column("first", sa.Integer, nullable=False),  # the position of its first item; they count from 1
    sa.Column("items", Json, nullable=False),
    sa.Column("results", Json),  # as many as items: null | {done} | {refused}
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # waiting | done | cancelled | dead
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_try_at", Moment, nullable=False),
    sa.Column("lease_by", Id),
    sa.Column("lease_until", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("done_at", Moment),
    sa.UniqueConstraint("job_id", "first"),
    sa.Index("ix_bulk_chunk_due", "state", "next_try_at", "id"),
)

incident = sa.Table(
    "incident",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # timer | message | mail | bulk | external | handler
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), index=True),
    sa.Column("row_id", Id, index=True),  # the timer, message, mail or chunk that gave up
    sa.Column("element_id", sa.String(200)),
    sa.Column("code", sa.String(100), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
    sa.Column("resolved_by", Id),
    sa.Column("resolution", sa.String(16)),  # retried | skipped | edited (and retried) | replaced (by a row written again)
    sa.Column("reason", sa.Text),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("element_id", sa.String(200)),
    sa.Column("token", sa.String(64)),
    sa.Column("by", Id),
    sa.Column("on_behalf_of", Id),
    sa.Column("detail", Json, nullable=False),
    sa.Column("hash", Digest, nullable=False),  # of the row and the hash of the one before (`engine.history`)
)

archived_instance = sa.Table(
    "archived_instance",
    metadata,
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id"), primary_key=True),
    sa.Column("subject", sa.String(200), nullable=False, index=True),  # what it belongs to: the campaign's key
    sa.Column("content", sa.LargeBinary, nullable=False),  # its rows: JSON, compressed (`engine.archive`)
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),  # before compression
    sa.Column("archived_at", Moment, nullable=False),
    sa.Column("archived_by", Id),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("unique_key", sa.String(300), nullable=False, unique=True),
    sa.Column("channel", sa.String(16), nullable=False),  # mail | webhook (the recipient is a gateway)
    sa.Column("recipient", sa.String(300), nullable=False),
    sa.Column("subject", sa.String(400), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("headers", Json, nullable=False),
    sa.Column("about", sa.String(200), index=True),  # business key
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # queued | sent | held (demo) | withdrawn | dead
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_try_at", Moment, nullable=False),
    sa.Column("lease_by", Id),
    sa.Column("lease_until", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Index("ix_outbox_due", "state", "next_try_at", "id"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.String(100), primary_key=True),
    sa.Column("by", Id, primary_key=True),
    sa.Column("action", sa.String(100), nullable=False),
    sa.Column("request_hash", sa.String(64), nullable=False),
    sa.Column("answer", Json, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("key", sa.String(100), primary_key=True),  # demo, instance name, secret key, ...
    sa.Column("value", Json, nullable=False),
)
