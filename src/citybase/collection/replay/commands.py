"""`citybase replay FILE…`: recorded readings into the running city, as devices would send them."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from citybase.collection.replay.credentials import ApiLedger, Gateways, Ledger, gateways_at, gateways_of
from citybase.collection.replay.hj212_sender import Hj212Sender
from citybase.collection.replay.local import LocalLedger
from citybase.collection.replay.mqtt_sender import MqttSender
from citybase.collection.replay.player import play
from citybase.collection.replay.recording import BadRow, read_recording
from citybase.collection.replay.schedule import Plan, Way, assign, make_plan
from citybase.collection.replay.sender import Sender
from citybase.collection.replay.tally import Tally
from citybase.kernel.clock import now, parse_instant, to_city
from citybase.kernel.errors import Problem
from citybase.kernel.settings import load_settings

__all__ = ["replay"]

_SHOWN = 20
_INTERRUPTED = 130
_TERMINAL_SECONDS, _LOG_SECONDS = 0.5, 10.0


class Times(StrEnum):
    """Which time stamps are sent."""

    RECORDED = "recorded"
    NOW = "now"


def replay(
    files: Annotated[list[Path], typer.Argument(help="记录文件 / recordings: .csv or .csv.gz, PRSA columns")],
    speed: Annotated[
        float, typer.Option(min=0, help="倍速 / times as fast as real time; 3600: an hour a second; 0: no waiting")
    ] = 3600.0,
    begin: Annotated[str | None, typer.Option("--from", help="起始时刻 / first hour, for example 2014-01-10")] = None,
    end: Annotated[str | None, typer.Option("--to", help="结束时刻(不含) / end, not included")] = None,
    times: Annotated[
        Times, typer.Option(help="时间戳 / time stamps: as recorded, or shifted so that the last hour is now")
    ] = Times.RECORDED,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="记录站=台账编码 / recorded station=registered code")
    ] = None,
    data: Annotated[
        Path, typer.Option("--data", envvar="CITYBASE_DATA", help="本机城市的数据目录 / folder of the city here")
    ] = Path("data"),
    url: Annotated[str | None, typer.Option(help="远程城市的地址 / address of a city elsewhere")] = None,
    token: Annotated[str | None, typer.Option(envvar="CITYBASE_TOKEN", help="接口令牌 / API token, with --url")] = None,
    mqtt: Annotated[str | None, typer.Option(help="host:port, with --url")] = None,
    hj212: Annotated[str | None, typer.Option(help="host:port, with --url")] = None,
) -> None:
    """Play recorded readings into the running city, half over MQTT, half as HJ 212 frames.

    Each station used is given a new device credential: the former one ends. So choose stations that no real device
    reports for.
    """
    recording = read_recording(files)
    _tell_bad_rows(recording.problems)
    ledger, gateways = _city(data, url, token, mqtt, hj212)
    named = _mapping(mapping or [])
    devices = assign(recording.stations, ledger.stations(), named)
    present = now() if times is Times.NOW else None
    plan = make_plan(recording, devices, _instant(begin), _instant(end), present)
    _tell_plan(plan, devices)
    passwords = ledger.issue(plan.devices)
    tally = Tally()
    finished = asyncio.run(_play(plan, _senders(plan, passwords, gateways), speed, tally))
    _tell_end(tally, finished)
    if not finished:
        raise typer.Exit(_INTERRUPTED)
    if tally.refused:
        raise typer.Exit(1)


def _city(
    data: Path, url: str | None, token: str | None, mqtt: str | None, hj212: str | None
) -> tuple[Ledger, Gateways]:
    """The city on this machine, or the one at an address."""
    if url is None:
        settings = load_settings(environment=os.environ, options={"data": data.absolute()})
        return LocalLedger(settings), gateways_of(settings.data, settings.host)
    if not token:
        raise Problem("invalid_input", reason="--url 需要 --token / --url needs --token")
    return ApiLedger(url, token), gateways_at(url, mqtt, hj212)


def _senders(plan: Plan, passwords: dict[str, str], gateways: Gateways) -> dict[tuple[str, Way], Sender]:
    senders: dict[tuple[str, Way], Sender] = {}
    for device, ways in plan.ways().items():
        if Way.MQTT in ways:
            senders[device, Way.MQTT] = MqttSender(device, passwords[device], *gateways.mqtt)
        if Way.HJ212 in ways:
            senders[device, Way.HJ212] = Hj212Sender(device, passwords[device], *gateways.hj212)
    return senders


async def _play(plan: Plan, senders: dict[tuple[str, Way], Sender], speed: float, tally: Tally) -> bool:
    """Play to the end; False when Ctrl-C (or SIGTERM) ended it before."""
    loop = asyncio.get_running_loop()
    playing = asyncio.create_task(play(plan, senders, speed, tally))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, playing.cancel)
    reporting = asyncio.create_task(_report(tally))
    try:
        await playing
    except asyncio.CancelledError:
        return False
    finally:
        reporting.cancel()
        with suppress(asyncio.CancelledError):
            await reporting
    return True


async def _report(tally: Tally) -> None:
    """Progress: one line that is written over on a terminal, a line every ten seconds in a log."""
    terminal = sys.stderr.isatty()
    while True:
        await asyncio.sleep(_TERMINAL_SECONDS if terminal else _LOG_SECONDS)
        typer.echo(f"\r{tally.line()}\x1b[K" if terminal else tally.line(), err=True, nl=not terminal)


def _tell_bad_rows(problems: Sequence[BadRow]) -> None:
    for bad in problems[:_SHOWN]:
        typer.echo(f"略过 / left out: {bad.file}:{bad.line}: {bad.reason}", err=True)
    if len(problems) > _SHOWN:
        typer.echo(f"…… 共略过 {len(problems)} 行 / {len(problems)} lines left out in all", err=True)


def _tell_plan(plan: Plan, devices: dict[str, str]) -> None:
    hours = plan.recording.times[[plan.first, plan.last - 1]].tolist()
    first, last = (to_city(datetime.fromtimestamp(hour, tz=now().tzinfo)) for hour in hours)
    typer.echo(f"记录 / recorded: {first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M}, {plan.last - plan.first} rows")
    if plan.shift:
        typer.echo(
            f"时间戳已平移 / time stamps shifted by {plan.shift // 3600} h: 最后一小时为当前小时 / last hour is now"
        )
    ways = plan.ways()
    for name, device in devices.items():
        typer.echo(f"  {name} → {device} ({', '.join(sorted(ways[device]))})")


def _tell_end(tally: Tally, finished: bool) -> None:
    words = "回放结束 / replay finished" if finished else "回放中断 / replay interrupted"
    typer.echo(f"\n{words}: {tally.line()}")
    for line in tally.summary():
        typer.echo(line)


def _mapping(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not (name and device) for name, _, device in pairs):
        raise Problem("invalid_input", reason=f"--map {' '.join(texts)}: Gucheng=XA-AIR-610113-01")
    return {name: device for name, _, device in pairs}


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise Problem("invalid_input", reason=f"{text}: 2014-01-10, 2014-01-10T08:00") from error
