"""All functions that diagrams may name, registered in one place."""

from __future__ import annotations

from engine.handlers import Handler, Handlers
from workflows import (
    applications,
    audits,
    campaigns,
    choosing,
    consultations,
    forwardings,
    publications,
    recommendations,
    reminders,
    reports,
    reviews,
    rounds,
    selection,
    stages,
)
from workflows.campaigns import archiving, confirming
from workflows.inbox.planning import remind_again

FUNCTIONS: dict[str, Handler] = {
    "campaigns.issue": campaigns.issue,
    "campaigns.open_collection": campaigns.open_collection,
    "campaigns.close_collection": campaigns.close_collection,
    "campaigns.end": campaigns.end,
    archiving.HANDLER: archiving.archive_in_time,
    "dates.confirm": confirming.confirm,
    "recommendations.submit": recommendations.submit,
    "recommendations.apply": recommendations.apply,
    "applications.submit": applications.submit,
    "applications.correct": applications.correct,
    "applications.supplement": applications.supplement,
    "applications.expire": applications.expire,
    "applications.lapse": applications.lapse,
    "audits.record": audits.record,
    "audits.accept": audits.accept,
    "audits.report": audits.report,
    "audits.assess": audits.assess,
    "audits.send_back": audits.send_back,
    "reviews.organise": reviews.organise,
    "reviews.assign": reviews.assign,
    "reviews.record": reviews.record,
    "reviews.summarise": reviews.summarise,
    "reviews.close": reviews.close,
    "selection.record": selection.record,
    "selection.choose": choosing.choose,
    "consultations.open": consultations.open,
    "consultations.close": consultations.close,
    "consultations.settle": consultations.settle,
    "publications.publish": publications.publish,
    "publications.tell_cases": publications.tell_cases,
    "publications.note_decided": publications.note_decided,
    "publications.gather": publications.gather,
    "publications.publish_next": publications.publish_next,
    "publications.tell_published": publications.tell_published,
    "forwardings.record": forwardings.record,
    "forwardings.open": forwardings.open_target,
    "rounds.close": rounds.close,
    "rounds.publicise": rounds.publicise,
    "rounds.count_rest": rounds.count_rest,
    "rounds.place_rest": rounds.place_rest,
    "reports.open": reports.open_reports,
    "reports.begin": reports.begin,
    "reports.submit": reports.submit,
    "reports.examine": reports.examine,
    "reports.conclude": reports.conclude,
    "reports.close": reports.close,
    "stages.check": stages.check,
    "stages.rank": stages.rank,
    "stages.settle": stages.settle,
    "stages.seal": stages.seal,
    "stages.end": stages.end,
    "reminders.plan": reminders.plan,
    "reminders.send": reminders.send,
    "reminders.send_board": reminders.send_board,
    "reminders.send_digest": reminders.send_digest,
    "reminders.urge": reminders.urge_rest,
    "desk.follow_up": remind_again,
}


def install_handlers(handlers: Handlers) -> None:
    """Make every function known to the engine under its name.

    Raises ValueError when one of the names is taken.
    """
    for name, function in FUNCTIONS.items():
        handlers.register(name, function)
