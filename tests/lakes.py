"""Rows for the lake in tests."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from citybase.engines.lake import OBSERVATION_COLUMNS

__all__ = ["observation_rows"]


def observation_rows(rows: Sequence[tuple[int, str, str, datetime, float, int]]) -> pa.Table:
    """An Arrow table from (series, terminal, property, time, value, quality)."""
    series, terminal, property_, time, value, quality = zip(*rows, strict=True)
    columns = [series, terminal, property_, time, value, quality, time, ["mqtt"] * len(rows)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, OBSERVATION_COLUMNS, strict=True)]
    return pa.table(arrays, schema=OBSERVATION_COLUMNS)
