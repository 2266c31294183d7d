"""Everything that people do with tasks, at random: who, what, with which task, and what came of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from threading import Barrier, Lock
from typing import Any

import sqlalchemy as sa

from engine.due import run_due
from engine.errors import Problem
from engine.instances import set_variables
from engine.tables import definition, instance, user_task
from engine.work import Work
from tests.workflows.world import BEIJING, World
from workflows import inbox, talk
from workflows.applications import start_application
from workflows.cases import stopping
from workflows.cases.stopping import How
from workflows.desk.substitution import appoint_substitute, end_substitution, list_acting
from workflows.inbox import Asked
from workflows.inbox.many import OPERATIONS, list_task_results, start_many
from workflows.inbox.operating import PLACES
from workflows.people import Person
from workflows.reminders.waiting import urge_awaited
from workflows.tables import case

SUBMIT = '<camunda:taskListener event="complete" delegateExpression="${applications.submit}" />'
AUDIT = "return transfer delegate skip add_signer remove_signer cancel_branch withdraw"
APPLY = "transfer delegate withdraw"
ALLOW = '<camunda:properties><camunda:property name="allow" value="{}" /></camunda:properties>'
SIGNED = (
    ('name="省级审核" camunda', 'name="省级审核" camunda:assignee="${signer}" camunda'),
    (
        "<bpmn:outgoing>flow_audit_audit_gateway</bpmn:outgoing>",
        "<bpmn:outgoing>flow_audit_audit_gateway</bpmn:outgoing><bpmn:multiInstanceLoopCharacteristics "
        'camunda:collection="${signers}" camunda:elementVariable="signer" />',
    ),
)
IN_TURN = tuple((old, new.replace("LoopCharacteristics ", 'LoopCharacteristics isSequential="true" ')) for old, new in SIGNED)
SIGNING: Mapping[str, tuple[tuple[str, str], ...]] = {"one": (), "signers": SIGNED, "in_turn": IN_TURN}
"""Who audits a case: one person, several at once, or several one after the other."""
STEPS = ("apply", "supplement", "audit")
"""The steps of a case on which people act."""
PEOPLE = ("lab", "lab_colleague", "works", "east_auditor", "east_colleague", "west_auditor", "organiser", "expert")
APPLICANTS = ("lab", "lab_colleague", "works")
DONE = {
    "claim": "claimed",
    "unclaim": "unclaimed",
    "transfer": "transferred",
    "return": "returned",
    "complete": "completed",
    "withdraw": "withdrawn",
    "skip": "skipped",
    "add_signer": "signer_added",
    "remove_signer": "signer_removed",
    "cancel_branch": "branch_cancelled",
    "delegate": "delegated",
    "hand_back": "handed_back",
    "plan": "planned",
}
"""The kind of the row that each action leaves in the history."""


def allow_everything(world: World, *, signing: str) -> None:
    """Draw the diagram of cases so that it allows all operations; `signing` is one of `SIGNING`."""
    changes = [
        ('value="return transfer"', f'value="{AUDIT}"'),
        (SUBMIT, SUBMIT + ALLOW.format(APPLY)),
        *SIGNING[signing],
    ]
    with world.process_engine.begin() as work:
        row = work.connection.execute(sa.select(definition).where(definition.c.key == "samr_2022_932_case")).one()
        text = row.xml.decode()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        work.connection.execute(sa.update(definition).where(definition.c.id == row.id).values(xml=text.encode()))
    world.process_engine.definitions.clear()
    world.process_engine.bulk.update(OPERATIONS)


@dataclass
class Office:
    """People at work in a world. `done` counts (person, action) that were done, `refused` (action, code of the problem)."""

    world: World
    random: Random
    signing: str
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    jobs: list[tuple[Person, str, str]] = field(default_factory=list)
    guard: Lock = field(default_factory=Lock)

    def play(self, rounds: int) -> None:
        """Let two people act at the same moment, again and again; what is due happens between."""
        self.open_case()
        for _ in range(rounds):
            if self.random.random() < 0.12:
                self.open_case()
            acts = [self.choose() for _ in range(2)]
            barrier = Barrier(len(acts))
            with ThreadPoolExecutor(len(acts)) as pool:
                for each in [pool.submit(self.act, *chosen, barrier) for chosen in acts]:
                    each.result(60)
            run_due(self.world.process_engine)
        self.wake_all()
        self.count_jobs()

    def open_case(self) -> None:
        """One more case, on which nobody has acted."""
        who = self.world[self.random.choice(APPLICANTS)]
        with self.world.process_engine.begin(by=who.id) as work:
            start_application(work, who, self.world.campaign_id, channel="recommended")
            if SIGNING[self.signing]:
                row = work.connection.execute(sa.select(user_task).order_by(user_task.c.id.desc()).limit(1)).one()
                signers = [self.world[name].id for name in ("east_auditor", "east_colleague")]
                set_variables(work, row.instance_id, {"signers": signers})

    def choose(self) -> tuple[str, str, sa.Row[Any], Random]:
        """Somebody, an action and a task: mostly ones that may go together, sometimes any."""
        query = sa.select(user_task).where(user_task.c.element_id.in_(STEPS))
        rows = self.world.rows(query.order_by(user_task.c.id.desc()).limit(12))
        still = [row for row in rows if row.state == "open"]
        row = self.random.choice(still if still and self.random.random() < 0.8 else rows)
        likely = [name for name in PEOPLE if self.world[name].id in (row.assignee, row.owner, row.closed_by)]
        likely = likely or (["east_auditor", "east_colleague", "west_auditor"] if row.element_id == "audit" else [*APPLICANTS])
        near = ("east_auditor", "east_colleague") if row.element_id == "audit" else ("lab", "lab_colleague")
        chance = self.random.random()
        name = self.random.choice(likely if chance < 0.65 else near if chance < 0.85 else PEOPLE)
        usual = ("claim", "complete", "complete") if row.state == "open" else ("withdraw",)
        beside = ("plan", "plan", "stop", "substitute", "substitute", "remark", "copy", "urge", "watch")
        drawn = (*(AUDIT if row.element_id == "audit" else APPLY).split(), "unclaim", "hand_back", "draft", "bulk")
        action = self.random.choice(self.random.choice((usual, usual, drawn, drawn, tuple(DONE), beside)))
        if action == "stop" and self.random.random() < 0.8:
            name = "organiser"
        return name, action, row, Random(self.random.random())

    def act(self, name: str, action: str, row: sa.Row[Any], random: Random, barrier: Barrier) -> None:
        """Do it; anything but a refusal that says why is a fault of ours."""
        who = self.world[name]
        revision = row.revision if random.random() < 0.9 else row.revision + random.choice((-1, 1))
        barrier.wait()
        try:
            self.begin(who, action, row, revision, random)
        except Problem as problem:
            with self.guard:
                self.refused[action, problem.code] += 1
        else:
            with self.guard:
                self.done[name, action] += 1

    def begin(self, who: Person, action: str, row: sa.Row[Any], revision: int, random: Random) -> None:
        """One action through the functions that the pages use."""
        process_engine = self.world.process_engine
        near = ("east_auditor", "east_colleague") if row.element_id == "audit" else APPLICANTS
        other = self.world[random.choice(near if random.random() < 0.8 else PEOPLE)].id
        if action == "complete":
            inbox.complete(process_engine, who, row.id, self.fill_in(who, row, random), revision=revision, key=uuid.uuid4().hex)
            return
        if action == "bulk":
            self.begin_job(who, row, other, random)
            return
        simple: dict[str, Callable[[Work], object]] = {
            "claim": lambda work: inbox.claim(work, who, row.id),
            "unclaim": lambda work: inbox.unclaim(work, who, row.id),
            "draft": lambda work: inbox.save_draft(work, who, row.id, {"title": "草稿"}, revision=revision),
            "transfer": lambda work: inbox.transfer(work, who, row.id, other, "有原因"),
            "plan": lambda work: inbox.plan(work, who, row.id, priority=random.choice((25, 75)), follow_up_on=self.today(1)),
            "substitute": lambda work: self.substitute(work, who, other, random),
            **self.beside_the_task(who, row, other, random),
        }
        with process_engine.begin(by=who.id) as work:
            if action in simple:
                simple[action](work)
                return
            others = self.world.rows(
                sa.select(user_task.c.id).where(user_task.c.instance_id == row.instance_id, user_task.c.state == "open")
            )
            task = random.choice([each.id for each in others] or [row.id])
            target = random.choice(("apply", "apply", "supplement", "audit"))
            asked = Asked(action, reason="有原因", target=target, person=other, task=task, place=random.choice(PLACES))
            if random.random() < 0.5:
                inbox.preview_operation(work, who, row.id, asked)
            inbox.operate(work, who, row.id, asked, revision=revision)

    def beside_the_task(self, who: Person, row: sa.Row[Any], other: str, random: Random) -> dict[str, Callable[[Work], object]]:
        """What people do with the case of a task."""
        (found,) = self.world.rows(sa.select(case.c.id).where(case.c.number == row.business_key))
        how: How = random.choice(("suspend", "resume", "resume", "resume", "terminate"))
        return {
            "stop": lambda work: stopping.stop_case(work, who, found.id, how, "有原因"),
            "remark": lambda work: talk.add_remark(work, who, found.id, "请看", mentions=[other]),
            "copy": lambda work: talk.copy_case(work, who, found.id, [other], "请看"),
            "urge": lambda work: urge_awaited(work, who, found.id),
            "watch": lambda work: talk.watch_case(work, who, found.id),
        }

    def substitute(self, work: Work, who: Person, other: str, random: Random) -> None:
        """Somebody acts for the person today, or no more."""
        known = [each for each in list_acting(work, who) if each.person_id == who.id]
        if known and random.random() < 0.5:
            end_substitution(work, who, known[0].id)
            return
        day = self.today()
        appoint_substitute(work, who, person_id=who.id, substitute_id=other, begins_on=day, last_on=day)

    def today(self, later: int = 0) -> date:
        """The day in Beijing, or one some days later."""
        return self.world.clock.now().astimezone(BEIJING).date() + timedelta(days=later)

    def wake_all(self) -> None:
        """Nothing rests any more."""
        who = self.world["organiser"]
        resting = sa.select(case.c.id).join(instance, instance.c.id == case.c.instance_id).where(instance.c.state == "suspended")
        for row in self.world.rows(resting):
            with self.world.process_engine.begin(by=who.id) as work:
                stopping.stop_case(work, who, row.id, "resume", "有原因")
        run_due(self.world.process_engine)

    def begin_job(self, who: Person, row: sa.Row[Any], other: str, random: Random) -> None:
        """One thing with this task, and perhaps another of the same step, as a bulk job in the background."""
        action = random.choice(("claim", "unclaim", "complete", "return", "transfer", "urge"))
        same = sa.select(user_task.c.id).where(user_task.c.element_id == row.element_id, user_task.c.state == "open")
        ids = {row.id, *(each.id for each in self.world.rows(same.order_by(user_task.c.id).limit(random.choice((0, 2)))))}
        data = self.fill_in(who, row, random) if action == "complete" else None
        tasks = [{"task": each} for each in sorted(ids)]
        with self.world.process_engine.begin(by=who.id) as work:
            job = start_many(work, who, action, tasks, data=data, target="apply", to_person=other, reason="有原因")
        with self.guard:
            self.jobs.append((who, action, job))

    def count_jobs(self) -> None:
        """Add what the jobs did and what they refused."""
        for who, action, job in self.jobs:
            with self.world.process_engine.read() as work:
                results = list_task_results(work, who, job)
            for result in results:
                if result.state == "done":
                    self.done[self.name(who), action] += 1
                else:
                    assert result.problem is not None
                    self.refused[action, result.problem.code] += 1

    def name(self, who: Person) -> str:
        """The short name of somebody."""
        return next(name for name, each in self.world.people.items() if each.id == who.id)

    def fill_in(self, who: Person, row: sa.Row[Any], random: Random) -> Mapping[str, Any]:
        """A form: mostly right, sometimes with nothing in it."""
        if random.random() < 0.1:
            return {}
        if row.element_id == "audit":
            result = random.choice(("pass", "pass", "return", "reject"))
            return {"checks": ["complete"], "result": result, "opinion": "请补充数据出处"}
        return self.world.application(self.name(who), row.id)
