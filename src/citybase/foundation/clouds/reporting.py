"""This machine reports itself: an entry in the ledger, and its measured figures on the observation way."""

import msgspec
from sqlalchemy import select

from citybase.city.observations.sources import CityObservations
from citybase.city.resources.actions import create_resource
from citybase.city.resources.checking import ResourceDraft
from citybase.city.resources.models import resource, resource_kind
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker, reading_subject
from citybase.foundation.clouds.engines import EngineMeter
from citybase.foundation.clouds.telemetry import HostMeter, host_code, host_facts
from citybase.kernel.clock import now
from citybase.kernel.settings import Settings
from citybase.security.organizations import read_root
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["HostReporter"]

_KIND = "cloud-host"


class HostReporter:
    """Registers this host once, then publishes its figures at every `report`."""

    def __init__(self, settings: Settings, database: Database, broker: Broker, observations: CityObservations) -> None:
        self._database = database
        self._broker = broker
        self._engines = EngineMeter(database, broker, observations)
        self._meter = HostMeter(settings.data)
        self._registered = False

    async def report(self) -> None:
        """Publish one reading set; does nothing in a city without the pack `hosts`."""
        self._registered = self._registered or await self._register()
        if self._registered:
            reading = {"t": now(), "v": self._meter.read() | await self._engines.read()}
            await self._broker.publish(reading_subject("hosts", host_code()), msgspec.json.encode(reading))

    async def _register(self) -> bool:
        async with self._database.begin() as connection:
            if await connection.scalar(select(resource.c.id).where(resource.c.code == host_code())):
                return True
            kind = await connection.scalar(select(resource_kind.c.id).where(resource_kind.c.id == _KIND))
            city = await read_root(connection)
        if kind is None or city is None:
            return False
        draft = ResourceDraft(
            kind=_KIND, code=host_code(), name=host_code(), owner_id=city.id, attributes=dict(host_facts())
        )
        async with begin(self._database, SYSTEM) as tx:
            await create_resource(tx, draft)
        return True
