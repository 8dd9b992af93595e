"""`citybase pack check | diff | apply`. Checking needs nothing but the folder; the others need the running city."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from citybase.city.packs import apply_packs, check_pack, find_pack
from citybase.city.packs.checking import with_required
from citybase.city.packs.diffing import SectionDiff, diff_pack
from citybase.engines.postgres import Database
from citybase.security.principals import SYSTEM
from citybase.server.city import running_postgres
from citybase.server.commands import ConfigOption, DataOption, settings_from

__all__ = ["app"]

app = typer.Typer(name="pack", no_args_is_help=True, help="场景包:检查、比较、应用 / Packs: check, diff, apply.")
PackName = Annotated[str, typer.Argument(help="文件夹或随附场景包的标识 / folder, or id of a shipped pack")]
T = TypeVar("T")
_SHOWN = 10


@app.command()
def check(pack: PackName) -> None:
    """Validate a pack offline; each error names file, line and remedy. Exit code 1 when there is one."""
    errors = check_pack(find_pack(pack))
    for error in errors:
        typer.echo(f"{error.file}:{error.line}: {error.what}\n  → {error.remedy}")
    if errors:
        typer.echo(f"✗ {pack}: {len(errors)} 处错误 / errors")
        raise typer.Exit(1)
    typer.echo(f"✓ {pack}: 没有错误 / no errors")


@app.command()
def diff(pack: PackName, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show what applying a pack would change in the running city."""
    packs = with_required([find_pack(pack)])

    async def compare(database: Database) -> dict[str, list[SectionDiff]]:
        async with database.begin() as connection:
            return {each.manifest.id: await diff_pack(connection, each) for each in packs}

    _tell(asyncio.run(_with_database(data, config, compare)))


@app.command()
def apply(pack: PackName, data: DataOption = None, config: ConfigOption = None) -> None:
    """Apply a pack and what it requires to the running city, in one transaction."""
    folder = find_pack(pack)
    _tell(asyncio.run(_with_database(data, config, lambda database: apply_packs(database, SYSTEM, [folder]))))


async def _with_database(data: DataOption, config: ConfigOption, work: Callable[[Database], Awaitable[T]]) -> T:
    database = Database(running_postgres(settings_from(config, data=data)))
    try:
        return await work(database)
    finally:
        await database.close()


def _tell(changes: dict[str, list[SectionDiff]]) -> None:
    for pack, diffs in changes.items():
        typer.echo(f"{pack}: {'有变化 / changes' if diffs else '没有变化 / no change'}")
        for change in diffs:
            for sign, ids in (("+", change.added), ("~", change.changed), ("-", change.removed)):
                if ids:
                    shown = ", ".join(ids[:_SHOWN]) + (f" … ({len(ids)})" if len(ids) > _SHOWN else "")
                    typer.echo(f"  {sign} {change.section}: {shown}")
