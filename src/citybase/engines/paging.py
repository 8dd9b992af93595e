"""Cursor paging (keyset): a page of two million rows costs what a page of two hundred does.

The cursor is opaque to clients: the sort values of the last row, so that rows inserted meanwhile neither repeat nor
hide others.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.kernel.errors import Problem

__all__ = ["COUNTED_EXACTLY", "MAX_LIMIT", "Order", "Page", "RowPage", "Total", "fetch_page"]

MAX_LIMIT = 200
COUNTED_EXACTLY = 10_000
"""Beyond so many matching rows a total is given as a lower bound and said to be one."""

T = TypeVar("T")


class Total(msgspec.Struct, frozen=True):
    count: int
    exact: bool


class Page(msgspec.Struct, Generic[T], frozen=True):
    """What every list answers."""

    items: list[T]
    next: str | None
    total: Total


@dataclass(frozen=True, slots=True)
class Order:
    """A sort column; it must not be null. The last one of a sort must be unique."""

    column: ColumnElement[Any]
    descending: bool = False

    def beyond(self, value: object) -> ColumnElement[bool]:
        return self.column < value if self.descending else self.column > value

    def clause(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descending else self.column.asc()


@dataclass(frozen=True, slots=True)
class RowPage:
    rows: Sequence[Row[Any]]
    next: str | None
    total: Total

    def to(self, items: list[T]) -> Page[T]:
        return Page(items=items, next=self.next, total=self.total)


async def fetch_page(
    connection: AsyncConnection, statement: Select[Any], order: Sequence[Order], cursor: str | None, limit: int
) -> RowPage:
    """Run one page of a scoped SELECT. Raises `invalid_input` for a cursor that is not ours or a limit out of range."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Problem("invalid_input", reason=f"limit: 1..{MAX_LIMIT}")
    total = await _count(connection, statement)
    keys = [item.column.label(f"__key_{number}") for number, item in enumerate(order)]
    ordered = statement.add_columns(*keys).order_by(*(item.clause() for item in order)).limit(limit + 1)
    if cursor is not None:
        ordered = ordered.where(_after(order, _decode(cursor, order)))
    rows = (await connection.execute(ordered)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return RowPage(rows, _encode(rows[-1], len(order)) if more else None, total)


async def _count(connection: AsyncConnection, statement: Select[Any]) -> Total:
    bounded = statement.with_only_columns(literal(1)).limit(COUNTED_EXACTLY + 1).subquery()
    count = (await connection.execute(select(func.count()).select_from(bounded))).scalar_one()
    return Total(min(count, COUNTED_EXACTLY), exact=count <= COUNTED_EXACTLY)


def _after(order: Sequence[Order], values: Sequence[object]) -> ColumnElement[bool]:
    branches = []
    for position, (item, value) in enumerate(zip(order, values, strict=True)):
        same = [earlier.column == given for earlier, given in zip(order[:position], values[:position], strict=True)]
        branches.append(and_(*same, item.beyond(value)))
    return or_(*branches)


def _encode(row: Row[Any], keys: int) -> str:
    values = list(row)[-keys:]
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _decode(cursor: str, order: Sequence[Order]) -> list[object]:
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
        if len(values) != len(order):
            raise ValueError("length")
        return [msgspec.convert(value, item.column.type.python_type) for value, item in zip(values, order, strict=True)]
    except (ValueError, binascii.Error, msgspec.DecodeError, UnicodeError) as error:
        raise Problem("invalid_input", reason="cursor") from error
