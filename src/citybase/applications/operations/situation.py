"""The situation in numbers: the indicators that the city's views put on the screen, each a link down to its rows."""

from datetime import datetime

import msgspec

from citybase.applications.operations.map import read_views
from citybase.city.indicators.definitions import Target
from citybase.city.indicators.queries import IndicatorItem, list_indicators
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.principals import Principal

__all__ = ["Figure", "Situation", "read_situation"]

_SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "="}


class Figure(msgspec.Struct):
    """One number; `note` is its target, `note_state` how it stands to it, `link` the page of its indicator."""

    id: str
    name: str
    name_en: str
    value: float | None
    unit: str
    decimals: int
    note: str | None
    note_state: str | None
    trend: list[float | None]
    link: str
    computed_at: datetime | None


class Situation(msgspec.Struct):
    figures: list[Figure]
    as_of: datetime


async def read_situation(database: Database, principal: Principal) -> Situation:
    """The figures in the order of the views; one that no pack defines is left out."""
    async with database.begin() as connection:
        views = await read_views(connection)
    wanted = list(dict.fromkeys(figure for view in views for figure in view.figures))
    known = {item.id: item for item in (await list_indicators(database, principal)).items}
    figures = [_figure(known[id_]) for id_ in wanted if id_ in known]
    moments = [figure.computed_at for figure in figures if figure.computed_at]
    return Situation(figures, max(moments, default=now()))


def _figure(item: IndicatorItem) -> Figure:
    return Figure(
        id=item.id,
        name=item.name,
        name_en=item.name_en,
        value=item.value,
        unit=item.unit,
        decimals=item.decimals,
        note=_words(item.target, item.unit) if item.target else None,
        note_state=item.state if item.target else None,
        trend=item.trend,
        link=f"/indicators/{item.id}",
        computed_at=item.computed_at,
    )


def _words(target: Target, unit: str) -> str:
    return f"{_SIGNS[target.comparator]} {target.value:g} {unit}".strip()
