"""A case as one person sees it: plain values, already narrowed. What the person may not see is None or absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from workflows.campaigns.reading import Campaign
from workflows.cases.history import HistoryLine, Marks
from workflows.files import Attachment
from workflows.forms import Field, Form, Kind
from workflows.organisations import Organisation
from workflows.scoring import round_score


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of the application. `form` is the form as this reader may see it, `values` fit it."""

    version: int
    form: Form
    values: Mapping[str, Any]
    sha256: str
    received_at: datetime
    received_by: str
    submitted_by: str | None


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What reached us when: `accepted`, or refused against the cut-off as it stood then. `lateness` tells how it was accepted
    after it (`grace`, `accept_late`), None in time."""

    id: str
    kind: str
    accepted: bool
    received_at: datetime
    cutoff_at: datetime | None
    sha256: str
    lateness: str | None = None
    late_reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuditView:
    """A result of an audit (`audit`) or of the organiser's formal check (`acceptance`)."""

    kind: str
    result: str
    opinion: str
    version: int
    organisation: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A score sheet: experts see their own, organisers all."""

    id: str
    expert: str | None
    state: str
    scores: Mapping[str, Any]
    total: Decimal | None
    comment: str | None
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a case. `field` and `versions` are where the application names it; None and empty for what came otherwise."""

    attachment: Attachment
    field: Field | None
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case. In blind review institution, body, channel, rank, receipts, audits, history and marks are None or empty."""

    id: str
    number: str
    title: str
    state: str
    directions: tuple[str, ...]
    campaign: Campaign
    blind: bool
    channel: str | None
    institution: Organisation | None
    body: Organisation | None
    created_at: datetime | None
    received_at: datetime | None
    rank: int | None
    score: Decimal | None
    versions: tuple[VersionView, ...]
    receipts: tuple[ReceiptView, ...]
    audits: tuple[AuditView, ...]
    reviews: tuple[ReviewView, ...]
    history: tuple[HistoryLine, ...]
    marks: Marks | None
    attachments: tuple[Attachment, ...]
    stage: Campaign | None = None  # its body's own stage, if it goes through one
    prefecture: Organisation | None = None  # who checks it first in that stage
    checked_at: datetime | None = None
    stage_cutoff_at: datetime | None = None  # until when it could be applied there
    archived_at: datetime | None = None
    late_at: datetime | None = None  # when it came late and was taken, marked so

    @property
    def latest(self) -> VersionView | None:
        """The application as it stands."""
        return self.versions[-1] if self.versions else None

    @property
    def shown_score(self) -> Decimal | None:
        """The score with two digits, for people."""
        return None if self.score is None else round_score(self.score)

    @property
    def files(self) -> tuple[FileView, ...]:
        """The attachments, each with the field and the versions of the application that it is in."""
        fields: dict[str, Field] = {}
        versions: dict[str, list[int]] = {}
        for version in self.versions:
            for field in version.form.fields:
                if field.kind is Kind.FILE:
                    for file in version.values.get(field.key) or ():
                        fields[file["id"]] = field
                        versions.setdefault(file["id"], []).append(version.version)
        return tuple(FileView(each, fields.get(each.id), tuple(versions.get(each.id, ()))) for each in self.attachments)
