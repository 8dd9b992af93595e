"""The table of places. The organisation tree's own table is `citybase.security.organizations`: data scope needs it."""

from sqlalchemy import Column, Double, Table, Text

from citybase.engines.postgres import metadata
from citybase.security.organizations import organization

__all__ = ["area", "organization"]

area = Table(
    "area",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False, server_default=""),
    # province, city, district, development-zone, street
    Column("level", Text, nullable=False),
    Column("parent_code", Text, index=True),
    # Which list the code stands in: "GB/T 2260", "NBS statistical", "local".
    Column("code_system", Text, nullable=False),
    # WGS 84 degrees of a representative point; null where none is known.
    Column("longitude", Double),
    Column("latitude", Double),
)
"""Administrative divisions and zones 行政区划与功能区."""
