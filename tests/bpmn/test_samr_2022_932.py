"""The two processes of SAMR 2022: their steps, who does them, what they call and what they say to each other."""

from __future__ import annotations

from importlib import resources

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator

from engine.model import Definition, Node, read_diagram

FOLDER = resources.files("bpmn") / "samr_2022_932"
HANDLERS = {
    "campaign": {
        "issue_notice": "campaigns.issue",
        "open_collection": "campaigns.open_collection",
        "recommend": "recommendations.submit",
        "close_collection": "campaigns.close_collection",
        "organise_review": "reviews.organise",
        "assign_experts": "reviews.assign",
        "close_reviews": "reviews.close",
        "select_cases": "selection.record",
        "open_consultation": "consultations.open",
        "close_consultation": "consultations.close",
        "settle_comments": "consultations.settle",
        "publish": "publications.publish",
        "tell_results": "publications.tell_cases",
    },
    "case": {
        "apply": "applications.submit",
        "expire": "applications.expire",
        "audit": "audits.record",
        "correct": "applications.correct",
        "take_list": "recommendations.apply",
        "lapse": "applications.lapse",
        "accept": "audits.accept",
        "supplement": "applications.supplement",
        "lapse_supplement": "applications.lapse",
        "review": "reviews.record",
        "summarise": "reviews.summarise",
    },
}
GROUPS = {
    "issue_notice": "organiser@${organiser}",
    "recommend": "auditor@${body}",
    "organise_review": "organiser@${organiser}",
    "select_cases": "organiser@${organiser}",
    "settle_comments": "organiser@${organiser}",
    "publish": "organiser@${organiser}",
    "apply": "applicant@${institution}",
    "audit": "auditor@${body}",
    "correct": "applicant@${institution}",
    "accept": "organiser@${organiser}",
    "supplement": "applicant@${institution}",
    "review": None,
}
FORMS = {
    "issue_notice": "issue_notice",
    "recommend": "recommendation",
    "organise_review": "organise_review",
    "select_cases": "selection",
    "settle_comments": "settlement",
    "publish": "publication",
    "apply": "application",
    "correct": "application",
    "supplement": "application",
    "audit": "audit",
    "accept": "acceptance",
    "review": "review",
}
MESSAGES = {
    "campaign": {"all_reviewed": "reviews_done"},
    "case": {
        "await_list": "list_decided",
        "collection_closed": "collection_closed",
        "await_review": "review_opened",
        "reviews_closed": "reviews_closed",
        "await_result": "result_published",
    },
}
TIMERS = {
    "campaign": {
        "await_cutoff": "${closes}",
        "recommend_cutoff": "${closes}",
        "review_deadline": "${dates.review_until}",
        "consultation_end": "${consultation_until}",
    },
    "case": {"apply_cutoff": "${closes}", "supplement_overdue": "P10D"},
}
both = pytest.mark.parametrize("role", ["campaign", "case"])


def read(role: str) -> Definition:
    result = read_diagram((FOLDER / f"{role}.bpmn").read_bytes(), name=role)
    assert result.findings == ()
    assert result.definition is not None
    return result.definition


@both
def test_it_keeps_to_the_schema(role: str) -> None:
    BpmnValidator().validate(etree.fromstring((FOLDER / f"{role}.bpmn").read_bytes()), role)


@both
def test_one_process_is_called_after_the_notice(role: str) -> None:
    assert list(read(role).processes) == [f"samr_2022_932_{role}"]


@both
def test_every_effect_is_named(role: str) -> None:
    def handler(node: Node) -> str | None:
        named = node.camunda.listeners.get("complete", ()) if node.kind == "userTask" else (node.camunda.handler,)
        assert len(named) == 1, node.id
        return named[0]

    work = [node for node in read(role).nodes.values() if node.kind in ("userTask", "serviceTask")]
    assert {node.id: handler(node) for node in work} == HANDLERS[role]


@both
def test_who_does_what_with_which_form(role: str) -> None:
    tasks = [node for node in read(role).nodes.values() if node.kind == "userTask"]
    groups = {node.id: node.camunda.candidate_groups[0].text if node.camunda.candidate_groups else None for node in tasks}
    forms = {node.id: node.camunda.form_key.text if node.camunda.form_key else None for node in tasks}
    assert groups == {name: group for name, group in GROUPS.items() if name in groups}
    assert forms == {name: form for name, form in FORMS.items() if name in forms}
    assert {node.camunda.assignee.text for node in tasks if node.camunda.assignee} <= {"${expert}"}


@both
def test_messages_and_timers(role: str) -> None:
    nodes = read(role).nodes.values()
    messages = {node.id: node.events[0].name for node in nodes if node.events and node.events[0].kind == "message"}
    timers = {node.id: node.events[0].timer.text for node in nodes if node.events and node.events[0].timer is not None}
    assert messages == MESSAGES[role]
    assert timers == TIMERS[role]


@both
def test_reminders_are_planned_where_a_date_is_due(role: str) -> None:
    tasks = [node for node in read(role).nodes.values() if node.kind == "userTask"]
    due = {node.id for node in tasks if node.camunda.due_date is not None}
    assert due == {node.id for node in tasks if node.camunda.listeners.get("create") == ("reminders.plan",)}
    assert due


def test_gateways_of_the_case_have_a_default_and_conditions() -> None:
    definition = read("case")
    conditions = {flow.id: flow.condition.text for flow in definition.flows.values() if flow.condition is not None}
    assert conditions == {
        "flow_by_channel_direct_received": '${channel == "direct"}',
        "flow_audit_gateway_correct": '${audit_result == "return"}',
        "flow_audit_gateway_audit_rejected": '${audit_result == "reject"}',
        "flow_collected_accept": '${outcome == "direct"}',
        "flow_collected_await_review": '${outcome == "recommended"}',
        "flow_accept_gateway_supplement": '${accept_result == "return"}',
        "flow_accept_gateway_not_accepted": '${accept_result == "reject"}',
        "flow_selected_gateway_published": "${selected}",
    }
    for node in definition.nodes.values():
        if node.kind == "exclusiveGateway" and len(node.outgoing) > 1:
            assert node.default is not None, node.id


def test_boundary_events_interrupt_and_sit_where_they_should() -> None:
    hosts = {
        node.id: (node.attached, node.interrupting) for role in HANDLERS for node in read(role).nodes.values() if node.attached
    }
    assert hosts == {
        "recommend_cutoff": ("recommend", True),
        "apply_cutoff": ("apply", True),
        "collection_closed": ("collect", True),
        "supplement_overdue": ("supplement", True),
        "reviews_closed": ("review", True),
    }


def test_the_audit_may_be_returned_and_transferred() -> None:
    assert dict(read("case").nodes["audit"].camunda.properties) == {"allow": "return transfer", "return_to": "applicant"}
