"""`citybase up`, `doctor` and `person`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from citybase.engines.datafolder import own_folder
from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings, load_settings
from citybase.security.identity.first import FIRST_USERNAME, recover_password
from citybase.server.city import City, running_postgres

__all__ = ["doctor", "person", "up"]

DataOption = Annotated[Path | None, typer.Option("--data", help="数据目录 / folder of this city")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="设置文件 / settings file (citybase.toml)")]


def settings_from(config: Path | None, **options: object) -> Settings:
    """Settings from the file (named, or `citybase.toml` where we are), the environment and the command's options."""
    file = config or Path("citybase.toml")
    text = file.read_text(encoding="utf-8") if config or file.is_file() else ""
    settings = load_settings(text, os.environ, options)
    return msgspec.structs.replace(settings, data=settings.data.absolute())


def up(
    data: DataOption = None,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="监听地址 / address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="网页与接口 / pages and API")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="设备 MQTT / devices over MQTT")] = None,
    hj212_port: Annotated[int | None, typer.Option(help="设备 HJ 212 / devices over HJ 212")] = None,
) -> None:
    """Start the city's engines and processes, print the address, keep everything running until Ctrl-C."""
    settings = settings_from(config, data=data, host=host, port=port, mqtt_port=mqtt_port, hj212_port=hj212_port)
    with own_folder(settings.data):
        City(settings).run(typer.echo)


def person(
    username: Annotated[str, typer.Argument(help="用户名 / user name")] = FIRST_USERNAME,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Give an account a new first password (for whoever holds this machine)."""
    settings = settings_from(config, data=data)

    async def renew() -> str:
        database = Database(running_postgres(settings))
        try:
            return await recover_password(database, username)
        finally:
            await database.close()

    typer.echo(f"新的初始密码 / new first password: {asyncio.run(renew())}")


def doctor(data: DataOption = None, config: ConfigOption = None) -> None:
    """Look at everything a city needs; say what is wrong and how to mend it. Exit code 1 when something is."""
    from citybase.server.doctor import examine

    findings = examine(settings_from(config, data=data))
    for finding in findings:
        typer.echo(f"{'✓' if finding.ok else '✗'} {finding.what}")
        if not finding.ok:
            typer.echo(f"  → {finding.remedy}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
