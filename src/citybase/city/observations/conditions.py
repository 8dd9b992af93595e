"""A condition in SQL, parsed once, becomes a vectorised expression over columns of property values.

Three-valued as in SQL: 1.0 true, 0.0 false, NaN unknown. A column is a property; NaN a missing value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import sqlglot
from numpy.typing import NDArray
from sqlglot import exp
from sqlglot.errors import SqlglotError

__all__ = ["Condition", "ConditionError", "compile_condition"]

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
_Expression = Callable[[Columns], Floats]
_Builder = Callable[[exp.Expr], _Expression]
_Two = Callable[[Floats, Floats], Floats]


class ConditionError(ValueError):
    """The condition says something that is not supported; the words name it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`properties` are the columns it needs, in the order they are named; `thresholds` the numbers that single
    properties are compared with, for a line in a chart."""

    sql: str
    properties: tuple[str, ...]
    thresholds: tuple[tuple[str, float], ...]
    _evaluate: _Expression

    def __call__(self, columns: Columns) -> Floats:
        """1.0, 0.0 or NaN for each row of equally long columns."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._evaluate(columns)


def compile_condition(sql: str) -> Condition:
    """Comparisons, AND, OR, NOT, BETWEEN, IN, IS NULL, + - * /, abs, coalesce; what is divided by zero is unknown.

    Raises `ConditionError`.
    """
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError as error:
        raise ConditionError(str(error).splitlines()[0]) from error
    names = tuple(dict.fromkeys(column.name for column in tree.find_all(exp.Column)))
    if not names:
        raise ConditionError("no property is named")
    return Condition(sql, names, tuple(_thresholds(tree)), _truth(tree))


def _thresholds(tree: exp.Expr) -> Iterator[tuple[str, float]]:
    for node in tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE):
        left, right = node.this, node.expression
        if isinstance(left, exp.Column) and isinstance(right, exp.Literal) and not right.is_string:
            yield left.name, float(right.this)


def _truth(node: exp.Expr) -> _Expression:
    """A node that is true, false or unknown."""
    build = _TRUTHS.get(type(node))
    if build is None:
        raise ConditionError(f"not supported as a condition: {node.sql(dialect='duckdb')}")
    return build(node)


def _number(node: exp.Expr) -> _Expression:
    """A node that is a number or missing."""
    build = _NUMBERS.get(type(node))
    if build is None:
        raise ConditionError(f"not supported as a number: {node.sql(dialect='duckdb')}")
    return build(node)


def _on_numbers(compare: _Two) -> _Builder:
    return lambda node: _pair(compare, _number(node.this), _number(node.expression))


def _junction(join: _Two) -> _Builder:
    return lambda node: _pair(join, _truth(node.this), _truth(node.expression))


def _is_null(node: exp.Expr) -> _Expression:
    if not isinstance(node.expression, exp.Null):
        raise ConditionError(f"IS is for NULL only: {node.sql(dialect='duckdb')}")
    return _single(lambda value: np.isnan(value).astype(np.float64), _number(node.this))


def _between(node: exp.Expr) -> _Expression:
    value = _number(node.this)
    above = _pair(_known(np.greater_equal), value, _number(node.args["low"]))
    return _pair(_all, above, _pair(_known(np.less_equal), value, _number(node.args["high"])))


def _member(node: exp.Expr) -> _Expression:
    if not node.expressions:
        raise ConditionError(f"IN needs a list of numbers: {node.sql(dialect='duckdb')}")
    value = _number(node.this)
    found = [_pair(_known(np.equal), value, _number(item)) for item in node.expressions]
    return lambda columns: reduce(_any, [part(columns) for part in found])


def _column(node: exp.Expr) -> _Expression:
    name = node.name
    return lambda columns: columns[name]


def _constant(node: exp.Expr) -> _Expression:
    if isinstance(node, exp.Literal) and node.is_string:
        raise ConditionError(f"a text is no number: {node.sql(dialect='duckdb')}")
    value = np.float64(np.nan if isinstance(node, exp.Null) else node.this)
    return lambda _columns: np.asarray(value)  # stretches over every column


def _coalesced(node: exp.Expr) -> _Expression:
    parts = [_number(item) for item in (node.this, *node.expressions)]
    return lambda columns: reduce(lambda a, b: np.where(np.isnan(a), b, a), [part(columns) for part in parts])


def _single(function: Callable[[Floats], Floats], operand: _Expression) -> _Expression:
    return lambda columns: function(operand(columns))


def _pair(function: Callable[[Floats, Floats], Floats], left: _Expression, right: _Expression) -> _Expression:
    return lambda columns: function(left(columns), right(columns))


def _known(compare: Callable[[Floats, Floats], NDArray[np.bool_]]) -> Callable[[Floats, Floats], Floats]:
    return lambda a, b: np.where(np.isnan(a) | np.isnan(b), np.nan, compare(a, b))


def _divided(a: Floats, b: Floats) -> Floats:
    return np.where(b == 0, np.nan, np.divide(a, b))


def _all(a: Floats, b: Floats) -> Floats:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _any(a: Floats, b: Floats) -> Floats:
    return np.where((a == 1) | (b == 1), 1.0, a + b)


def _negated(a: Floats) -> Floats:
    return 1.0 - a


_TRUTHS: dict[type[exp.Expr], _Builder] = {
    exp.Paren: lambda node: _truth(node.this),
    exp.And: _junction(_all),
    exp.Or: _junction(_any),
    exp.Not: lambda node: _single(_negated, _truth(node.this)),
    exp.Is: _is_null,
    exp.Between: _between,
    exp.In: _member,
    exp.GT: _on_numbers(_known(np.greater)),
    exp.GTE: _on_numbers(_known(np.greater_equal)),
    exp.LT: _on_numbers(_known(np.less)),
    exp.LTE: _on_numbers(_known(np.less_equal)),
    exp.EQ: _on_numbers(_known(np.equal)),
    exp.NEQ: _on_numbers(_known(np.not_equal)),
}
_NUMBERS: dict[type[exp.Expr], _Builder] = {
    exp.Paren: lambda node: _number(node.this),
    exp.Column: _column,
    exp.Literal: _constant,
    exp.Null: _constant,
    exp.Neg: lambda node: _single(np.negative, _number(node.this)),
    exp.Abs: lambda node: _single(np.abs, _number(node.this)),
    exp.Coalesce: _coalesced,
    exp.Add: _on_numbers(np.add),
    exp.Sub: _on_numbers(np.subtract),
    exp.Mul: _on_numbers(np.multiply),
    exp.Div: _on_numbers(_divided),
}
