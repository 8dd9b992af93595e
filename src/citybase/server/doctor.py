"""`citybase doctor`: everything a city needs, looked at one by one; each finding says how to mend it."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import create_engine, text

from citybase.engines.datafolder import is_owned, owner_of
from citybase.engines.lake import open_lake
from citybase.engines.nats import nats_address
from citybase.engines.ports import is_free
from citybase.engines.postgres import EmbeddedPostgres, sqlalchemy_url
from citybase.engines.streams import Broker
from citybase.kernel.settings import Settings
from citybase.security.audit import LogDamagedError, LogReader, verify_folder
from citybase.server.pages import PAGES
from citybase.server.ports import DEFAULT_PORTS, remembered_ports

__all__ = ["Finding", "examine"]

_ENOUGH_DISK = 2 * 2**30
_ENOUGH_INODES = 100_000
_VERIFIED_ENTRIES = 200_000
_LONG_WITHOUT_COMMIT = 600.0


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, good ones too."""
    checks: list[Callable[[Settings], Finding]] = [
        *(_python, _pages, _folder, _disk, _inodes, _postgres, _nats, _ports, _audit, _lake),
    ]
    return [check(settings) for check in checks]


def _python(_: Settings) -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding(f"Python {sys.version.split()[0]}", ok, "安装 Python 3.11 或更新版本 / install Python 3.11 or newer")


def _pages(_: Settings) -> Finding:
    ok = (PAGES / "index.html").is_file()
    return Finding("网页 / pages", ok, "运行 bin/run,或在 web/ 下 npm ci && npm run build / run bin/run")


def _folder(settings: Settings) -> Finding:
    what = f"数据目录 / data folder {settings.data}"
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / ".doctor"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        return Finding(what, False, f"换一个可写的目录 / choose a writable folder: --data ({error})")
    return Finding(f"{what} (pid {owner_of(settings.data) or '-'})", True)


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    return Finding(
        f"磁盘剩余 / free disk {free / 2**30:.1f} GiB",
        free > _ENOUGH_DISK,
        "清理磁盘,或把数据目录移到更大的磁盘 / free some space or move the data folder",
    )


def _inodes(settings: Settings) -> Finding:
    system = os.statvfs(settings.data)
    # Some file systems count none: then there is no limit to reach.
    ok = system.f_files == 0 or system.f_favail > _ENOUGH_INODES
    return Finding(
        f"可建文件数 / free inodes {system.f_favail}",
        ok,
        "删除不用的小文件,或把数据目录移到另一个文件系统 / delete small files or move the data folder elsewhere",
    )


def _postgres(settings: Settings) -> Finding:
    url = settings.postgres_url or EmbeddedPostgres(settings.data / "postgres").running_url()
    if url is None:
        return Finding("PostgreSQL 未运行 / is not running", False, "bin/run")
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
            revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return Finding(f"PostgreSQL {version}, schema {revision}", True)
    except Exception as error:
        return Finding("PostgreSQL", False, f"CITYBASE_POSTGRES_URL; {settings.data}/postgres/log ({error})")
    finally:
        engine.dispose()


def _nats(settings: Settings) -> Finding:
    async def ask() -> str:
        async with Broker(nats_address(settings)) as broker:
            return str((await broker.request("$JS.API.INFO")).get("streams", "?"))

    try:
        streams = asyncio.run(asyncio.wait_for(ask(), 5))
    except Exception as error:
        return Finding("NATS", False, f"bin/run; CITYBASE_NATS_URL; {settings.data}/logs/nats.log ({error})")
    return Finding(f"NATS JetStream, {streams} streams", True)


def _ports(settings: Settings) -> Finding:
    """Ports the operator named that somebody else uses; this very city may use its own."""
    ours = remembered_ports(settings.data) if is_owned(settings.data) else {}
    busy = [
        f"{name} {port}"
        for name, port in ((name, getattr(settings, name)) for name in DEFAULT_PORTS)
        if port is not None and ours.get(name) != port and not is_free(settings.host, port)
    ]
    return Finding(
        "端口 / ports",
        not busy,
        f"被占用 / in use: {', '.join(busy)};换端口 / choose others: --port --mqtt-port --hj212-port",
    )


def _audit(settings: Settings) -> Finding:
    folder = settings.data / "audit"
    if not folder.exists():
        return Finding("审计日志:还没有记录 / audit log: nothing logged yet", True)
    command = f"citybase audit verify --log {folder}"
    try:
        log = LogReader.of_folder(folder)
        size = log.size
        if size > _VERIFIED_ENTRIES:
            return Finding(
                f"审计日志 / audit log: {size} (签名有效,全部校验用 / signed; for all of it: {command})", True
            )
        problems = verify_folder(folder, log.verifier).problems
    except (LogDamagedError, OSError) as error:
        return Finding("审计日志 / audit log", False, f"{command} ({error})")
    found = "; ".join(f"{item.file}: {item.what} / {item.what_en} → {item.remedy}" for item in problems[:3])
    return Finding(f"审计日志 / audit log: {size}", not problems, f"{found} ({command})")


def _lake(settings: Settings) -> Finding:
    """The lake can be read, and in a running city something was stored lately: the machine reports on itself."""
    url = settings.postgres_url or EmbeddedPostgres(settings.data / "postgres").running_url()
    if url is None:
        return Finding("数据湖:PostgreSQL 未运行 / lake: PostgreSQL is not running", False, "bin/run")
    log = settings.data / "logs" / "observer.log"
    try:
        lake = open_lake(settings, url)
        try:
            snapshot = lake.refresh().current_snapshot()
        finally:
            lake.close()
    except Exception as error:
        return Finding("数据湖 / lake", False, f"CITYBASE_LAKE_URL; {log} ({error})")
    if snapshot is None:
        return Finding("数据湖:还没有观测 / lake: no observation yet", True)
    age = time.time() - snapshot.timestamp_ms / 1000
    return Finding(
        f"数据湖最近写入 / last commit to the lake: {age:.0f} s",
        age < _LONG_WITHOUT_COMMIT or not is_owned(settings.data),
        f"观测处理停滞,见 / the observer stands still, see {log}",
    )
