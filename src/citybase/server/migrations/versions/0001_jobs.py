"""Create the tables of the job queue, as the installed procrastinate declares them (`docs/decisions/0001`)."""

from alembic import op
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None


def upgrade() -> None:
    schema = SchemaManager(App(connector=PsycopgConnector()).connector).get_schema()
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    # Many statements at once, with functions whose bodies hold per cent signs: only the driver itself takes them.
    connection.execute(schema)


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing below it")
