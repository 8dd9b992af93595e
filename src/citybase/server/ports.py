"""Ports: the wished one, or the next free one; each data folder keeps its own so that devices find it again."""

import json
import socket
from pathlib import Path

from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings

__all__ = ["DEFAULT_PORTS", "Ports", "choose_ports"]

DEFAULT_PORTS = {"port": 8080, "mqtt_port": 1883, "hj212_port": 9212, "nats_port": 4222}
_TRIES = 200

Ports = dict[str, int]


def choose_ports(settings: Settings) -> Ports:
    """One free port a service. A port the operator named must be free; the others move on to the next free one."""
    remembered = _remembered(settings.data)
    chosen: Ports = {}
    for name, default in DEFAULT_PORTS.items():
        named: int | None = getattr(settings, name, None)
        if named is not None:
            if not _is_free(settings.host, named):
                raise Problem("port_busy", port=named, option="--" + name.replace("_", "-"))
            chosen[name] = named
        else:
            chosen[name] = _next_free(settings.host, remembered.get(name, default), set(chosen.values()))
    (settings.data / "ports.json").write_text(json.dumps(chosen))
    return chosen


def _next_free(host: str, first: int, taken: set[int]) -> int:
    for port in range(first, first + _TRIES):
        if port not in taken and _is_free(host, port):
            return port
    raise Problem("port_busy", port=first, option="--port")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _remembered(data: Path) -> Ports:
    try:
        stored = json.loads((data / "ports.json").read_text())
        return {name: int(stored[name]) for name in DEFAULT_PORTS if name in stored}
    except (OSError, ValueError, TypeError):
        return {}
