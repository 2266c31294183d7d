"""Campaigns: made of a notice, opened and closed by their diagram, with windows that decide what is in time."""

from workflows.campaigns.board import Board, BodyLine, DeadlineLine, below_quota, campaign_board, list_bodies
from workflows.campaigns.creating import (
    CampaignInvalid,
    NoticeNotDeployed,
    create_campaign,
)
from workflows.campaigns.forms import campaign_form, file_fields, task_form
from workflows.campaigns.reading import Campaign, campaign_dates, find_campaign, get_campaign, list_campaigns
from workflows.campaigns.settings import Bounds, list_bounds, merge_settings
from workflows.campaigns.steps import close_collection, end, issue, open_collection
from workflows.campaigns.windows import (
    CollectionEnded,
    CollectionNotOpen,
    TooLate,
    Window,
    deciding_window,
    get_window,
    list_windows,
)

__all__ = [
    "Board",
    "BodyLine",
    "Bounds",
    "Campaign",
    "CampaignInvalid",
    "CollectionEnded",
    "CollectionNotOpen",
    "DeadlineLine",
    "NoticeNotDeployed",
    "TooLate",
    "Window",
    "below_quota",
    "campaign_board",
    "campaign_dates",
    "campaign_form",
    "close_collection",
    "create_campaign",
    "deciding_window",
    "end",
    "file_fields",
    "find_campaign",
    "get_campaign",
    "get_window",
    "issue",
    "list_bodies",
    "list_bounds",
    "list_campaigns",
    "list_windows",
    "merge_settings",
    "open_collection",
    "task_form",
]
