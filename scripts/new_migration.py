"""Write the next migration from what the tables have become: `python scripts/new_migration.py "what and why"`.

Starts a throw-away PostgreSQL, migrates it to the newest revision, compares, and writes the difference.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from citybase.engines.postgres import EmbeddedPostgres, sqlalchemy_url
from citybase.server.schema import alembic_config, migrate


def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        url = server.start()
        try:
            migrate(url)
            engine = create_engine(sqlalchemy_url(url))
            with engine.begin() as connection:
                config = alembic_config()
                config.attributes["connection"] = connection
                versions = Path(__file__).parents[1] / "src/citybase/server/migrations/versions"
                number = f"{len(list(versions.glob('*.py'))) + 1:04d}"
                command.revision(config, message=message, autogenerate=True, rev_id=number)
            engine.dispose()
        finally:
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
