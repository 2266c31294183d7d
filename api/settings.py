"""What an installation may set: read once at start, from arguments and from the environment (`LINXUAN_*`)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import Finding, Problem
from workflows.mails import GatewayUnusable, read_gateway

PREFIX = "LINXUAN_"
OTHERS = ("LINXUAN_RUN_", "LINXUAN_TEST_")
"""Prefixes of variables that are read by `run.py` and by the tests, not here."""
MEGABYTE = 1024 * 1024
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
GATEWAY_FAULTS = {
    "url": "the url must name a host, without a user and a password",
    "https": "the url must begin with https:// (http:// only on this machine)",
    "secret": "the secret must be whsec_ and at least 24 bytes in base64",
}


class SettingsInvalid(Problem):
    """A setting cannot be used; each finding's `path` is the environment variable."""


class GatewaySetting(BaseModel):
    """Where letters go as signed POSTs, what signs them, and which (none named: all)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    secret: SecretStr
    letters: tuple[str, ...] = ()


class Settings(BaseModel):
    """All settings, frozen. Each field can be given as `LINXUAN_<NAME>`, e.g. `LINXUAN_DATABASE_URL`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = "sqlite:///var/linxuan.sqlite3"
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    file_folder: Path = Path("var/files")
    """Where uploaded files are kept by their SHA-256; outside of anything that is served."""
    secret_key: SecretStr | None = None
    """Signs form tokens. When absent, one is made at the first start and kept in the database."""
    base_url: str = "http://127.0.0.1:8000"
    """The address people type; letters link to it. With `https` cookies are `Secure` and HSTS is sent."""
    kernel: Literal["tokens", "spiff"] = "tokens"
    """The kernel that executes newly deployed diagrams."""
    demo: bool = False
    """A demo installation: every page says so, demo log-ins are shown and no mail leaves."""
    proxies: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies stand in front and set `X-Forwarded-*`; 0 trusts none."""

    smtp_host: str | None = None
    """The mail server. When absent, letters stay in the outbox."""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "linxuan@localhost"

    gateways: dict[str, GatewaySetting] = {}
    """Other systems that hand letters on (short messages, chat), by name; as JSON: `{"sms": {"url": …, "secret": "whsec_…"}}`."""

    largest_file: int = Field(default=50 * MEGABYTE, ge=1)
    """Bytes of one uploaded file."""
    largest_request: int = Field(default=200 * MEGABYTE, ge=1)
    """Bytes of one request with all its files."""
    metrics_token: SecretStr | None = None
    """Bearer token that `/metrics` asks for. When absent, only the machine itself may read it."""

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, value: str) -> str:
        try:
            backend = make_url(value).get_backend_name()
        except ArgumentError as fault:
            raise ValueError("not an address of a database") from fault
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"{backend} is neither sqlite nor postgresql")
        return value

    @field_validator("gateways", mode="before")
    @classmethod
    def _read_gateways(cls, value: Any) -> Any:
        try:
            return orjson.loads(value) if isinstance(value, str) else value
        except orjson.JSONDecodeError as fault:
            raise ValueError(f"no JSON: {fault}") from fault

    @field_validator("gateways")
    @classmethod
    def _check_gateways(cls, value: dict[str, GatewaySetting]) -> dict[str, GatewaySetting]:
        for name, each in value.items():
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name: small letters, digits and underscores")
            try:
                read_gateway(name, each.url, each.secret.get_secret_value())
            except GatewayUnusable as fault:
                raise ValueError(f"{name}: {GATEWAY_FAULTS[fault.values['reason']]}") from fault
        return value

    @field_validator("base_url")
    @classmethod
    def _check_base(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must begin with http:// or https:// and name a host")
        return value.rstrip("/")

    @property
    def https(self) -> bool:
        """Whether people reach the installation by https."""
        return self.base_url.startswith("https://")


def read_settings(environment: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
    """Settings from `environment` (the process's own when None); `arguments` that are not None win over it.

    Raises SettingsInvalid with one finding for each unusable or unknown `LINXUAN_*` variable.
    """
    environment = os.environ if environment is None else environment
    given: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and not name.startswith(OTHERS) and value != ""
    }
    given |= {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as fault:
        raise SettingsInvalid(
            findings=[
                Finding(
                    "SettingUnusable",
                    path=PREFIX + ".".join(map(str, error["loc"])).upper(),
                    values={"name": PREFIX + ".".join(map(str, error["loc"])).upper(), "reason": error["msg"]},
                )
                for error in fault.errors()
            ]
        ) from fault
