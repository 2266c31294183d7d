"""Which pictures are taken: each page by its endpoint, who looks at it and where. A test holds the plan against the URL map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WITH_REPORTS, WITH_ROUNDS = "jiangxi_2022", "hubei_2023"


@dataclass(frozen=True, slots=True)
class View:
    """A page as somebody sees it.

    `filled` names what its address is filled with (`name` or `name=value`): campaign `a` collects, `b` reviews, `c` consults.
    `walk` is what is done on the page before its picture. `played` names the notice whose campaign was played to its end; the
    others are of the demonstration.
    """

    login: str | None
    filled: str = ""
    query: str = ""
    walk: Callable[[Any], None] | None = None
    endpoint: str = ""
    played: str = ""

    @property
    def arguments(self) -> Mapping[str, str]:
        """The parts of its address, and the value that fills each; a campaign's letter stands for its `campaign_id`."""
        pairs = (each.partition("=")[::2] for each in self.filled.split())
        return {"campaign_id" if name in "abc" else name: value or name for name, value in pairs}


def submit_empty(page: Any) -> None:
    """Hand in a form as it is, to see its faults."""
    page.locator("button.main").first.click()
    page.locator(".error-summary").wait_for()


def choose_many(page: Any) -> None:
    """Choose the first tasks of the list and ask what returning them would do."""
    boxes = page.locator("input[name=many_task]")
    for index in range(min(boxes.count(), 4)):
        boxes.nth(index).check()
    page.locator("button[name=many_action][value=return]").click()
    page.wait_for_url("**/bulk/preview")


PLAN: Mapping[str, View] = {
    "home.show": View("organiser"),
    "login.show": View(None),
    "inbox.show": View("auditor"),
    "tasks.show": View("auditor", "task_id"),
    "tasks.print_form": View("auditor", "task_id"),
    "substitutions.show": View("auditor"),
    "notifications.show": View("auditor"),
    "bulk.list_all": View("auditor"),
    "bulk.show": View("auditor", "bulk_id"),
    "cases.list_all": View("organiser"),
    "cases.show": View("organiser", "case_id"),
    "case_papers.compare": View("organiser", "case_id"),
    "case_papers.show_views": View("organiser", "case_id"),
    "previews.show": View("organiser", "attachment_id"),
    "stopping.show": View("organiser", "case_id"),
    "agenda.show": View("organiser"),
    "feeds.show": View("organiser"),
    "campaigns.list_all": View(None),
    "campaigns.show": View("organiser", "a"),
    "boards.show": View("organiser", "b"),
    "campaign_affairs.show_history": View("organiser", "a"),
    "campaign_affairs.show_panel": View("organiser", "b"),
    "archive.show": View("organiser", "c"),
    "new_campaign.show": View("organiser"),
    "new_campaign.compare": View("organiser", "a"),
    "extensions.show": View("organiser", "a"),
    "extensions.preview": View("organiser", "a", query="way=shift&days=7"),
    "reminders.show_missing": View("organiser", "a"),
    "reminders.list_letters": View("organiser", "a"),
    "reminders.preview_letters": View("organiser", "a"),
    "rounds.show": View("organiser", "campaign_id", played=WITH_ROUNDS),
    "rounds.show_one": View("organiser", "campaign_id plan occurrence", played=WITH_ROUNDS),
    "reports.show": View("organiser", "report_id", played=WITH_REPORTS),
    "activities.show": View(None, "campaign_id", query="month=2023-05", played=WITH_ROUNDS),
    "consultation.show": View(None, "c"),
    "consultation.show_published": View(None, "campaign_id", played=WITH_ROUNDS),
    "stages.show_opening": View("auditor", "a"),
    "stages.show": View("auditor-2", "stage_id"),
    "notices.list_all": View(None),
    "notices.show": View(None, "key"),
    "designer.list_all": View("designer"),
    "designer.new_check": View("designer"),
    "designer.show_definition": View("designer", "definition_id"),
    "drafts.list_all": View("designer"),
    "drafts.new": View("designer"),
    "drafts.show": View("designer", "draft_id"),
    "drafts.check_all": View("designer", "draft_id"),
    "drafts.compare": View("designer", "draft_id"),
    "drafts.edit": View("designer", "draft_id path"),
    "drafts.list_versions": View("designer", "draft_id"),
    "incidents.show": View("administrator"),
    "incidents.show_one": View("administrator", "incident_id"),
    "operations.show": View("administrator"),
    "tokens.show": View("administrator"),
    "workdays.show": View("administrator", "year"),
    "rest.show_page": View(None),
}
STATES: Mapping[str, View] = {
    "bulk_begin.preview": View("auditor", endpoint="inbox.show", query="view=mine", walk=choose_many),
    "tasks.complete.refused": View("auditor", "task_id", endpoint="tasks.show", walk=submit_empty),
    "tasks.show.review": View("expert", "task_id=review", endpoint="tasks.show"),
}
"""What is not an address of its own but seen often: after a button, or by another role."""
NO_PAGE: Mapping[str, str] = {
    "boards.list_table": "a file",
    "case_papers.export_docx": "a file",
    "case_papers.export_pdf": "a file",
    "designer.read_xml": "a file",
    "drafts.export": "a file",
    "drafts.read_file": "a file",
    "feeds.fetch": "a file",
    "feeds.fetch_campaign": "a file",
    "feeds.fetch_date": "a file",
    "files.download": "a file",
    "inbox.show_news": "a line of inbox.show",
    "lists.*": "files",
    "operations.health": "for programs",
    "operations.metrics": "for programs",
    "previews.content": "a file",
    "rest.show_document": "for programs",
    "rest_*": "for programs",
    "rounds.download": "a file",
    "uploads.show": "how far a file has come, for the page that sends it",
    "workdays.show_now": "leads to workdays.show",
}
"""Addresses without a picture, and why; a star stands for all that begins so."""
