"""`token`: access tokens for programs that call `/api/v1`."""

from __future__ import annotations

import argparse

from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.people import find_person
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`token create|list|revoke`."""
    below = verbs.add("token").verbs()
    creating = below.add("create", create_token)
    creating.add("login")
    creating.add("--name", required=True)
    creating.add("--scope", choices=("read", "write"), default="read")
    creating.add("--days", type=int, default=90, metavar="N")
    below.add("list", list_tokens).add("login")
    below.add("revoke", revoke_token).add("login").add("id")


def create_token(options: argparse.Namespace, words: Words) -> int:
    """Make a token for a person; it alone is printed on standard output, and nobody can read it again.

    Raises PersonUnknown, TokenInvalid, TooManyTokens.
    """
    from workflows import tokens

    process_engine = open_engine(read_options(options))
    with process_engine.begin() as work:
        person_id = find_person(work, options.login)
        token = tokens.create_token(work, person_id, name=options.name, scope=options.scope, days=options.days)
    process_engine.database.dispose()
    print(token)
    words.note("token_created", login=options.login, days=options.days)
    return 0


def list_tokens(options: argparse.Namespace, words: Words) -> int:
    """The working tokens of a person.

    Raises PersonUnknown.
    """
    from workflows import tokens

    process_engine = open_engine(read_options(options))
    with process_engine.read() as work:
        for each in tokens.list_tokens(work, find_person(work, options.login)):
            used = "-" if each.used_at is None else each.used_at.isoformat(timespec="seconds")
            print(f"{each.id}  {each.scope}  {each.expires_at.date().isoformat()}  {used}  {each.name}")
    process_engine.database.dispose()
    return 0


def revoke_token(options: argparse.Namespace, words: Words) -> int:
    """From now on the token opens nothing.

    Raises PersonUnknown, TokenUnknown.
    """
    from workflows import tokens

    process_engine = open_engine(read_options(options))
    with process_engine.begin() as work:
        tokens.revoke_token(work, find_person(work, options.login), options.id)
    process_engine.database.dispose()
    print(words.say("token_revoked"))
    return 0
