"""An indicator's SQL: what it may say, what it reads, and a DuckDB that can reach nothing else.

Two walls: the statement is parsed and only SELECTs over the named relations pass; and the connection it runs on has
no file system, no settings to change, bounded memory and bounded time.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from citybase.city.indicators.relations import RELATIONS, arrow_schema
from citybase.kernel.errors import Problem

__all__ = ["Reading", "inspect", "lower_bound", "run", "try_out"]

_SECONDS = 20.0
_OPTIONS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 1,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_WALLS = (
    "SET TimeZone = 'Asia/Shanghai'",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement reads. `columns`: the names it mentions; None: all columns."""

    relations: tuple[str, ...]
    columns: frozenset[str] | None
    bounds: tuple[str, ...]
    """The lower bounds in time that its reads of observations state; the earliest one holds."""


def inspect(sql: str) -> Reading:
    """Parse a statement and say what it reads. Raises `indicator_refused`."""
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except SqlglotError as error:
        raise _refused(f"无法解析 cannot be parsed: {str(error)[:200]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        raise _refused("只能有一条 SELECT exactly one SELECT is needed")
    statement = statements[0]
    named = {name for one in statement.find_all(exp.Table) for name in _relation(statement, one)}
    bounds = tuple(bound for scope in traverse_scope(statement) for bound in _bounds(scope))
    return Reading(tuple(sorted(named)), _columns(statement), bounds)


def run(sql: str, tables: Mapping[str, pa.Table | ds.Dataset], seconds: float = _SECONDS) -> pa.Table:
    """Run a statement over Arrow tables and datasets and nothing else. Raises `indicator_failed`."""
    with duckdb.connect(config=_OPTIONS) as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        for wall in _WALLS:
            connection.execute(wall)
        alarm_clock = threading.Timer(seconds, connection.interrupt)
        alarm_clock.start()
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise Problem("indicator_failed", reason=str(error).splitlines()[0][:300]) from error
        finally:
            alarm_clock.cancel()


def try_out(sql: str) -> pa.Table:
    """Run it over empty relations: whether columns and types fit shows without data. Raises as `inspect` and `run`."""
    reading = inspect(sql)
    lower_bound(reading)
    return run(sql, {name: arrow_schema(RELATIONS[name]).empty_table() for name in reading.relations})


def lower_bound(reading: Reading) -> datetime | None:
    """The earliest time of observations that a statement needs; None when it reads none."""
    if not reading.bounds:
        return None
    times = ", ".join(f"CAST({bound} AS TIMESTAMPTZ)" for bound in reading.bounds)
    found: datetime | None = run(f"SELECT list_min([{times}]) AS t", {})["t"][0].as_py()
    if found is None:
        raise _refused("观测的起始时间为空 the lower bound in time is null")
    return found


def _relation(statement: exp.Expr, one: exp.Table) -> list[str]:
    """The relation a table reference names; a WITH name or a series of numbers names none."""
    if isinstance(one.this, exp.GenerateSeries | exp.Unnest | exp.Values):
        return []
    if not isinstance(one.this, exp.Identifier) or one.db or one.catalog:
        raise _refused(f"不允许的来源 source not allowed: {one.sql(dialect='duckdb')[:100]}")
    if one.name in RELATIONS:
        return [one.name]
    if one.name in {alias.alias for alias in statement.find_all(exp.CTE)}:
        return []
    raise _refused(f"没有这个关系 no such relation: {one.name[:100]}")


def _columns(statement: exp.Expr) -> frozenset[str] | None:
    """Every name in the statement: a few are no columns, which costs nothing; leaving one out would."""
    stars = [star for star in statement.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    natural = [join for join in statement.find_all(exp.Join) if join.method == "NATURAL"]
    return None if stars or natural else frozenset(one.name.lower() for one in statement.find_all(exp.Identifier))


def _bounds(scope: Scope) -> list[str]:
    """Lower bounds of `time` in a SELECT that reads observations. Raises `indicator_refused` if one has none."""
    bounds = []
    for alias, source in scope.sources.items():
        if isinstance(source, exp.Table) and source.name == "observation":
            found = [bound for condition in _conditions(scope) for bound in _lower(condition, alias)]
            if not found:
                raise _refused("观测须用 time >= … 限定起始时间 observations need `time >= …` in WHERE")
            bounds += found
    return bounds


def _conditions(scope: Scope) -> list[exp.Expr]:
    """What a row must fulfil: the terms of the WHERE joined by AND."""
    where = scope.expression.args.get("where")
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _lower(condition: exp.Expr, alias: str) -> list[str]:
    if isinstance(condition, exp.GTE | exp.GT):
        left, right = condition.left, condition.right
    elif isinstance(condition, exp.LTE | exp.LT):
        left, right = condition.right, condition.left
    elif isinstance(condition, exp.Between):
        left, right = condition.this, condition.args["low"]
    else:
        return []
    is_time = isinstance(left, exp.Column) and left.name == "time" and left.table in {"", alias}
    constant = not any(right.find_all(exp.Column, exp.Query))
    return [right.sql(dialect="duckdb")] if is_time and constant else []


def _refused(reason: str) -> Problem:
    return Problem("indicator_refused", reason=reason)
