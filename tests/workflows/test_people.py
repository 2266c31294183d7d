"""Log-in names, passwords, the lock, sessions and the tree of organisations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from engine.clock import VirtualClock
from engine.work import ProcessEngine
from workflows import organisations, people, sessions
from workflows.organisations import OrganisationUnknown
from workflows.people import LoginRefused, LoginTaken, PasswordRefused, RoleUnknown
from workflows.tables import login_session, person

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(people, "_UNKNOWN", [])


@pytest.fixture
def bureau(process_engine: ProcessEngine) -> str:
    with process_engine.begin() as work:
        return organisations.create_organisation(
            work, name="示例省市场监管局", short_name="示例省", kind="province", region="990000"
        )


@pytest.fixture
def auditor(process_engine: ProcessEngine, bureau: str) -> str:
    with process_engine.begin() as work:
        return people.create_person(
            work, login="Auditor", name="甲", organisation_id=bureau, password=PASSWORD, roles=[("auditor", bureau)]
        )


def _fail(process_engine: ProcessEngine, times: int) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            people.authenticate(process_engine, "auditor", "wrong password")


def test_login_gives_the_person_with_roles(process_engine: ProcessEngine, auditor: str, bureau: str) -> None:
    who = people.authenticate(process_engine, " AUDITOR ", PASSWORD)
    assert (who.id, who.groups, who.organisations("auditor")) == (auditor, {f"auditor@{bureau}"}, {bureau})
    assert who.organisations("organiser") == frozenset()


def test_password_is_stored_as_argon2id_only(process_engine: ProcessEngine, auditor: str) -> None:
    with process_engine.read() as work:
        stored = work.connection.execute(sa.select(person.c.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$") and PASSWORD not in stored


@pytest.mark.parametrize(("login", "password"), [("nobody", PASSWORD), ("auditor", "wrong password"), ("auditor", "")])
def test_unknown_login_and_wrong_password_get_the_same_answer(
    process_engine: ProcessEngine, auditor: str, login: str, password: str
) -> None:
    with pytest.raises(LoginRefused) as refusal:
        people.authenticate(process_engine, login, password)
    assert refusal.value.values == {}


def test_unknown_login_costs_one_hash_too(process_engine: ProcessEngine, auditor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = people._verify

    def watch(stored: str, given: str) -> bool:
        verified.append(stored)
        return verify(stored, given)

    monkeypatch.setattr(people, "_verify", watch)
    for login in ("auditor", "nobody"):
        with pytest.raises(LoginRefused):
            people.authenticate(process_engine, login, "wrong password")
    assert len(verified) == 2 and verified[0].split("$")[:4] == verified[1].split("$")[:4]


def test_a_person_without_password_cannot_log_in_with_one(process_engine: ProcessEngine, bureau: str) -> None:
    with process_engine.begin() as work:
        people.create_person(work, login="single-sign-on", name="乙", organisation_id=bureau)
    with pytest.raises(LoginRefused):
        people.authenticate(process_engine, "single-sign-on", "")


def test_failures_lock_with_backoff(process_engine: ProcessEngine, auditor: str, virtual_clock: VirtualClock) -> None:
    _fail(process_engine, people.FREE_FAILURES - 1)
    assert people.authenticate(process_engine, "auditor", PASSWORD).id == auditor  # and the count begins anew
    _fail(process_engine, people.FREE_FAILURES)
    with pytest.raises(LoginRefused):
        people.authenticate(process_engine, "auditor", PASSWORD)
    virtual_clock.move_to(virtual_clock.now() + people.FIRST_LOCK)
    _fail(process_engine, 1)  # locks for twice as long
    virtual_clock.move_to(virtual_clock.now() + people.FIRST_LOCK)
    with pytest.raises(LoginRefused):
        people.authenticate(process_engine, "auditor", PASSWORD)
    virtual_clock.move_to(virtual_clock.now() + people.FIRST_LOCK)
    assert people.authenticate(process_engine, "auditor", PASSWORD).id == auditor


def test_the_lock_never_grows_past_its_limit() -> None:
    now = datetime(2022, 7, 1, tzinfo=UTC)
    assert people._lock_end(10_000, now) == now + people.LONGEST_LOCK


def test_disabled_person_is_refused_everywhere(process_engine: ProcessEngine, auditor: str) -> None:
    with process_engine.begin() as work:
        token = sessions.open_session(work, auditor)
        people.disable_person(work, auditor)
    assert sessions.use_session(process_engine, token) is None
    with pytest.raises(LoginRefused):
        people.authenticate(process_engine, "auditor", PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_password_length_is_bounded(process_engine: ProcessEngine, bureau: str, password: str) -> None:
    with pytest.raises(PasswordRefused), process_engine.begin() as work:
        people.create_person(work, login="new", name="丙", organisation_id=bureau, password=password)


def test_faults_of_a_new_person(process_engine: ProcessEngine, auditor: str, bureau: str) -> None:
    with pytest.raises(LoginTaken), process_engine.begin() as work:
        people.create_person(work, login="ａｕｄｉｔｏｒ", name="丙", organisation_id=bureau)  # the same in full width
    with pytest.raises(RoleUnknown), process_engine.begin() as work:
        people.create_person(work, login="new", name="丙", organisation_id=bureau, roles=[("king", bureau)])
    with pytest.raises(OrganisationUnknown), process_engine.begin() as work:
        people.create_person(work, login="new", name="丙", organisation_id="nowhere")
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(sa.func.count()).select_from(person)).scalar_one() == 1


def test_new_password_replaces_and_unlocks(process_engine: ProcessEngine, auditor: str) -> None:
    _fail(process_engine, people.FREE_FAILURES)
    with process_engine.begin() as work:
        people.set_password(work, auditor, "another long password")
    assert people.authenticate(process_engine, "auditor", "another long password").id == auditor
    with pytest.raises(LoginRefused):
        people.authenticate(process_engine, "auditor", PASSWORD)


def test_members_of_groups(process_engine: ProcessEngine, auditor: str, bureau: str) -> None:
    with process_engine.begin() as work:
        other = people.create_person(
            work, login="b", name="乙", organisation_id=bureau, roles=[("auditor", bureau), ("expert", bureau)]
        )
        gone = people.create_person(work, login="c", name="丙", organisation_id=bureau, roles=[("auditor", bureau)])
        people.disable_person(work, gone)
        assert {who.id for who in people.list_members(work, [f"auditor@{bureau}"])} == {auditor, other}
        assert [who.id for who in people.list_members(work, [f"expert@{bureau}"])] == [other]
        assert people.list_members(work, []) == []


def test_session_token_is_stored_hashed_and_ends(
    process_engine: ProcessEngine, auditor: str, virtual_clock: VirtualClock
) -> None:
    with process_engine.begin() as work:
        token = sessions.open_session(work, auditor, address="127.0.0.1")
        other = sessions.open_session(work, auditor)
        assert token not in str(work.connection.execute(sa.select(login_session)).all())
    found = sessions.use_session(process_engine, token)
    assert found is not None and found.id == auditor
    assert sessions.use_session(process_engine, token + "x") is None
    with process_engine.begin() as work:
        sessions.close_session(work, token)
    assert sessions.use_session(process_engine, token) is None
    assert sessions.use_session(process_engine, other) is not None
    with process_engine.begin() as work:
        assert sessions.close_all_sessions(work, auditor) == 1
    assert sessions.use_session(process_engine, other) is None


def test_session_runs_out_idle(process_engine: ProcessEngine, auditor: str, virtual_clock: VirtualClock) -> None:
    with process_engine.begin() as work:
        token = sessions.open_session(work, auditor)
    virtual_clock.move_to(virtual_clock.now() + sessions.IDLE_LIMIT - timedelta(seconds=1))
    assert sessions.use_session(process_engine, token) is not None
    virtual_clock.move_to(virtual_clock.now() + sessions.IDLE_LIMIT)
    assert sessions.use_session(process_engine, token) is None


def test_session_runs_out_in_any_case(process_engine: ProcessEngine, auditor: str, virtual_clock: VirtualClock) -> None:
    with process_engine.begin() as work:
        token = sessions.open_session(work, auditor)
    began = virtual_clock.now()
    while virtual_clock.now() < began + sessions.ABSOLUTE_LIMIT - timedelta(minutes=20):
        virtual_clock.move_to(virtual_clock.now() + timedelta(minutes=20))
        assert sessions.use_session(process_engine, token) is not None
    virtual_clock.move_to(began + sessions.ABSOLUTE_LIMIT)
    assert sessions.use_session(process_engine, token) is None


def test_frequent_use_writes_seldom(process_engine: ProcessEngine, auditor: str, virtual_clock: VirtualClock) -> None:
    with process_engine.begin() as work:
        token = sessions.open_session(work, auditor)
    opened = virtual_clock.now()
    virtual_clock.move_to(opened + timedelta(seconds=30))
    sessions.use_session(process_engine, token)
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(login_session.c.used_at)).scalar_one() == opened
    virtual_clock.move_to(opened + timedelta(seconds=90))
    sessions.use_session(process_engine, token)
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(login_session.c.used_at)).scalar_one() == virtual_clock.now()


def test_organisations_form_a_tree(process_engine: ProcessEngine, bureau: str) -> None:
    with process_engine.begin() as work:
        city = organisations.create_organisation(work, name="示例市局", short_name="示例市", kind="prefecture", parent_id=bureau)
        lab = organisations.create_organisation(work, name="示例检测所", short_name="检测所", kind="institution", parent_id=city)
        alone = organisations.create_organisation(work, name="另一家", short_name="另一家", kind="institution")
        assert organisations.get_organisation(work, lab).ancestors == (city, bureau)
        assert {found.id for found in organisations.list_organisations(work, under=bureau)} == {bureau, city, lab}
        assert {found.id for found in organisations.list_organisations(work, kind="institution")} == {lab, alone}
        assert [found.id for found in organisations.list_organisations(work, ids=[alone])] == [alone]
        with pytest.raises(OrganisationUnknown):
            organisations.create_organisation(work, name="x", short_name="x", kind="institution", parent_id="nowhere")
        with pytest.raises(organisations.OrganisationKindUnknown):
            organisations.create_organisation(work, name="x", short_name="x", kind="planet")
