"""An action with a key happens once: a double click, a retry after a lost answer, a proxy that sends twice.

Keys are forgotten after `KEEP`: whoever sends the same request again so late meets what has become of things meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from engine.database import lock_name
from engine.errors import Problem
from engine.tables import idempotency
from engine.work import Work

KEEP = timedelta(days=7)
"""How long the answer to a key is kept."""
EVERY = timedelta(hours=1)
"""How often each process looks for keys that are to be forgotten."""
MOST_FORGOTTEN = 5_000
"""So many are forgotten at a time: somebody waits for it."""


class KeyReused(Problem):
    """This key was used for another request before."""

    kind = "conflict"


def once(work: Work, key: str, action: str, request: Mapping[str, Any], function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Call `function` and keep its answer (JSON) under the key, in the same transaction; later calls get the kept answer.

    A key belongs to the person who acts. Two calls at the same moment: the second waits for the first's transaction
    and then finds its answer.
    Raises KeyReused when the same key comes with another request, and whatever `function` raises (nothing is kept then).
    """
    by = work.by or ""
    digest = hashlib.sha256(orjson.dumps([action, request], option=orjson.OPT_SORT_KEYS)).hexdigest()
    lock_name(work.connection, f"{by}:{key}")
    known = work.connection.execute(_KNOWN, {"key": key, "by": by}).one_or_none()
    if known is not None:
        if known.request_hash != digest:
            raise KeyReused()
        return dict(known.answer)
    _forget_old(work)
    answer = function()
    values = {"key": key, "by": by, "action": action, "request_hash": digest, "answer": answer, "at": work.now}
    work.connection.execute(_KEEP, values)
    return answer


def _forget_old(work: Work) -> None:
    """What has been forgotten by another process at this moment is passed over."""
    looked_at: datetime | None = work.engine.extras.get(__name__)
    if looked_at is not None and looked_at <= work.now < looked_at + EVERY:
        return
    key, by = idempotency.c.key, idempotency.c.by
    old = sa.select(key, by).where(idempotency.c.at < work.now - KEEP).limit(MOST_FORGOTTEN).with_for_update(skip_locked=True)
    work.connection.execute(idempotency.delete().where(sa.tuple_(key, by).in_(old)))
    work.after_commit.append(lambda: work.engine.extras.update({__name__: work.now}))


_KNOWN = sa.select(idempotency.c.request_hash, idempotency.c.answer).where(
    idempotency.c.key == sa.bindparam("key"), idempotency.c.by == sa.bindparam("by")
)
_KEEP = idempotency.insert()
