"""Conditions: SQL's three values over columns, and what is refused."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.city.observations.conditions import ConditionError, compile_condition

NAN = float("nan")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a > 2", [0, 1, NAN]),
        ("a > 2 AND b < 0", [0, 1, NAN]),
        ("a > 2 OR b < 0", [0, 1, 1]),
        ("NOT a > 2", [1, 0, NAN]),
        ("a BETWEEN 2 AND 3", [0, 1, NAN]),
        ("a IN (1, 7)", [1, 0, NAN]),
        ("a IS NULL", [0, 0, 1]),
        ("a IS NOT NULL", [1, 1, 0]),
        ("coalesce(a, 9) = 9", [0, 0, 1]),
        ("abs(b) * 2 + 1 >= 3", [1, 1, 1]),
        ("a / (b + 1) > 0", [1, NAN, NAN]),
    ],
)
def test_conditions_follow_sql(sql: str, expected: list[float]) -> None:
    columns = {"a": np.array([1.0, 3.0, NAN]), "b": np.array([1.0, -1.0, -1.0])}
    np.testing.assert_array_equal(compile_condition(sql)(columns), expected)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "a >",
        "a",
        "1 > 0",
        "a > 'x'",
        "a LIKE 'x'",
        "a > (SELECT 1)",
        "read_csv('/etc/passwd') > a",
        "a > 1; DROP TABLE x",
    ],
)
def test_what_is_not_a_condition_is_refused(sql: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(sql)


@given(
    a=st.one_of(st.none(), st.integers(-3, 3)),
    b=st.one_of(st.none(), st.integers(-3, 3)),
    sql=st.sampled_from(
        ["a > b", "a <> b OR a > 1", "NOT (a >= b AND b < 2)", "a BETWEEN b AND 2", "a IN (b, 1)", "a / 2 > b"]
    ),
)
def test_duckdb_agrees(a: int | None, b: int | None, sql: str) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT {sql} FROM (SELECT ?::DOUBLE AS a, ?::DOUBLE AS b)"  # noqa: S608 - from the list above
        answer = connection.execute(query, [a, b]).fetchall()[0][0]
    columns = {name: np.array([NAN if value is None else float(value)]) for name, value in (("a", a), ("b", b))}
    found = compile_condition(sql)(columns)[0]
    assert (None if np.isnan(found) else bool(found)) == answer
