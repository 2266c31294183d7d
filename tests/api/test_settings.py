"""Settings: from the environment and arguments, every fault told at once."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings, SettingsInvalid, read_settings
from api.wiring import build_engine, make_senders
from engine.texts import Catalogue
from workflows.mails import CredentialsUnprotected, SmtpMailer


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
    assert set(engine.extras["senders"]) == {"webhook"}
    engine.database.dispose()


def test_letters_leave_only_with_a_server_and_outside_a_demo() -> None:
    assert make_senders(read_settings({}, smtp_host="mail.example", demo=True), {}) == {}
    mailer = make_senders(read_settings({}, smtp_host="mail.example", smtp_port=465, smtp_security="tls"), {})["mail"]
    assert isinstance(mailer, SmtpMailer) and (mailer.host, mailer.port) == ("mail.example", 465)
    with pytest.raises(CredentialsUnprotected):
        make_senders(read_settings({}, smtp_host="mail.example", smtp_user="u", smtp_password="p"), {})


SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def test_gateways_are_read_with_their_secrets_hidden() -> None:
    given = {"sms": {"url": "https://sms.example/send", "secret": SECRET, "letters": ["reminder"]}}
    found = read_settings({"LINXUAN_GATEWAYS": json.dumps(given)})
    assert found.gateways["sms"].letters == ("reminder",) and SECRET not in repr(found)


@pytest.mark.parametrize(
    ("name", "changed", "told"),
    [
        ("sms", {"url": "http://sms.example/"}, "must begin with https"),
        ("sms", {"url": "https://me:secret@sms.example/"}, "must name a host"),
        ("sms", {"url": "ftp://127.0.0.1/"}, "must begin with https"),
        ("sms", {"secret": "whsec_c2hvcnQ="}, "24 bytes"),
        ("sms", {"secret": "?"}, "base64"),
        ("SMS", {}, "is no name"),
    ],
)
def test_a_gateway_that_cannot_be_used_is_told(name: str, changed: dict[str, str], told: str) -> None:
    given = {name: {"url": "https://sms.example/send", "secret": SECRET, **changed}}
    with pytest.raises(SettingsInvalid) as refused:
        read_settings({"LINXUAN_GATEWAYS": json.dumps(given)})
    (finding,) = refused.value.findings
    assert finding.path == "LINXUAN_GATEWAYS" and told in finding.values["reason"] and SECRET not in finding.values["reason"]


def test_a_gateway_setting_that_is_no_json_is_told() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read_settings({"LINXUAN_GATEWAYS": "{sms"})
    assert "no JSON" in refused.value.findings[0].values["reason"]
