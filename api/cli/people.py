"""`user` and `organisation`: the first people and organisations of an installation."""

from __future__ import annotations

import argparse
import getpass
import sys

from api.cli.faults import OrganisationNotFound, PasswordsDiffer
from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.words import Words
from engine.work import Work


def add_verbs(verbs: Verbs) -> None:
    """`user create|password|list` and `organisation create|list`."""
    users = verbs.add("user").verbs()
    creating = users.add("create", create_user)
    creating.add("login")
    creating.add("--name", required=True)
    creating.add("--organisation", required=True)
    creating.add("--role", action="append", default=[])
    creating.add("--email")
    creating.add("--language", choices=("zh", "en"), default="zh")
    creating.add("--password-stdin", action="store_true")
    users.add("password", change_password).add("login").add("--password-stdin", action="store_true")
    users.add("list", list_users)
    organisations = verbs.add("organisation").verbs()
    creating = organisations.add("create", create_organisation)
    creating.add("name")
    creating.add("--kind", required=True, choices=("authority", "province", "consortium", "prefecture", "institution"))
    creating.add("--short-name")
    creating.add("--parent")
    creating.add("--region")
    organisations.add("list", list_organisations)


def create_user(options: argparse.Namespace, words: Words) -> int:
    """Add a person; roles are `role`, at the own organisation, or `role@organisation`.

    Raises LoginTaken, PasswordRefused, RoleUnknown, OrganisationNotFound, PasswordsDiffer.
    """
    from workflows.people import create_person

    password = read_password(options, words)
    process_engine = open_engine(read_options(options))
    with process_engine.begin() as work:
        home = find_organisation(work, options.organisation)
        roles = []
        for given in options.role:
            role, _, at = given.partition("@")
            roles.append((role, find_organisation(work, at) if at else home))
        create_person(
            work,
            login=options.login,
            name=options.name,
            organisation_id=home,
            password=password,
            email=options.email,
            language=options.language,
            roles=roles,
        )
    process_engine.database.dispose()
    print(words.say("user_created", login=options.login))
    return 0


def change_password(options: argparse.Namespace, words: Words) -> int:
    """Set a new password; a lock is lifted, open sessions are closed and access tokens revoked.

    Raises PersonUnknown, PasswordRefused, PasswordsDiffer.
    """
    from workflows.people import set_password
    from workflows.sessions import close_all_sessions
    from workflows.tokens import revoke_all_tokens

    password = read_password(options, words)
    process_engine = open_engine(read_options(options))
    with process_engine.begin() as work:
        person_id = find_person(work, options.login)
        set_password(work, person_id, password)
        close_all_sessions(work, person_id)
        revoke_all_tokens(work, person_id)
    process_engine.database.dispose()
    print(words.say("password_changed", login=options.login))
    return 0


def list_users(options: argparse.Namespace, words: Words) -> int:
    """All log-ins with their roles."""
    import sqlalchemy as sa

    from workflows.people import get_person
    from workflows.tables import organisation, person

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        names = {row.id: row.short_name for row in work.connection.execute(sa.select(organisation))}
        for row in work.connection.execute(sa.select(person.c.id).order_by(person.c.login)).all():
            found = get_person(work, row.id)
            roles = ", ".join(sorted(f"{role}@{names[at]}" for role, at in found.memberships))
            print(f"{found.login}  {found.name}  {names[found.organisation_id]}  {roles}")
    process_engine.database.dispose()
    return 0


def create_organisation(options: argparse.Namespace, words: Words) -> int:
    """Add an organisation below its parent.

    Raises OrganisationNotFound when there is no such parent.
    """
    from workflows import organisations

    process_engine = open_engine(read_options(options))
    with process_engine.begin() as work:
        organisation_id = organisations.create_organisation(
            work,
            name=options.name,
            short_name=options.short_name or options.name,
            kind=options.kind,
            parent_id=find_organisation(work, options.parent) if options.parent else None,
            region=options.region,
        )
    process_engine.database.dispose()
    print(words.say("organisation_created", name=options.name, id=organisation_id))
    return 0


def list_organisations(options: argparse.Namespace, words: Words) -> int:
    """All organisations, below their parents."""
    from workflows import organisations

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        found = sorted(organisations.list_organisations(work), key=lambda each: each.path)
    process_engine.database.dispose()
    for each in found:
        print(f"{'  ' * len(each.ancestors)}{each.name}  {each.kind}  {each.id}")
    return 0


def find_person(work: Work, login: str) -> str:
    """The id of who logs in by this name.

    Raises PersonUnknown.
    """
    import sqlalchemy as sa

    from workflows.people import PersonUnknown
    from workflows.tables import person

    query = sa.select(person.c.id).where(person.c.login == login.strip().lower())
    found: str | None = work.connection.execute(query).scalar_one_or_none()
    if found is None:
        raise PersonUnknown(person=login)
    return found


def find_organisation(work: Work, given: str) -> str:
    """The id of the organisation with this id, name or short name.

    Raises OrganisationNotFound when there is none, or more than one of this name.
    """
    import sqlalchemy as sa

    from workflows.tables import organisation

    is_meant = sa.or_(organisation.c.id == given, organisation.c.name == given, organisation.c.short_name == given)
    found = work.connection.execute(sa.select(organisation.c.id).where(is_meant)).scalars().all()
    if len(found) != 1:
        raise OrganisationNotFound(name=given, count=len(found))
    return str(found[0])


def read_password(options: argparse.Namespace, words: Words) -> str:
    """A password, typed twice, or the first line of standard input.

    Raises PasswordsDiffer.
    """
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(words.say("ask_password"))
    if getpass.getpass(words.say("ask_again")) != first:
        raise PasswordsDiffer()
    return first
