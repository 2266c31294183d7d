"""Made-up requests by the document, as several people: no 5xx, and no answer that the document does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.rest import RESOURCES
from api.rest.document import write_parameters
from engine.tables import outbox
from tests.api.rest.conftest import make_caller, submit_case
from tests.api.world import open_copy
from workflows.applications import first_task, start_application
from workflows.files import begin_part
from workflows.inbox import keep_filter
from workflows.inbox.many import start_many
from workflows.mails import Recipient, queue_letter
from workflows.notices import bundled_notices, deploy_folder, list_notices
from workflows.notices.drafts import start_draft, submit_draft

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: python3 run.py setup")

OPERATIONS = [operation for resource in RESOURCES for operation in resource.operations]
RUNS = [(operation.name, "positive") for operation in OPERATIONS] + [
    (operation.name, "negative") for operation in OPERATIONS if write_parameters(operation) or not operation.public
]
"""Where there is neither parameter nor log-in nothing can be wrong."""
ROLES = ("organiser", "auditor", "applicant", "designer", "releaser")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
)
OVERLAY = "samr_2022_932_province"
EXAMPLES = 10
"""For each operation and kind of data in the normal run; thirty times as many with `--all`."""


@dataclass
class Target:
    """The schema, a token for each role, ids of what exists."""

    schema: Any
    tokens: dict[str, str]
    ids: dict[str, list[str]]


@pytest.fixture(scope="module")
def target(
    model_place: tuple[Path, dict[str, Any]], application_data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A world of its own, with a case that was sent and one that is being written."""
    for world in open_copy(model_place, tmp_path_factory.mktemp("schemathesis")):
        world.app.config["RATELIMIT_ENABLED"] = False
        sent = submit_case(world, application_data)
        open_tasks = [line.id for role in ROLES for line in world.tasks(role)]
        draft_id, handed_over = make_drafts(world)
        yield Target(
            schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app),
            {role: str(make_caller(world, role).token) for role in ROLES},
            {
                "campaign_id": [world.campaign],
                "case_id": [sent["case"]],
                "task_id": [sent["task"], sent["application"], *open_tasks],
                "attachment_id": [sent["file"]],
                "part_id": [begin_upload(world)],
                "name": ["seal_scan"],
                "notice_key": ["samr_2022_932"],
                "notice": [list_versions(world)[0]],
                "body": [world.organisations["body_a"], world.organisations["body_b"]],
                "overlay": list_versions(world),
                "draft_id": [draft_id, handed_over],
                "path": ["notice.yaml", "case.bpmn", "forms/audit.form"],
                "stage_id": [world.campaign],
                "person_id": [world.people["expert_1"]],
                "letter_id": [write_letter(world)],
                "bulk_id": [begin_bulk(world, sent["task"])],
                "filter_id": [keep_a_filter(world)],
            },
        )


def begin_bulk(world: Any, task_id: str) -> str:
    """A bulk job of the auditor."""
    who = world.person("auditor")
    with world.engine.begin(by=who.id) as work:
        return start_many(work, who, "claim", [{"task": task_id}])


def begin_upload(world: Any) -> str:
    """A file of the applicant's on its way, for an application of its own."""
    who = world.person("applicant")
    with world.engine.begin(by=who.id) as work:
        task_id = first_task(work, start_application(work, who, world.campaign, channel="recommended"))
    return begin_part(world.engine, who, str(task_id), "seal_scan", name="seal.pdf", size=1000).id


def keep_a_filter(world: Any) -> str:
    """A filter of the auditor's."""
    who = world.person("auditor")
    with world.engine.begin(by=who.id) as work:
        return keep_filter(work, who, "本周", {"due": "week"})


def make_drafts(world: Any) -> tuple[str, str]:
    """Two drafts of the notice, one of them handed over for release."""
    who = world.person("designer")
    with world.engine.begin(by=who.id) as work:
        deploy_folder(work, bundled_notices()[OVERLAY], key=OVERLAY)
        first = list_notices(work)[0].id
        drafts = start_draft(work, who, first), start_draft(work, who, first)
        submit_draft(work, who, drafts[1], seen=1)
    return drafts


def list_versions(world: Any) -> list[str]:
    """Ids of the notices: the campaign's, and an overlay for a body's own stage."""
    with world.engine.read() as work:
        return [each.id for each in list_notices(work)]


def write_letter(world: Any) -> str:
    """A letter of the campaign that waits to be sent."""
    with world.engine.begin() as work:
        recipient = Recipient(world.people["auditor"], "孙审核", "auditor@example.org", "zh")
        queue_letter(work, "reminder", [recipient], campaign_id=world.campaign, about="t2022", unique_key="test")
        found = sa.select(outbox.c.id).where(outbox.c.unique_key.startswith("test:"))
        return str(work.connection.execute(found).scalar_one())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # schemathesis closes no download
@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_every_answer_is_told(target: Target, name: str, mode: str, request: pytest.FixtureRequest) -> None:
    operation = target.schema.find_operation_by_id(name)
    checks = [schemathesis.checks.CHECKS.get_one(check) for check in CHECKS]

    @settings(
        max_examples=EXAMPLES * (30 if request.config.getoption("--all") else 1),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        role = data.draw(st.sampled_from(ROLES))
        case = data.draw(operation.as_strategy(schemathesis.GenerationMode(mode)))
        if mode == "positive":
            for given in (case.path_parameters or {}, case.body if isinstance(case.body, dict) else {}):
                for variable in given:
                    known = target.ids.get(variable, [])
                    if known and data.draw(st.integers(0, 3)):
                        given[variable] = data.draw(st.sampled_from(known))
        headers = {"Authorization": f"Bearer {target.tokens[role]}", "Accept-Encoding": "identity"}
        case.validate_response(case.call(headers=headers), checks=checks, headers=headers)

    run()
