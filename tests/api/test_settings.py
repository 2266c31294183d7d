"""Settings: from the environment and arguments, every fault told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings, SettingsInvalid, read_settings
from api.wiring import build_engine, make_mailer
from engine.texts import Catalogue
from workflows.mails import CredentialsUnprotected


def test_defaults_need_nothing() -> None:
    settings = read_settings({})
    assert settings.database_url.startswith("sqlite:///") and not settings.demo and not settings.https
    with pytest.raises(ValidationError):
        settings.demo = True  # type: ignore[misc]


def test_arguments_win_over_the_environment() -> None:
    environment = {"LINXUAN_DATABASE_URL": "postgresql://a@b/c", "LINXUAN_DEMO": "true", "LINXUAN_SMTP_PORT": "587", "PATH": "x"}
    settings = read_settings(environment, demo=False, kernel=None)
    assert settings.database_url == "postgresql://a@b/c" and not settings.demo and settings.smtp_port == 587


def test_variables_of_others_are_left_alone() -> None:
    assert read_settings({"LINXUAN_TEST_POSTGRESQL": "x", "LINXUAN_RUN_VENV": "y", "LINXUAN_KERNEL": ""}).kernel == "tokens"


def test_all_faults_at_once() -> None:
    environment = {
        "LINXUAN_DATABASE_URL": "mysql://a/b",
        "LINXUAN_BASE_URL": "linxuan.example",
        "LINXUAN_PROXIES": "many",
        "LINXUAN_KERNEL": "other",
        "LINXUAN_BASE_ULR": "https://typo.example",
    }
    with pytest.raises(SettingsInvalid) as refused:
        read_settings(environment)
    assert sorted(finding.path or "" for finding in refused.value.findings) == sorted(environment)
    catalogue = Catalogue("engine", "workflows", "api")
    assert "LINXUAN_PROXIES" in " ".join(catalogue.tell(finding, "zh") for finding in refused.value.findings)


def test_secrets_are_not_printed() -> None:
    assert "hunter2" not in repr(Settings(secret_key="hunter2", smtp_password="hunter2"))  # type: ignore[arg-type]


def test_the_wiring_registers_all_that_the_notice_names(tmp_path: Path) -> None:
    engine = build_engine(read_settings({}, database_url=f"sqlite:///{tmp_path}/deep/db.sqlite3", file_folder=tmp_path / "f"))
    assert {"applications.submit", "audits.record", "reminders.plan", "publications.publish"} <= engine.handlers.names()
    assert (tmp_path / "deep").is_dir() and (tmp_path / "f").is_dir()
    assert engine.extras["mailer"] is None
    engine.database.dispose()


def test_letters_leave_only_with_a_server_and_outside_a_demo() -> None:
    assert make_mailer(read_settings({}, smtp_host="mail.example", demo=True)) is None
    mailer = make_mailer(read_settings({}, smtp_host="mail.example", smtp_port=465, smtp_security="tls"))
    assert mailer is not None and (mailer.host, mailer.port) == ("mail.example", 465)
    with pytest.raises(CredentialsUnprotected):
        make_mailer(read_settings({}, smtp_host="mail.example", smtp_user="u", smtp_password="p"))
