"""Stages that recommending bodies run themselves within a campaign: opened, followed on a board, ended by a sealed list."""

from workflows.stages.board import PrefectureLine, StageBoard, list_stages, stage_board
from workflows.stages.checking import QuotaUsedUp, check
from workflows.stages.opening import (
    OverlayChoice,
    StageInvalid,
    StageOpened,
    StageTooLate,
    find_openable,
    list_overlays,
    open_stage,
)
from workflows.stages.steps import ListSealed, ListUnready, end, rank, seal, settle

__all__ = [
    "ListSealed",
    "ListUnready",
    "OverlayChoice",
    "PrefectureLine",
    "QuotaUsedUp",
    "StageBoard",
    "StageInvalid",
    "StageOpened",
    "StageTooLate",
    "check",
    "end",
    "find_openable",
    "list_overlays",
    "list_stages",
    "open_stage",
    "rank",
    "seal",
    "settle",
    "stage_board",
]
