"""A notice: what `notice.yaml` holds. Every value says whether the text states it, another source does, or we chose it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field as Key
from pydantic import StrictBool, StrictInt, StrictStr

from workflows.deadlines import Bilingual, DateValue
from workflows.notices.parts import Fact, Item, Listed, Name, Part, Plain, Sourced, Text
from workflows.notices.reporting import BodyKind, Milestone, ReportPlan, Target

FORMAT = 1
"""Version of the format of `notice.yaml`."""


class Diagrams(Part):
    """File names of the processes: one instance per campaign, one per case, and one per report where reports are asked for.

    An overlay has a `stage`, one instance per body that runs it, and perhaps another diagram for the cases that come through it.
    """

    campaign: Text | None = None
    case: Text | None = None
    report: Text | None = None
    stage: Text | None = None

    @property
    def by_role(self) -> dict[str, str]:
        """File names by what an instance is of (`campaign`, `case`, `report`, `stage`); the process is `<key>_<role>`."""
        named = {"campaign": self.campaign, "case": self.case, "report": self.report, "stage": self.stage}
        return {role: file for role, file in named.items() if file is not None}


class Document(Part):
    """The document itself. `issued_on` is its own date (absent where the text has lost it), `published_on` when it was seen."""

    title: Fact[Text]
    issuer: Fact[Text]
    issued_on: Fact[date] | None = None
    published_on: Fact[date] | None = None
    number: Fact[Text | None] | None = None  # 文号
    title_en: Fact[Text] | None = None
    issuer_en: Fact[Text] | None = None
    theme: Fact[Text] | None = None
    department: Fact[Text] | None = None
    annexes: Fact[Listed[Text]] | None = None
    annex_content_known: Fact[bool] | None = None
    basis: Fact[Listed[Text]] | None = None  # documents that it carries out
    contact_office: Fact[Text] | None = None
    in_charge: Fact[Text] | None = None  # who runs collection and selection, where it is not the issuer's department


class Identity(Part):
    """What a campaign is called in public, on its pages and in its letters."""

    brand: Fact[Text] | None = None
    slogan: Fact[Text] | None = None


class Body(Sourced):
    """One recommending body. `region` is its code in GB/T 2260, None where it has none."""

    key: Name
    kind: BodyKind
    name: Text
    short_name: Text
    name_en: Text
    region: Annotated[str, Key(pattern=r"^[1-9][0-9]{5}$")] | None


class Recipients(Part):
    """Who is addressed. `total` is what the text says, `bodies` are who it is."""

    total: Fact[int]
    bodies: Listed[Body]
    provinces: Fact[int] | None = None
    corps: Fact[int] | None = None
    consortium: Fact[int] | None = None
    duties: Fact[Listed[Text]] | None = None


class Quota(Part):
    """How many cases a body recommends; None is no figure."""

    minimum: Fact[Annotated[int, Key(ge=0)] | None]
    maximum: Fact[Annotated[int, Key(ge=0)] | None]
    corps_counts_as_province: Fact[bool] | None = None
    consortium_minimum: Fact[Annotated[int, Key(ge=0)] | None] | None = None
    below_minimum: Fact[Literal["warn", "refuse"]] | None = None


class OpenList(Part):
    """A list of the text; an open one has the item `other` and refuses nobody."""

    open: Fact[bool]
    items: Listed[Item]
    chosen_by: Fact[Text] | None = None


class Demand(Item):
    """A demand of the notice, which is a criterion of review. Weights sum to 100; there are none where nothing is scored."""

    weight: Fact[Annotated[int, Key(ge=0, le=100)]] | None = None
    evidence: Listed[Item] = ()


class Subject(Sourced):
    """The subject line asked for in mails; `{body}` or `{institution}` is the sender's name."""

    pattern: Text
    sent_by: Literal["body", "institution"]


class Channel(Item):
    """A way in which material arrives."""

    subjects: Listed[Subject] = ()
    to: Fact[Text] | None = None


class Setting(Sourced):
    """A figure that an organiser may change within its bounds, or among its choices."""

    zh: Text
    en: Text
    value: StrictBool | StrictInt | StrictStr | None
    minimum: int | None = None
    maximum: int | None = None
    choices: Listed[Text] = ()


class OpenQuestion(Part):
    """What the text leaves open, and the setting (or the path in this file) by which it is decided."""

    key: Name
    zh: Text
    en: Text
    setting: Annotated[str, Key(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]


class Round(Item):
    """A cadence at which what came in is rolled up: a round for each day of the repeating `date`.

    `takes` is what decides to which round a case belongs: the moment it was received by the organiser, or accepted by the review.
    """

    date: Name
    takes: Fact[Literal["received", "accepted"]]
    purpose: Fact[Text] | None = None


class Organiser(Sourced):
    """Who holds an activity: an organisation of the tree has it as its name or short name, or it is only a name."""

    name: Text


class Activity(Item):
    """A row of the notice's calendar of activities."""

    date: DateValue
    organisers: Annotated[Listed[Organiser], Key(min_length=1)]


class Reminder(Sourced):
    """When those who owe a task are reminded of its due date."""

    task: Text
    work_days_before: Listed[Annotated[int, Key(ge=1, le=60)]]
    on_the_day: bool
    after: Listed[Annotated[int, Key(ge=1, le=60)]] = ()
    escalate_after: Annotated[int, Key(ge=1, le=60)] | None = None
    overdue: Literal["none", "daily", "weekly"]
    recipients: Annotated[Listed[Literal["candidates", "assignee", "body", "organiser"]], Key(min_length=1)]
    letter: Name


class Reconstruction(Sourced):
    """Files whose look is ours because the source is not known."""

    what: Annotated[Listed[Text], Key(min_length=1)]
    zh: Text
    en: Text


class Notice(Part):
    """A whole `notice.yaml`. `facts` in `rules`, `recurrence`, `result` and `scale` are free by name.

    With `extends` it is an overlay: a body's own stage within the notice of that key, which it has the rest from.
    """

    format: Literal[1]
    key: Name
    extends: Name | None = None
    diagrams: Diagrams
    texts: dict[Name, Bilingual]
    document: Document
    recipients: Recipients
    channels: Annotated[Listed[Channel], Key(min_length=1)]
    dates: dict[Name, DateValue]
    settings: dict[Name, Setting]
    identity: Identity | None = None
    quota: Quota | None = None
    demands: Listed[Demand] = ()
    reports: Listed[ReportPlan] = ()
    milestones: Listed[Milestone] = ()
    targets: Listed[Target] = ()
    institution_kinds: OpenList | None = None
    directions: OpenList | None = None
    rules: dict[Name, Fact[Plain]] = {}
    direct_reporting: Fact[bool] | None = None
    receipts: Fact[bool] | None = None
    open_questions: Listed[OpenQuestion] = ()
    rounds: Listed[Round] = ()
    activities: Listed[Activity] = ()
    reminders: Listed[Reminder] = ()
    letters: Listed[Item] = ()
    recurrence: dict[Name, Fact[Plain]] = {}
    result: dict[Name, Fact[Plain]] = {}
    scale: dict[Name, Fact[Plain]] = {}
    reconstructed: Listed[Reconstruction] = ()


_PARTS = (*Part.__subclasses__(), *Sourced.__subclasses__(), *Item.__subclasses__())
VOCABULARY = frozenset(name for part in _PARTS for name in part.model_fields)
"""All keys that a `notice.yaml` may have somewhere, for suggestions."""
