"""The house keeps its own rules."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from citybase.engines.postgres import metadata, sqlalchemy_url

HOME = Path(__file__).parents[1]
LONGEST_FILE = 400


def test_migrations_lead_to_the_tables_that_the_code_declares(postgres_url: str) -> None:
    engine = create_engine(sqlalchemy_url(postgres_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_no_source_file_has_become_two_rooms() -> None:
    sources = [*HOME.glob("src/**/*.py"), *HOME.glob("packs/**/*.py"), *HOME.glob("scripts/*.py")]
    sources = [path for path in sources if "migrations/versions" not in path.as_posix()]
    assert sources
    assert {path.name: size for path in sources if (size := len(path.read_text().splitlines())) > LONGEST_FILE} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in HOME.glob("src/**/*.py") if not path.read_text().startswith(('"""', "'''"))]
    assert [path.relative_to(HOME).as_posix() for path in silent if "versions" not in path.parts] == []
