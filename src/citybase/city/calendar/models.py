"""Table of the city's own calendar days."""

from sqlalchemy import Boolean, Column, Date, Table, Text

from citybase.engines.postgres import metadata

__all__ = ["calendar_day"]

calendar_day = Table(
    "calendar_day",
    metadata,
    Column("date", Date, primary_key=True),
    Column("working", Boolean, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
)
