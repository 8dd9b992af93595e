"""Settings: defaults, then `citybase.toml`, then `CITYBASE_*` environment variables, then command options.

Pure: the caller reads the file and hands its text in.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from citybase.kernel.errors import Problem

__all__ = ["ENVIRONMENT_PREFIX", "Settings", "load_settings"]

ENVIRONMENT_PREFIX = "CITYBASE_"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator may set. Names are the TOML keys; the variable is `CITYBASE_` + the upper-case name."""

    data: Path = Path("data")
    """Folder of this city: engines' files, lake, audit log, keys."""
    environment: str = "production"
    """Shown on the sign-in page, so that a trial is never taken for the real city."""
    host: str = "127.0.0.1"
    """Address the HTTP, MQTT and device ports listen on."""
    port: int | None = None
    """HTTP port; unset: 8080, or the next free one."""
    mqtt_port: int | None = None
    """MQTT port; unset: 1883, or the next free one."""
    hj212_port: int | None = None
    """HJ 212 TCP port; unset: 9212, or the next free one."""
    postgres_url: str | None = None
    """`postgresql://…` of a given PostgreSQL; unset: the embedded one."""
    nats_url: str | None = None
    """`nats://…` of a given NATS server with JetStream and MQTT; unset: the embedded one."""
    lake_url: str | None = None
    """Warehouse of the lake, for example `s3://bucket/city`; unset: a folder in `data`."""
    packs: tuple[str, ...] = ("xian", "hosts", "air")
    """Packs applied at start, by id of a shipped pack or by path."""
    flush_seconds: float = 2.0
    """Readings wait at most so long before they are committed to the lake."""
    sync_always: bool = False
    """True: the stream is synced to disk before each acknowledgement (survives a power cut, slower)."""
    audit_hash: Literal["sha256", "sm3"] = "sha256"
    """Hash of the audit log's Merkle tree; fixed once the log exists."""
    session_hours: float = 12.0
    """A signed-in session ends after so many hours."""
    lockout_failures: int = 5
    """So many wrong passwords in a row lock the account."""
    lockout_minutes: float = 15.0
    """For so long."""
    max_body_bytes: int = 33_554_432
    """Largest HTTP request body (imports)."""
    max_message_bytes: int = 1_048_576
    """Largest device message."""
    secure_cookies: bool = False
    """True behind HTTPS: cookies are sent over TLS only."""
    public_url: str | None = None
    """Address people use, when a proxy stands in front; unset: `http://host:port`."""


def load_settings(
    toml_text: str = "",
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """Combine the sources; later ones win. Raises `Problem("bad_setting")` naming the setting and where it stands."""
    try:
        from_file = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise Problem("bad_setting", name="citybase.toml", reason=str(error), source="citybase.toml") from error
    known = {field.name: field for field in msgspec.structs.fields(Settings)}
    merged: dict[str, Any] = {}
    for name, value in from_file.items():
        merged[name] = _convert(known, name, value, "citybase.toml")
    for variable, text in (environment or {}).items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if variable.startswith(ENVIRONMENT_PREFIX) and name in known:
            merged[name] = _convert(known, name, _from_text(known[name].type, text), variable)
    merged.update({name: value for name, value in (options or {}).items() if value is not None})
    return Settings(**merged)


def _convert(known: Mapping[str, msgspec.structs.FieldInfo], name: str, value: object, source: str) -> Any:
    if name not in known:
        raise Problem("bad_setting", name=name, reason="no such setting", source=source)
    try:
        return msgspec.convert(value, known[name].type, strict=False, dec_hook=lambda kind, text: kind(text))
    except msgspec.ValidationError as error:
        raise Problem("bad_setting", name=name, reason=str(error), source=source) from error


def _from_text(kind: Any, text: str) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if kind == tuple[str, ...] else text
