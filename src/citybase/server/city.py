"""A whole city in one data folder: engines, then schema, packs and first account, then our processes."""

import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from citybase.city.packs import apply_shipped
from citybase.engines.nats import embedded_nats, nats_address
from citybase.engines.ports import is_free
from citybase.engines.postgres import Database, EmbeddedPostgres
from citybase.engines.processes import ChildProcess
from citybase.engines.streams import Broker
from citybase.kernel.errors import Problem
from citybase.kernel.settings import ENVIRONMENT_PREFIX, Settings
from citybase.security.identity.first import FIRST_USERNAME, ensure_first_person
from citybase.server.ports import choose_ports
from citybase.server.room import RoomWatch
from citybase.server.schema import migrate
from citybase.server.supervisor import Supervisor

__all__ = ["PROCESSES", "City", "running_postgres"]

_LOG = logging.getLogger("citybase.city")
_PATIENCE = 180.0
_SETTLE = 0.05
_PORT_TRIES = 3

PROCESSES = {
    "server": "citybase.server",
    "gateways": "citybase.collection.gateways",
    "observer": "citybase.collection.observer",
    "worker": "citybase.server.worker",
}
"""Our processes and the modules they run, in the order they start."""


class City:
    """Starts everything that was not given, and keeps it running."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.supervisor = Supervisor()
        self._nats: ChildProcess | None = None

    def run(self, say: Callable[[str], None]) -> None:
        """Start, tell the address, keep running until asked to stop; always stops what it started."""
        began = time.monotonic()
        logging.basicConfig(
            filename=_log_file(self.settings, "supervisor"), level=logging.INFO, format="%(asctime)s %(message)s"
        )
        try:
            self._start_engines()
            password = asyncio.run(self._prepare())
            self._start_processes()
            self._await_ready()
            self._tell(say, password, time.monotonic() - began)
            self.supervisor.watch(self._room().look)
        finally:
            self.supervisor.stop()

    def _room(self) -> RoomWatch:
        def mend() -> None:
            # Stopped, it is found dead by the supervisor and started again.
            if self._nats is not None:
                self._nats.stop()

        return RoomWatch(lambda: shutil.disk_usage(self.settings.data).free, mend)

    def _start_engines(self) -> None:
        named = self.settings
        if named.postgres_url is None:
            postgres = EmbeddedPostgres(named.data / "postgres")
            self.supervisor.start(postgres)
            named = msgspec.structs.replace(named, postgres_url=postgres.url)
        self.settings = msgspec.structs.replace(named, **choose_ports(named))
        if named.nats_url is None:
            for _ in range(_PORT_TRIES):
                nats = embedded_nats(self.settings)
                if self._starts(nats):
                    return
                # Somebody else took a port between our look and the server's: look again.
                self.settings = msgspec.structs.replace(named, **choose_ports(named))
            raise Problem("engine_unavailable", engine=f"NATS ({nats.log})")

    def _starts(self, nats: ChildProcess) -> bool:
        """Start NATS and keep it once it answers; False when it ended instead."""
        nats.start()
        ends = time.monotonic() + _PATIENCE
        while nats.is_alive() and time.monotonic() < ends:
            if not is_free(self.settings.host, self.settings.mqtt_port or 0):
                time.sleep(_SETTLE)
                if nats.is_alive():
                    self.supervisor.keep(nats)
                    self._nats = nats
                    return True
            time.sleep(_SETTLE)
        return False

    async def _prepare(self) -> str | None:
        migrate(self.settings.postgres_url or "")
        database = Database(self.settings.postgres_url or "")
        try:
            await apply_shipped(database, self.settings.packs)
            await self._ensure_streams()
            return await ensure_first_person(database)
        finally:
            await database.close()

    async def _ensure_streams(self) -> None:
        ends = time.monotonic() + _PATIENCE
        while True:
            try:
                async with Broker(nats_address(self.settings)) as broker:
                    return await broker.ensure_streams()
            except Exception as error:
                if time.monotonic() > ends:
                    raise Problem("engine_unavailable", engine="NATS") from error
                await asyncio.sleep(0.1)

    def _start_processes(self) -> None:
        environment = _as_environment(self.settings)
        for name, module in PROCESSES.items():
            log = _log_file(self.settings, name)
            self.supervisor.start(ChildProcess(name, [sys.executable, "-m", module], log, environment))

    def _await_ready(self) -> None:
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            try:
                if httpx.get(f"{self.address}/health/ready", timeout=5, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise Problem("engine_unavailable", engine=f"server ({_log_file(self.settings, 'server')})")

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.settings.host in {"0.0.0.0", "::"} else self.settings.host  # noqa: S104
        return f"http://{host}:{self.settings.port}"

    def _tell(self, say: Callable[[str], None], password: str | None, seconds: float) -> None:
        say(f"城基 CityBase  {self.settings.public_url or self.address}")
        if password is not None:
            say(f"首次登录 / first sign-in: {FIRST_USERNAME}  密码 / password: {password}")
        mqtt, hj212 = self.settings.mqtt_port, self.settings.hj212_port
        say(f"设备 / devices: MQTT {self.settings.host}:{mqtt}  HJ 212 {self.settings.host}:{hj212}")
        say(f"数据 / data: {self.settings.data}  ({seconds:.1f} s)  Ctrl-C 停止 / to stop")


def running_postgres(settings: Settings) -> str:
    """URL of this city's PostgreSQL for a command beside the running city. Raises `engine_unavailable`."""
    if settings.postgres_url is not None:
        return settings.postgres_url
    url = EmbeddedPostgres(settings.data / "postgres").running_url()
    if url is None:
        raise Problem("engine_unavailable", engine=f"PostgreSQL ({settings.data}; bin/run)")
    return url


def _as_environment(settings: Settings) -> dict[str, str]:
    """Settings for a child process, as variables."""
    fields = msgspec.to_builtins(settings, enc_hook=str)
    return {
        ENVIRONMENT_PREFIX + name.upper(): ",".join(value) if isinstance(value, list) else str(value)
        for name, value in fields.items()
        if value is not None
    }


def _log_file(settings: Settings, name: str) -> Path:
    folder = settings.data / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"
