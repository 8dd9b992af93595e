"""Tables of observations: series, what was kept aside, rules, alarms. The observations themselves are in the lake."""

from sqlalchemy import (
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["alarm", "alarm_rule", "rejection", "series"]

series = Table(
    "series",
    metadata,
    # Dense: the place of the series in the arrays of latest values.
    Column("id", Integer, Identity(start=0, minvalue=0), primary_key=True),
    Column("resource_id", Uuid, ForeignKey("resource.id"), nullable=False),
    # The resource's code when the series began; so it stands in the lake.
    Column("device", Text, nullable=False),
    Column("property", Text, nullable=False),
    UniqueConstraint("resource_id", "property"),
    Index("ix_series_device", "device"),
)
"""One row a (terminal, property) that may be observed."""

rejection = Table(
    "rejection",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("time", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("source", Text, nullable=False),
    Column("device", Text, nullable=False, index=True),
    # Null when the device is not in the ledger.
    Column("resource_id", Uuid, index=True),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
"""What arrived and could not be stored (待查数据), as it came."""

alarm_rule = Table(
    "alarm_rule",
    metadata,
    Column("id", Text, primary_key=True),
    # Dense: the place of the rule in the arrays of rule state.
    Column("number", Integer, Identity(start=0, minvalue=0), nullable=False, unique=True),
    Column("pack", Text, nullable=False),
    Column("kind", Text, ForeignKey("resource_kind.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # urgent | high | normal | low
    Column("priority", Text, nullable=False),
    Column("case_type", Text),
    Column("definition", JSONB, nullable=False),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule", Text, ForeignKey("alarm_rule.id"), nullable=False),
    Column("resource_id", Uuid, ForeignKey("resource.id"), nullable=False, index=True),
    # The organisation that owned the resource when it was raised: data scope.
    Column("owner_id", Uuid, ForeignKey("organization.id"), nullable=False, index=True),
    Column("area_code", Text, index=True),
    # urgent | high | normal | low
    Column("priority", Text, nullable=False),
    # active | acknowledged | cleared
    Column("state", Text, nullable=False),
    Column("value", Double),
    Column("message", Text, nullable=False),
    Column("message_en", Text, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Uuid),
    Column("cleared_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("rule", "resource_id", "raised_at"),
    Index("ix_alarm_active", "rule", "resource_id", unique=True, postgresql_where=text("state <> 'cleared'")),
    Index("ix_alarm_raised_at_id", "raised_at", "id"),
)
