"""Rules watched over every batch: alarms begin and end with the readings that cause them.

A batch's alarms are committed before the rules' state is written, and the state before the batch is acknowledged:
whatever dies in between is done again to the same end.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from citybase.city.observations.actions import clear_alarm, raise_alarm
from citybase.city.observations.conditions import ConditionError
from citybase.city.observations.definitions import RuleDefinition, compiled
from citybase.city.observations.latest import LatestWriter
from citybase.city.observations.models import alarm_rule
from citybase.city.observations.rule_state import RuleStateFile
from citybase.city.observations.rules import Points, Rule, RuleState, Transition, evaluate
from citybase.collection.observer.pivot import pivot
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.postgres import Database
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["Watch"]

_LOG = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Watched:
    definition: RuleDefinition
    rule: Rule
    state: RuleStateFile


@dataclass(frozen=True, slots=True)
class _Change:
    """One alarm of one terminal begins or ends."""

    definition: RuleDefinition
    resource_id: UUID
    time: datetime
    raised: bool
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule found in one batch."""

    changes: list[_Change]
    file: RuleStateFile
    series: NDArray[np.int64]
    state: RuleState


class Watch:
    """All rules of the city, as last read from the ledger."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._watched: dict[str, _Watched] = {}

    async def refresh(self) -> None:
        """Read the rules again; a rule that cannot be compiled is left out and logged."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(select(alarm_rule.c.number, alarm_rule.c.definition))).all()
        watched: dict[str, _Watched] = {}
        for row in rows:
            definition = msgspec.convert(row.definition, RuleDefinition)
            known = self._watched.get(definition.id)
            if known is not None and known.definition == definition:
                watched[definition.id] = known
                continue
            try:
                watched[definition.id] = _Watched(
                    definition, compiled(definition), RuleStateFile(self._folder, row.number)
                )
            except ConditionError as error:
                _LOG.error("rule %s is left out: %s", definition.id, error)
        self._watched = watched

    def evaluate(self, rows: Rows, index: SeriesIndex, latest: LatestWriter) -> list[Outcome]:
        """What the rules make of these rows; nothing is written yet."""
        found = (self._evaluate(watched, rows, index, latest) for watched in self._watched.values())
        return [outcome for outcome in found if outcome is not None]

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Commit the alarms, then remember how far the rules were evaluated."""
        changes = [change for outcome in outcomes for change in outcome.changes]
        if changes:
            async with begin(self._database, SYSTEM) as tx:
                for change in changes:
                    if change.raised:
                        await raise_alarm(tx, change.definition, change.resource_id, change.time, change.values)
                    else:
                        await clear_alarm(tx, change.definition, change.resource_id, change.time)
        for outcome in outcomes:
            outcome.file.write(outcome.series, outcome.state)

    def _evaluate(self, watched: _Watched, rows: Rows, index: SeriesIndex, latest: LatestWriter) -> Outcome | None:
        rule = watched.rule
        names = tuple(dict.fromkeys((*rule.condition.properties, *rule.clear.properties)))
        numbers = [index.properties.number(name) for name in names]
        kind = index.kinds.number(watched.definition.kind)
        if kind < 0 or min(numbers) < 0:
            return None
        moments = pivot(rows, index, kind, numbers)
        if moments is None:
            return None
        columns = dict(zip(names, moments.known(index, latest).values(), strict=True))
        series = index.find(moments.devices, np.full(len(moments.devices), numbers[0], np.int32))
        points = Points(moments.terminal, moments.time, columns)
        transitions, state = evaluate(rule, points, watched.state.read(series))
        owners = [index.resource_ids[number] for number in moments.devices.tolist()] if transitions else []
        changes = [_change(watched.definition, item, owners, columns) for item in transitions]
        return Outcome(changes, watched.state, series, state)


def _change(
    definition: RuleDefinition, item: Transition, owners: Sequence[Any], columns: dict[str, NDArray[np.float64]]
) -> _Change:
    values = {name: float(column[item.point]) for name, column in columns.items()}
    return _Change(
        definition,
        owners[item.terminal],
        _EPOCH + timedelta(microseconds=item.time),
        item.raised,
        {name: None if np.isnan(value) else value for name, value in values.items()},
    )
