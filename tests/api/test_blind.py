"""Blind review through every door: whatever an expert can fetch says nothing of whose the case is."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
from flask import url_for
from werkzeug.routing import BuildError

from engine.due import run_due
from engine.tables import definition, user_task
from tests.api.world import PDF, Place
from workflows.files import attach_file, receive_file
from workflows.talk import add_remark
from workflows.tokens import create_token

SECRETS = ("甲省质量检验院", "甲省质检院", "吴申报", "010-12345678", "12345678", "wu@example.cn", "甲省市场监督管理局", "孙审核")
"""The unit, its contact, its body, who audited it."""
TEXT = "甲省质检院（联系人吴申报，电话010-12345678，邮箱wu@example.cn）与甲省质量检验院各部门共同完成。"


@pytest.fixture
def reviewed(place: Place, application: dict[str, Any]) -> tuple[Place, dict[str, str]]:
    """A case with its unit's name in each text, in its files' names and in talk about it, with its experts."""
    begun = place.begin_case(scan=("甲省质量检验院盖章.pdf", PDF))
    who = place.person("applicant")
    received = receive_file(place.engine, io.BytesIO(PDF), name="甲省质检院 吴申报.pdf")
    with place.engine.begin(by=who.id) as work:
        evidence = attach_file(work, who, received, task_id=begun.task_id, field="attachments").id
    texts = dict.fromkeys(("summary", "background", "practice", "results", "demonstration", "directions_other"), TEXT)
    rows = [{"name": "甲省质检院服务企业", "value": "200", "unit": "吴申报"}]
    data = {**{key: value for key, value in application.items() if "." not in key}, **texts, "indicators": rows}
    data |= {"title": "甲省质量检验院的做法（甲省质检院吴申报）", "directions": ["other"], "attachments": [evidence]}
    place.complete("applicant", begun.task_id, data)
    (audit,) = place.tasks("auditor", "audit")
    place.complete("auditor", audit.id, {"result": "pass", "opinion": "甲省质检院材料属实"})
    auditor = place.person("auditor")
    with place.engine.begin(by=auditor.id) as work:
        add_remark(work, auditor, begun.case_id, "甲省质检院请留意")
    (recommend,) = place.tasks("auditor", "recommend")
    place.complete("auditor", recommend.id, {"ranking": [begun.case_id], "remark": "甲省质检院"})
    place.move_to(datetime(2022, 8, 10, 16, tzinfo=UTC))
    (organise,) = place.tasks("organiser", "organise_review")
    pool = [place.people[f"expert_{number}"] for number in (1, 2, 3)]
    place.complete("organiser", organise.id, {"experts_per_case": "3", "pool": pool})
    run_due(place.engine)
    return place, {"case_id": begun.case_id, "evidence": evidence, "scan": begun.scan_id}


def read_all(content: bytes) -> str:
    """All that a document's bytes say, inside archives too."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    if content.startswith(b"%PDF") and content != PDF:
        reading = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
        return "\n".join(page.get_textpage().get_text_range() for page in reading.PdfDocument(content))
    text = content.decode("utf-8", "replace")
    return unescape(text) + (text.encode().decode("unicode_escape", "replace") if "\\u" in text else "")


def list_addresses(place: Place, values: dict[str, list[str]]) -> list[str]:
    """The addresses of everything that is fetched, filled with all that is known of the case."""
    found = []
    for rule in place.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        chosen = [values.get(name, ["0"]) for name in sorted(rule.arguments)]
        for each in product(*chosen):
            with place.app.test_request_context():
                try:
                    found.append(url_for(rule.endpoint, **dict(zip(sorted(rule.arguments), each, strict=True))))
                except BuildError:  # an address of another kind of thing: a year, a part of a file's path
                    continue
    return found


def test_no_door_tells_an_expert_whose_the_case_is(reviewed: tuple[Place, dict[str, str]]) -> None:
    place, ids = reviewed
    (own,) = place.tasks("expert_1", "review")
    with place.engine.begin() as work:
        proof = {"Authorization": f"Bearer {create_token(work, place.people['expert_1'], name='p', scope='read', days=1)}"}
        tasks = list(work.connection.execute(sa.select(user_task.c.id)).scalars())
        definitions = list(work.connection.execute(sa.select(definition.c.id)).scalars())
    client, program = place.client("expert_1"), place.app.test_client()
    assert client.get(f"/tasks/{own.id}").status_code == 200
    values = {
        "campaign_id": [place.campaign],
        "case_id": [ids["case_id"]],
        "task_id": tasks,
        "attachment_id": [ids["evidence"], ids["scan"]],
        "definition_id": definitions,
        "kind": ["csv", "xlsx"],
        "table": ["funnel", "ages"],
    }
    found: dict[str, list[str]] = {}
    answered: set[str] = set()
    links: set[str] = set()
    for address in [*list_addresses(place, values), None]:
        for each in [address] if address else sorted(links - answered):
            answer = program.get(each, headers=proof) if each.startswith("/api/") else client.get(each)
            told = read_all(answer.data) + "\n".join(unquote(value) for value in answer.headers.values())
            answer.close()
            if leaked := [secret for secret in SECRETS if secret in told]:
                found[each] = leaked
            if answer.status_code == 200:
                answered.add(each)
                links |= {unescape(link) for link in re.findall(rf'="(/[^"#]*{ids["case_id"]}[^"#]*)"', told)}
    assert found == {}
    seen_by_others = place.client("organiser").get(f"/cases/{ids['case_id']}").get_data(as_text=True)
    assert [secret for secret in SECRETS if secret not in seen_by_others] == []
    assert {f"/cases/{ids['case_id']}/paper.docx", f"/attachments/{ids['evidence']}", f"/tasks/{own.id}/print"} < answered
    for question in SECRETS:
        for address in ("/cases", "/inbox", "/cases.csv", "/inbox.csv"):
            page = client.get(address, query_string={"q": question, "view": "mine"}).get_data(as_text=True)
            assert own.number not in page.replace("value=", ""), (address, question)
