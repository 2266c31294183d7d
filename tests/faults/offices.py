"""Everybody at their desks: each person looks into the inbox by a browser, and does what waits there, until nothing does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.work import ProcessEngine
from tests.faults.browsing import SCAN, Browser
from workflows import inbox
from workflows.forms import Form, Kind
from workflows.people import get_person
from workflows.replay.cast import given_values
from workflows.replay.filling import describe_case, fill_form

PLACEHOLDER = "0" * 32
"""Stands for a file that the browser sends along with the form."""


def apply(view: inbox.TaskView) -> Mapping[str, Any]:
    """The application, or its correction."""
    words = random.Random(view.task.business_key)
    return describe_case(
        words, title=f"{view.task.business_key}的做法", contact="吴申报", phone="010-12345678", email="wu@example.cn"
    )


def audit(view: inbox.TaskView) -> Mapping[str, Any]:
    """Returned once, then passed."""
    assert view.case is not None
    if not view.case.audits:
        return {"checks": ["seal"], "result": "return", "opinion": "请补充成效数据的出处。"}
    return {"checks": ["complete", "seal", "authentic", "original"], "result": "pass", "opinion": ""}


def recommend(view: inbox.TaskView) -> Mapping[str, Any]:
    """All audited cases."""
    assert view.form is not None
    ids = [option.value for option in view.form.by_key["ranking"].options or ()]
    return {"ranking": ids, "shortfall_reason": "本地申报数量有限。", "remark": ""}


def organise(view: inbox.TaskView) -> Mapping[str, Any]:
    """With all experts."""
    assert view.form is not None
    return {**given_values(view), "pool": [option.value for option in view.form.by_key["pool"].options or ()], "seed": "1"}


def review(view: inbox.TaskView) -> Mapping[str, Any]:
    """Scores that differ from case to case."""
    assert view.form is not None
    quality = random.Random(view.task.business_key).randint(60, 95)
    scores = {
        field.key: str(int(field.maximum or 100) * quality // 100) for field in view.form.fields if field.criterion is not None
    }
    return {"no_conflict": True, **scores, "comment": "材料完整，做法清楚，成效有数据支撑，具有推广价值。"}


ANSWERS: Mapping[str, Callable[[inbox.TaskView], Mapping[str, Any]]] = {
    "issue_notice": lambda view: {**given_values(view), "confirmed": True},
    "apply": apply,
    "correct": apply,
    "audit": audit,
    "recommend": recommend,
    "organise_review": organise,
    "review": review,
}
"""What is filled in, by step of SAMR 2022; at the others what the page shows, and the rest is made up."""

LAST = ("recommend",)
"""What waits from the beginning and is done when everything before it is."""


class Office:
    """People by their ids, each with a browser that is logged in. Forms are read in the database, all else is by the pages."""

    def __init__(self, process_engine: ProcessEngine, browsers: Mapping[str, Browser]) -> None:
        self.process_engine, self.browsers = process_engine, browsers

    def work_off(self) -> list[str]:
        """Everybody does what is in the inbox, lists only when there is nothing else to do; the steps that were done.

        Raises AssertionError when a page refuses something.
        """
        done, lists = [], []
        for person_id, browser in self.browsers.items():
            for task_id in sorted(set(list_tasks(browser))):
                with self.process_engine.read(by=person_id) as work:
                    view = inbox.open_task(work, get_person(work, person_id), task_id)
                if view.task.element_id in LAST:
                    lists.append((browser, view))
                else:
                    done.append(self.do(browser, view))
        return done or [self.do(browser, view) for browser, view in lists]

    def do(self, browser: Browser, view: inbox.TaskView) -> str:
        """Fill in a task and complete it; its step."""
        fields: list[tuple[str, str]] = []
        file: tuple[str, bytes] | None = None
        if view.form is not None:
            given = ANSWERS.get(view.task.element_id, given_values)(view)
            today = self.process_engine.clock.now().date()
            data = fill_form(view.form, given, dice=random.Random(view.task.id), today=today, upload=lambda _: PLACEHOLDER)
            for key in [key for key in data if view.form.by_key[key].kind is Kind.FILE]:
                del data[key]
                file = (f"{key}.new", SCAN)
            fields = list_fields(view.form, data)
        path = f"/tasks/{view.task.id}"
        answer = browser.post(f"{path}/complete", browser.get(path), fields, file=file)
        assert answer.status == 303, f"{view.task.element_id}: {answer.page[:3000]}"
        return view.task.element_id


def list_tasks(browser: Browser) -> Iterator[str]:
    """The ids of the tasks that a person's inbox shows on its first pages."""
    for view in ("mine", "groups"):
        yield from re.findall(r'href="/tasks/([0-9a-f]{32})["?]', browser.get(f"/inbox?view={view}").page)


def list_fields(form: Form, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A form's data as a browser sends it."""
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        if form.by_key[key].kind is Kind.RANKING:
            found += [(f"{key}.{item}", str(place)) for place, item in enumerate(value, start=1)]
        elif isinstance(value, bool):
            found += [(key, "yes")] if value else []
        elif isinstance(value, list):
            for place, item in enumerate(value):
                row = isinstance(item, dict)
                found += [(f"{key}.{place}.{name}", str(text)) for name, text in item.items()] if row else [(key, item)]
        else:
            found.append((key, str(value)))
    return found
