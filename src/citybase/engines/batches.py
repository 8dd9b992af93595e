"""Many rows in one statement: they travel as one JSON parameter, whatever their number.

A multi-row VALUES is parsed anew for each batch and `executemany` answers row by row; this costs neither.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

__all__ = ["insert_batch"]


def insert_batch(table: Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """An INSERT of rows that all have the same columns; values are JSON or what msgspec makes JSON of."""
    names = list(rows[0])
    document = bindparam("rows", msgspec.json.encode(rows).decode(), Text)
    records = (
        func.jsonb_to_recordset(cast(document, JSONB))
        .table_valued(*(column(name, table.c[name].type) for name in names), name="record")
        .render_derived(with_types=True)
    )
    return insert(table).from_select(names, select(*(records.c[name] for name in names)))
