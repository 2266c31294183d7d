"""The rules: one question, the same answer as the narrowed queries, a complete table, masks, and words for every problem."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import Problem
from engine.handlers import Handlers
from engine.ids import new_id
from engine.tables import incident, user_task
from engine.texts import Catalogue
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import World
from workflows import handlers, rules
from workflows.rules import (
    ACTIONS,
    CampaignSubject,
    CaseSubject,
    HelperSubject,
    NoticeSubject,
    NotPermitted,
    TaskSubject,
    can,
    mask_value,
    require,
)
from workflows.rules import actions as table
from workflows.tables import campaign, case, substitution


@pytest.fixture
def busy_world(small_world: World) -> World:
    """Two campaigns, one only prepared; cases of every kind of reader in several states; tasks open, claimed, done."""
    world = small_world
    running = world.make_campaign()
    world.open_case("lab")
    returned = world.apply("lab2")
    world.audit("east_auditor", returned, "return")
    world.apply("works")
    world.apply("works", channel="direct")
    world.do("organiser", "accept", {"checks": [], "result": "reject", "opinion": "不属于征集范围"})
    bring_to_review(world)
    world.make_campaign(key="prepared", issued=False)
    world.campaign_id = running
    let_act(world, "east_auditor", "west_auditor")
    let_act(world, "organiser", "lab")
    return world


def let_act(world: World, away: str, substitute: str) -> None:
    """Somebody acts for somebody else today, appointed by an administrator."""
    now = world.clock.now()
    row = {"id": new_id(), "person_id": world[away].id, "substitute_id": world[substitute].id, "appointed": True}
    row |= {"begins_at": now, "ends_at": now + timedelta(days=1), "created_by": "nobody", "created_at": now}
    with world.process_engine.begin() as work:
        work.connection.execute(sa.insert(substitution).values(row))


def test_queries_are_narrowed_exactly_as_the_question_is_answered(busy_world: World) -> None:
    world = busy_world
    with world.process_engine.read() as work:
        ids = {table: list(work.connection.execute(sa.select(table.c.id)).scalars()) for table in (user_task, case, campaign)}
        assert len(ids[user_task]) > 10 and len(ids[case]) == 5 and len(ids[campaign]) == 2
        seen: dict[str, int] = {}
        acting = 0
        for name, person in world.people.items():
            for rows, narrow, action, load in (
                (user_task, lambda person: rules.visible_tasks(person, work.now), "task.read", rules.task_subject),
                (case, rules.visible_cases, "case.read", rules.case_subject),
                (campaign, rules.visible_campaigns, "campaign.read", rules.campaign_subject),
            ):
                listed = set(work.connection.execute(sa.select(rows.c.id).where(narrow(person))).scalars())
                asked = {each for each in ids[rows] if can(person, action, load(work, each))}
                assert listed == asked, (name, action)
                if action == "task.read":
                    acting += sum(load(work, each).find_absent(person.id) is not None for each in ids[rows])
                seen[action] = seen.get(action, 0) + len(listed)
    assert all(0 < count < len(world.people) * len(ids[user_task]) for count in seen.values())
    assert acting > 0


def test_blindness_in_queries_is_that_of_the_question(busy_world: World) -> None:
    world = busy_world
    with world.process_engine.read() as work:
        for person in world.people.values():
            listed = set(work.connection.execute(sa.select(case.c.id).where(rules.blind_case(person))).scalars())
            subjects = [rules.case_subject(work, each) for each in work.connection.execute(sa.select(case.c.id)).scalars().all()]
            asked = {each.id for each in subjects if can(person, "case.read", each) and not can(person, "case.identity", each)}
            assert listed == asked


def test_an_administrator_sees_no_case_and_an_organiser_no_outbox(busy_world: World) -> None:
    world = busy_world
    with world.process_engine.begin() as work:
        instance_id = work.connection.execute(sa.select(case.c.instance_id).limit(1)).scalar_one()
        values = {"kind": "timer", "code": "x", "detail": "x", "created_at": work.now}
        for incident_id, stopped in (("i1", instance_id), ("i2", None)):
            work.connection.execute(sa.insert(incident).values(id=incident_id, instance_id=stopped, **values))
        first, second = rules.incident_subject(work, "i1"), rules.incident_subject(work, "i2")
        assert rules.incident_subject(work, "i3") is None
    allowed = {
        name: [can(world[name], "incident.read", each) for each in (first, second)]
        for name in ("administrator", "organiser", "lab", "east_auditor")
    }
    assert allowed == {
        "administrator": [True, True],
        "organiser": [True, False],
        "lab": [False, False],
        "east_auditor": [False, False],
    }
    assert can(world["administrator"], "incident.retry", first) and not can(world["organiser"], "incident.retry", first)
    assert can(world["administrator"], "outbox.read") and not can(world["organiser"], "outbox.read")
    with world.process_engine.read() as work:
        assert work.connection.execute(sa.select(case.c.id).where(rules.visible_cases(world["administrator"]))).all() == []


def test_installation_and_notices(busy_world: World) -> None:
    world = busy_world
    people = ("organiser", "administrator", "designer", "lab", "east_auditor", "expert")
    assert [name for name in people if can(world[name], "definition.deploy")] == ["designer"]
    assert [name for name in people if can(world[name], "definition.read")] == ["organiser", "administrator", "designer"]
    deployed, draft = NoticeSubject("n", "deployed"), NoticeSubject("n", "draft")
    assert all(can(world[name], "notice.read", deployed) for name in people)
    assert [name for name in people if can(world[name], "notice.read", draft)] == ["designer"]
    with world.process_engine.read() as work:
        authority, lab = (rules.organisation_subject(work, world.places[name]) for name in ("authority", "lab"))
    assert [name for name in people if can(world[name], "campaign.create", authority)] == ["organiser"]
    assert not can(world["organiser"], "campaign.create", lab)
    assert [name for name in people if can(world[name], "organisation.manage", lab)] == ["administrator"]


def test_campaign_actions(busy_world: World) -> None:
    world = busy_world
    with world.process_engine.read() as work:
        subject = rules.campaign_subject(work, world.campaign_id)
    prepared = CampaignSubject("c", world.places["authority"], "prepared", subject.bodies)
    assert {name for name in world.people if can(world[name], "campaign.manage", subject)} == {"organiser"}
    auditors = {"east_auditor", "east_colleague", "west_auditor", "union_auditor"}
    assert {name for name in world.people if can(world[name], "campaign.board", subject)} == {"organiser", *auditors}
    applicants = {"lab", "lab_colleague", "lab2", "works", "stranger"}
    assert {name for name in world.people if can(world[name], "campaign.apply", subject)} == applicants
    assert {name for name in world.people if can(world[name], "campaign.apply", prepared)} == set()
    assert {name for name in world.people if can(world[name], "campaign.read", prepared)} == {"organiser"}


def test_questions_are_asked_of_the_right_kind_only(busy_world: World) -> None:
    person = busy_world["lab"]
    with pytest.raises(KeyError):
        can(person, "case.burn")
    with pytest.raises(TypeError):
        can(person, "case.read", NoticeSubject("n", "draft"))
    with pytest.raises(TypeError):
        can(person, "case.read")
    with pytest.raises(TypeError):
        can(person, "inbox.read", NoticeSubject("n", "draft"))
    with pytest.raises(NotPermitted) as refusal:
        require(person, "definition.deploy")
    assert refusal.value.values == {"action": "definition.deploy"}


def test_every_action_stands_in_the_documented_table() -> None:
    documented = re.findall(r"^\| `([a-z._]+)` \|", inspect.getdoc(table) or "", re.MULTILINE)
    assert sorted(documented) == sorted(ACTIONS) and len(documented) == len(set(documented))


# ---- tasks, without a database ---------------------------------------------------------------------------------------
DOING = {"complete", "plan", "return", "transfer", "delegate", "skip", "cancel_branch", "add_signer", "remove_signer"}


@pytest.mark.parametrize(
    ("state", "assignee", "allowed"),
    [
        ("open", None, {"read", "claim", "draft", "receive", *DOING}),
        ("open", "me", {"read", "unclaim", "draft", "receive", *DOING}),
        ("open", "other", {"read", "receive"}),
        ("completed", "me", {"read", "receive"}),
        ("cancelled", None, {"read", "receive"}),
    ],
)
def test_what_a_candidate_may_do_with_a_task(small_world: World, state: str, assignee: str | None, allowed: set[str]) -> None:
    person = small_world["lab"]
    holder = {"me": person.id, "other": new_id(), None: None}[assignee]
    group = frozenset({f"applicant@{small_world.places['lab']}"})
    subject = TaskSubject("t", state, holder, None, None, group)
    names = [action.removeprefix("task.") for action in ACTIONS if action.startswith("task.")]
    assert {name for name in names if can(person, f"task.{name}", subject)} == allowed
    for other in ("stranger", "lab2", "east_auditor", "organiser"):
        assert not any(can(small_world[other], f"task.{name}", subject) for name in names)


def test_a_delegated_task_is_its_owners_to_complete(small_world: World) -> None:
    person, owner = small_world["lab"], new_id()
    prepared = TaskSubject("t", "open", person.id, owner, None, frozenset())
    may = {action for action in ACTIONS if action.startswith("task.") and can(person, action, prepared)}
    assert may == {"task.read", "task.draft", "task.hand_back"}
    own = TaskSubject("t", "open", owner, person.id, None, frozenset())
    may = {action for action in ACTIONS if action.startswith("task.") and can(person, action, own)}
    assert may == {"task.read", "task.hand_back"}


def test_only_who_completed_a_task_takes_it_back(small_world: World) -> None:
    person = small_world["lab"]
    assert can(person, "task.withdraw", TaskSubject("t", "completed", None, None, person.id, frozenset()))
    assert not can(person, "task.withdraw", TaskSubject("t", "completed", person.id, None, new_id(), frozenset()))
    assert not can(person, "task.withdraw", TaskSubject("t", "open", person.id, None, person.id, frozenset()))


def test_who_can_be_asked_for_help(small_world: World) -> None:
    lab = small_world["lab"]
    group = frozenset({f"applicant@{small_world.places['lab']}"})
    assert can(lab, "person.help", HelperSubject(group, frozenset()))
    assert can(lab, "person.help", HelperSubject(frozenset(), group))
    assert not can(lab, "person.help", HelperSubject(frozenset({"auditor@elsewhere"}), group))


def test_an_expert_may_do_only_the_own_task(small_world: World) -> None:
    person = small_world["expert"]
    subject = TaskSubject("t", "open", person.id, None, None, frozenset())
    assert can(person, "task.complete", subject) and not can(person, "task.unclaim", subject)
    assert not can(person, "task.complete", TaskSubject("t", "open", new_id(), None, None, frozenset()))


def test_blindness_wins_over_every_other_role(small_world: World) -> None:
    organiser = small_world["organiser"]
    facts: dict[str, Any] = {"id": "c", "number": "n", "campaign_id": "k", "body_id": None, "state": "reviewing"}
    places = {"organiser_id": small_world.places["authority"], "institution_id": small_world.places["lab"]}
    plain = CaseSubject(**facts, **places, experts=frozenset())
    own = CaseSubject(**facts, **places, experts=frozenset({organiser.id}))
    names = ("case.identity", "case.history", "case.audits", "case.scores", "case.views", "case.personal")
    assert all(can(organiser, name, plain) for name in names) and not any(can(organiser, name, own) for name in names)
    assert can(organiser, "case.read", own)


# ---- masks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("personal", "value", "shown"),
    [
        (None, "张三丰", "张三丰"),
        ("name", "张三丰", "张**"),
        ("name", "李", "李*"),
        ("name", "", ""),
        ("phone", "13812345678", "138****5678"),
        ("phone", "010-55501234", "010-****1234"),
        ("phone", "12345", "*****"),
        ("email", "zhang@example.org", "z***@example.org"),
        ("email", "not an address", "***"),
        ("identity", "110101199001011234", "110***********1234"),
        ("identity", "1234567", "***"),
        ("contact", "张三丰 13812345678", "张** 138****5678"),
        ("contact", "zhang@example.org，李四：010-55501234", "z***@example.org，李*：010-****1234"),
        ("contact", ["13812345678"], ["138****5678"]),
        ("something new", "whatever", "***"),
        ("name", None, None),
    ],
)
def test_masks(personal: str | None, value: Any, shown: Any) -> None:
    assert mask_value(personal, value) == shown


# ---- what is registered and worded -----------------------------------------------------------------------------------
def test_every_handler_is_registered_once() -> None:
    registry = Handlers()
    handlers.install_handlers(registry)
    assert registry.names() == set(handlers.FUNCTIONS)
    with pytest.raises(ValueError, match="registered already"):
        handlers.install_handlers(registry)


def test_every_problem_of_ours_has_words() -> None:
    def below(kind: type[Problem]) -> set[type[Problem]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    catalogue = Catalogue("engine", "workflows")
    ours = {kind.__name__ for kind in below(Problem) if kind.__module__.startswith("workflows.")}
    assert len(ours) > 40 and ours - set(catalogue.entries) == set()
