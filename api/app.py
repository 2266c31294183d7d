"""The web application: one function puts together what the rooms beside it offer."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask
from flask_compress import Compress
from whitenoise import WhiteNoise

import api.pages
import api.rest
from api.assets import Assets
from api.security import secure_app
from api.settings import Settings
from engine.tables import installation
from engine.texts import Catalogue
from engine.work import ProcessEngine, Work
from workflows.demo import is_demo

STATIC = Path(__file__).parent / "static"
HOUR = 3600

log = structlog.get_logger()


def create_app(process_engine: ProcessEngine) -> Flask:
    """The WSGI application for an engine that `api.wiring.build_engine` made, on a database with an up-to-date schema."""
    settings: Settings = process_engine.extras["settings"]
    app = Flask("api", static_folder=None)
    app.secret_key = read_secret_key(process_engine, settings)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    catalogue: Catalogue = process_engine.extras["catalogue"]
    assets = Assets(STATIC)
    demo = settings.demo or is_demo(process_engine)
    app.extensions.update(process_engine=process_engine, settings=settings, catalogue=catalogue, assets=assets, demo=demo)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.globals["asset"] = assets.address
    app.jinja_env.globals["has_asset"] = assets.has
    if not assets.has("dist/page.js"):
        log.warning(
            "front_end_not_built", folder=str(STATIC / "dist"), remedy="cd api/web && npm ci --ignore-scripts && node build.mjs"
        )
    app.before_request(api.rest.know_caller)  # first of all: every fault below /api/v1 is told as problem details
    secure_app(app, settings)
    app.config.update(COMPRESS_MIMETYPES=["text/html", "application/json", "application/xml"], COMPRESS_ALGORITHM=["br", "gzip"])
    Compress(app)
    api.pages.install(app)
    api.rest.install(app)
    serve_static(app)
    return app


def serve_static(app: Flask) -> None:
    """Serve our own and the built files; packed copies beside them are preferred, hashed names are kept by browsers for good."""

    def add_headers(headers: Any, _path: str, _url: str) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(STATIC),
        prefix="static/",
        max_age=HOUR,
        immutable_file_test=r"-[A-Z0-9]{8}\.\w+$",
        allow_all_origins=False,
        add_headers_function=add_headers,
    )


def read_secret_key(process_engine: ProcessEngine, settings: Settings) -> str:
    """The key that signs form tokens: of the settings, else one made once and kept in the database for all its servers."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    with process_engine.read() as work:
        known = _stored_key(work)
    if known is not None:
        return known
    with process_engine.begin() as work:
        if work.connection.dialect.name == "postgresql":
            work.connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('linxuan_secret_key', 0))"))
        known = _stored_key(work)
        if known is None:
            known = secrets.token_urlsafe(48)
            work.connection.execute(installation.insert().values(key="secret_key", value=known))
        return known


def _stored_key(work: Work) -> str | None:
    stored: str | None = work.connection.execute(
        sa.select(installation.c.value).where(installation.c.key == "secret_key")
    ).scalar_one_or_none()
    return stored
