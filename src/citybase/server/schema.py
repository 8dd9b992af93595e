"""The whole database schema: every capability's tables gathered on one metadata, and migrations to it (Alembic)."""

import importlib
import pkgutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

import citybase
from citybase.engines.postgres import metadata, sqlalchemy_url

__all__ = ["alembic_config", "gather_tables", "migrate"]

_MIGRATION_LOCK = 7_202_611


def gather_tables() -> None:
    """Import every module that declares tables, so that `metadata` is complete."""
    for module in pkgutil.walk_packages(citybase.__path__, "citybase."):
        if module.name.rsplit(".", 1)[-1] in {"models", "outbox", "organizations", "transactions"}:
            importlib.import_module(module.name)


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(url: str) -> None:
    """Bring a database to the newest revision; concurrent starts wait for one another."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


gather_tables()
assert metadata.tables, "no tables were gathered"  # noqa: S101 - a broken build must not migrate to nothing
