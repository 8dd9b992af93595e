"""Figures of the engines that run here, asked of the engines themselves. One that does not answer has none."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text

from citybase.city.observations.sources import CityObservations
from citybase.engines.postgres import Database
from citybase.engines.streams import GATEWAYS, MQTT, Broker

__all__ = ["EngineMeter"]

Figures = dict[str, float | None]

_POSTGRES = text(
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,"
    " pg_database_size(current_database()) AS bytes"
)


class EngineMeter:
    """PostgreSQL, NATS and the lake. Units are those of the kind `cloud-host`."""

    def __init__(self, database: Database, broker: Broker, observations: CityObservations) -> None:
        self._database = database
        self._broker = broker
        self._observations = observations

    async def read(self) -> Figures:
        """All figures; those of an engine that is away are missing, not zero."""
        figures: Figures = {}
        for names, measure in self._measures().items():
            try:
                values = await measure()
            except Exception:
                values = (None, None)
            figures.update(zip(names, values, strict=True))
        return figures

    def _measures(self) -> dict[tuple[str, str], Callable[[], Awaitable[tuple[float | None, float | None]]]]:
        return {
            ("postgres_connections", "postgres_bytes"): self._postgres,
            ("nats_bytes", "nats_waiting"): self._nats,
            ("lake_rows", "lake_files"): self._observations.totals,
        }

    async def _postgres(self) -> tuple[float | None, float | None]:
        async with self._database.begin() as connection:
            row = (await connection.execute(_POSTGRES)).one()
        return float(row.connections), float(row.bytes)

    async def _nats(self) -> tuple[float | None, float | None]:
        account = await self._broker.request("$JS.API.INFO")
        waiting = 0
        for source in (MQTT, GATEWAYS):
            stream = await self._broker.request(f"$JS.API.STREAM.INFO.{source.stream}")
            waiting += int(stream["state"]["messages"])
        return float(account["storage"]), float(waiting)
