"""The first people and organisations of an installation."""

from __future__ import annotations

import io

import pytest

from api.cli.opening import open_engine
from api.settings import read_settings
from engine.errors import Problem
from workflows.people import authenticate
from workflows.tokens import use_token

from .conftest import Call

PASSWORD = "a long enough password"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))


def create_tree(call: Call) -> None:
    assert call("organisation", "create", "国家局", "--kind", "authority", "--short-name", "总局").code == 0
    made = call("organisation", "create", "某省市场监督管理局", "--kind", "province", "--parent", "总局", "--region", "110000")
    assert made.code == 0, made.err


def test_a_person_with_roles_logs_in(call: Call, typed: None) -> None:
    create_tree(call)
    roles = ("--role", "organiser", "--role", "auditor@某省市场监督管理局")
    answer = call("user", "create", "Li", "--name", "李某", "--organisation", "总局", *roles, "--password-stdin")
    assert answer.code == 0, answer.err
    listed = call("user", "list").out
    assert "auditor@某省市场监督管理局, organiser@总局" in listed
    process_engine = open_engine(read_settings())
    assert authenticate(process_engine, "li", PASSWORD).name == "李某"
    process_engine.database.dispose()


def test_a_new_password_replaces_the_old_one(call: Call, typed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    create_tree(call)
    call("user", "create", "li", "--name", "李某", "--organisation", "总局", "--password-stdin")
    monkeypatch.setattr("sys.stdin", io.StringIO("another good password\n"))
    assert call("user", "password", "LI", "--password-stdin").code == 0
    process_engine = open_engine(read_settings())
    with pytest.raises(Problem):
        authenticate(process_engine, "li", PASSWORD)
    assert authenticate(process_engine, "li", "another good password")
    process_engine.database.dispose()


def test_the_tree_is_listed_below_its_parents(call: Call) -> None:
    create_tree(call)
    first, second = call("organisation", "list").out.splitlines()
    assert first.startswith("国家局")
    assert second.startswith("  某省市场监督管理局")


def test_a_password_that_was_mistyped_changes_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, PASSWORD + "!"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    create_tree(call)
    answer = call("user", "create", "li", "--name", "李某", "--organisation", "总局")
    assert (answer.code, call("user", "list").out) == (1, "")
    assert "differ" in answer.err


def test_unknown_role_and_short_password_are_refused(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    create_tree(call)
    for arguments, given in ((("--role", "king"), PASSWORD), ((), "short")):
        monkeypatch.setattr("sys.stdin", io.StringIO(given + "\n"))
        answer = call("user", "create", "li", "--name", "李某", "--organisation", "总局", *arguments, "--password-stdin")
        assert answer.code == 1
        assert "Traceback" not in answer.err
    assert call("user", "list").out == ""


def test_access_tokens(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    create_tree(call)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n{PASSWORD}\n"))
    assert call("user", "create", "li", "--name", "李某", "--organisation", "总局", "--password-stdin").code == 0
    made = call("token", "create", "Li", "--name", "exchange", "--days", "30")
    token = made.out.strip()
    assert token.startswith("lxt_") and token not in made.err
    assert call("token", "create", "li", "--name", "", "--days", "0").code == 1
    assert call("token", "create", "nobody", "--name", "x").code == 1
    (line,) = call("token", "list", "li").out.splitlines()
    token_id, scope, *_ = line.split()
    assert (scope, line.endswith("-  exchange"), token in line) == ("read", True, False)
    process_engine = open_engine(read_settings())
    found = use_token(process_engine, token)
    assert found is not None and (found[0].name, found[1]) == ("李某", "read")
    assert call("token", "revoke", "li", token_id).code == 0
    assert call("token", "revoke", "li", token_id).code == 1
    assert use_token(process_engine, token) is None
    other = call("token", "create", "li", "--name", "exchange", "--scope", "write").out.strip()
    assert call("user", "password", "li", "--password-stdin").code == 0
    assert use_token(process_engine, other) is None
    process_engine.database.dispose()
