"""What a city holds, read from its engines and files, to be compared with what it acknowledged."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from citybase.city.observations.latest import LatestReader
from citybase.engines.lake import open_lake
from citybase.engines.postgres import EmbeddedPostgres
from citybase.kernel.settings import Settings
from citybase.security.audit import LogReader, Report, verify_folder
from citybase.security.audit.entries import decode
from tests.faults.casework import Step
from tests.faults.load import Row

__all__ = ["Holdings"]

_ROWS = """
SELECT terminal, property, epoch_ms(time) AS t, value FROM observation
WHERE terminal IN (SELECT unnest($terminals)) ORDER BY ALL
"""


@dataclass
class Holdings:
    """Everything stored in the data folder of a running city about these terminals, and about all cases."""

    data: Path
    terminals: Sequence[str]

    @cached_property
    def url(self) -> str:
        url = EmbeddedPostgres(self.data / "postgres").running_url()
        assert url is not None, "PostgreSQL does not run"
        return url

    def waiting(self) -> int:
        """Audit entries and events that are committed and on their way."""
        return int(self._rows("SELECT (SELECT count(*) FROM audit_pending) + (SELECT count(*) FROM outbox)")[0][0])

    def observations(self) -> Counter[Row]:
        """Every stored observation, derived ones too, and how often it is stored."""
        lake = open_lake(Settings(data=self.data), self.url)
        try:
            table = lake.query(_ROWS, parameters={"terminals": list(self.terminals)})
        finally:
            lake.close()
        return Counter(tuple(row.values()) for row in table.to_pylist())

    def latest(self) -> dict[tuple[str, str], tuple[int, float]]:
        """(time in ms, value) by terminal and property, as every process reads it."""
        series = self._rows("SELECT device, property, id FROM series WHERE device = ANY(%s)", [list(self.terminals)])
        found = LatestReader(self.data / "latest").read(np.array([row[2] for row in series], np.int64))
        times, values = (found.time // 1000).tolist(), found.value.tolist()
        return {row[:2]: pair for row, pair in zip(series, zip(times, values, strict=True), strict=True) if pair[0]}

    def steps(self) -> Counter[Step]:
        """Every step on a timeline."""
        return Counter(self._rows("SELECT case_id, action FROM case_step"))

    def titles(self) -> Counter[str]:
        """Of every case."""
        return Counter(row[0] for row in self._rows("SELECT title FROM case_record"))

    def logged_steps(self) -> Counter[Step]:
        """Every entry about a case in the audit log itself, not in its copy."""
        log = LogReader.of_folder(self.data / "audit")
        entries = (decode(entry) for entry in log.entries(0, log.size))
        return Counter(
            (UUID(entry.target.id), entry.action.removeprefix("case."))
            for entry in entries
            if entry.target.type == "case" and entry.outcome == "done"
        )

    def audit_report(self) -> Report:
        return verify_folder(self.data / "audit", LogReader.of_folder(self.data / "audit").verifier)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql, parameters).fetchall()


def newest(observations: Counter[Row]) -> dict[tuple[str, str], tuple[int, float]]:
    """The newest of each terminal's property: what must be its latest value."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for terminal, property_, time, value in observations:
        found[terminal, property_] = max(found.get((terminal, property_), (0, 0.0)), (time, value))
    return found
