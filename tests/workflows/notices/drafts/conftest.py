"""A designer, a second one, and a releaser, beside the notice of 2022 as version 1."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.work import ProcessEngine
from workflows.handlers import install_handlers
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person

KEY = "samr_2022_932"


@dataclass
class Office:
    """The engine, the people by their log-ins, and the id of the notice's version 1."""

    engine: ProcessEngine
    people: dict[str, Person]
    notice_id: str

    def __getitem__(self, login: str) -> Person:
        return self.people[login]


@pytest.fixture
def office(process_engine: ProcessEngine) -> Office:
    """On each database."""
    return open_office(process_engine)


@pytest.fixture
def plain_office(sqlite_engine: ProcessEngine) -> Office:
    """On SQLite only."""
    return open_office(sqlite_engine)


def open_office(engine: ProcessEngine) -> Office:
    """Write the people and the notice."""
    install_handlers(engine.handlers)
    people = {}
    with engine.begin() as work:
        top = create_organisation(work, name="国家级主管部门", short_name="主管部门", kind="authority")
        for login, name, roles in (
            ("designer", "褚设计", ("designer",)),
            ("second", "魏设计", ("designer", "releaser")),
            ("releaser", "蒋审定", ("releaser",)),
            ("organiser", "钱组织", ("organiser",)),
        ):
            created = create_person(work, login=login, name=name, organisation_id=top, roles=[(role, top) for role in roles])
            people[login] = get_person(work, created)
        notice_id = deploy_folder(work, bundled_notices()[KEY], key=KEY)
    return Office(engine, people, notice_id)
