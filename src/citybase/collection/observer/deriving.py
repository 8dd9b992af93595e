"""Derived properties: what a pack's vectorised function makes of the values observed at one moment."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select

from citybase.city.packs.functions import pack_functions
from citybase.city.packs.models import pack
from citybase.city.resources.definitions import KindDefinition
from citybase.city.resources.models import resource_kind
from citybase.collection.observer.intake import SOURCES
from citybase.collection.observer.pivot import Moments, pivot
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.postgres import Database

__all__ = ["Derivations"]

_LOG = logging.getLogger(__name__)
_SOURCE = SOURCES.index("derived")


@dataclass(frozen=True, slots=True)
class _Derivation:
    kind: str
    output: str
    arguments: tuple[str, ...]
    function: Callable[..., Any]


class Derivations:
    """All derivations that the city's kinds declare, as last read from the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._derivations: list[_Derivation] = []

    async def refresh(self) -> None:
        """Read the kinds again; a derivation whose function cannot be loaded is left out and logged."""
        statement = select(resource_kind.c.definition, pack.c.source).join(pack, pack.c.id == resource_kind.c.pack)
        async with self._database.begin() as connection:
            rows = (await connection.execute(statement)).all()
        found: list[_Derivation] = []
        for definition, source in rows:
            try:
                found += _derivations(msgspec.convert(definition, KindDefinition), Path(source))
            except Exception:
                _LOG.exception("derivations of %s are left out", definition.get("id"))
        self._derivations = found

    def derive(self, rows: Rows, index: SeriesIndex) -> Rows:
        """The rows, and those derived from them."""
        derived = [part for item in self._derivations if (part := _derived(item, rows, index)) is not None]
        return Rows.joined([rows, *derived]) if derived else rows


def _derivations(kind: KindDefinition, source: Path) -> list[_Derivation]:
    wanted = [item for item in kind.properties if item.derive is not None]
    if not wanted:
        return []
    functions = pack_functions(source)
    return [
        _Derivation(kind.id, item.id, tuple(item.derive.arguments), getattr(functions, item.derive.function))
        for item in wanted
        if item.derive is not None
    ]


def _derived(item: _Derivation, rows: Rows, index: SeriesIndex) -> Rows | None:
    numbers = [index.properties.number(name) for name in item.arguments]
    output, kind = index.properties.number(item.output), index.kinds.number(item.kind)
    if kind < 0 or output < 0 or min(numbers) < 0:
        return None
    moments = pivot(rows, index, kind, numbers)
    if moments is None:
        return None
    try:
        value = np.asarray(item.function(**dict(zip(item.arguments, moments.columns.values(), strict=True))))
    except Exception:
        _LOG.exception("deriving %s of %s", item.output, item.kind)
        return None
    return _rows(moments, index, output, value)


def _rows(moments: Moments, index: SeriesIndex, output: int, value: np.ndarray[Any, Any]) -> Rows:
    series = index.find(moments.devices, np.full(len(moments.devices), output, np.int32))[moments.terminal]
    known = ~np.isnan(value) & (series >= 0)
    count = int(known.sum())
    return Rows(
        series=series[known],
        time=moments.time[known],
        value=value[known].astype(np.float64),
        quality=np.zeros(count, np.int16),
        received=moments.received[known],
        source=np.full(count, _SOURCE, np.int16),
    )
