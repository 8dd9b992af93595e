"""Tables of cases."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["case_clock", "case_counter", "case_party", "case_record", "case_step", "case_type"]

case_type = Table(
    "case_type",
    metadata,
    Column("id", Text, primary_key=True),
    # A changed definition is a new version; cases go on by the one they were opened under.
    Column("version", Integer, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("definition", JSONB, nullable=False),
)

case_counter = Table(
    "case_counter",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("date", Date, primary_key=True),
    Column("last", Integer, nullable=False),
)
"""Last number given to a case of a prefix on a day (city time)."""

case_record = Table(
    "case_record",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("type_version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Rank of the priority: 1 urgent, 2 high, 3 normal, 4 low.
    Column("priority", SmallInteger, nullable=False),
    # The body that must act now; the centre that took it in; the body it was dispatched to.
    Column("owner_id", Uuid, ForeignKey("organization.id"), nullable=False, index=True),
    Column("registrar_id", Uuid, ForeignKey("organization.id"), nullable=False, index=True),
    Column("handler_id", Uuid, ForeignKey("organization.id")),
    Column("area_code", Text, index=True),
    Column("place", Text, nullable=False, server_default=""),
    Column("longitude", Double),
    Column("latitude", Double),
    Column("resource_id", Uuid, ForeignKey("resource.id", ondelete="SET NULL"), index=True),
    Column("alarm_id", Uuid, unique=True),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # The data of the event that opened it; empty for one taken in by hand.
    Column("origin", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("opened_by", JSONB, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default="1"),
    ForeignKeyConstraint(["type", "type_version"], ["case_type.id", "case_type.version"]),
    Index("ix_case_record_type_state", "type", "state"),
    Index("ix_case_record_opened_at_id", "opened_at", "id"),
    Index("ix_case_record_open_due_at", "due_at", postgresql_where=text("closed_at IS NULL")),
)

case_party = Table(
    "case_party",
    metadata,
    Column("case_id", Uuid, ForeignKey("case_record.id", ondelete="CASCADE"), primary_key=True),
    Column("organization_id", Uuid, ForeignKey("organization.id"), primary_key=True, index=True),
)
"""Every body that ever took it in, held or handled it: they may go on reading it."""

case_step = Table(
    "case_step",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("case_record.id", ondelete="CASCADE"), nullable=False),
    # 1, 2, 3 … within the case.
    Column("ordinal", Integer, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    # "opened", an action of the definition, or an event noted (`alarm.cleared`, `case.late`).
    Column("action", Text, nullable=False),
    Column("actor", JSONB, nullable=False),
    # Both null for a note, which changes nothing.
    Column("from_state", Text),
    Column("to_state", Text),
    Column("owner_id", Uuid, ForeignKey("organization.id"), nullable=False),
    Column("comment", Text, nullable=False, server_default=""),
    Column("form", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("uq_case_step_case_id_ordinal", "case_id", "ordinal", unique=True),
)

case_clock = Table(
    "case_clock",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("case_record.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("clock", Text, nullable=False),
    # working | working_days | calendar: how remaining time is counted.
    Column("kind", Text, nullable=False),
    Column("owner_id", Uuid, ForeignKey("organization.id"), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("stopped_at", DateTime(timezone=True)),
    # Seconds used, counted as `kind` says; set when it stops.
    Column("elapsed", Double),
    # Whether it ran out: set when it stops late, or once by the job that looks for late cases.
    Column("exceeded", Boolean, nullable=False, server_default="false"),
    Index("ix_case_clock_running_due_at", "due_at", postgresql_where=text("stopped_at IS NULL")),
)
