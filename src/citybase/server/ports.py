"""Ports: the wished one, or the next free one; each data folder keeps its own so that devices find it again."""

import json
from pathlib import Path

from citybase.engines.ports import is_free
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings

__all__ = ["DEFAULT_PORTS", "Ports", "choose_ports", "remembered_ports"]

DEFAULT_PORTS = {"port": 8080, "mqtt_port": 1883, "hj212_port": 9212}
_TRIES = 200

Ports = dict[str, int]


def choose_ports(settings: Settings) -> Ports:
    """One free port a service. A port the operator named must be free; the others move on to the next free one."""
    remembered = remembered_ports(settings.data)
    chosen: Ports = {}
    for name, default in DEFAULT_PORTS.items():
        named: int | None = getattr(settings, name)
        if named is None:
            chosen[name] = _next_free(settings.host, remembered.get(name, default), set(chosen.values()))
        elif is_free(settings.host, named):
            chosen[name] = named
        else:
            raise Problem("port_busy", port=named, option="--" + name.replace("_", "-"))
    (settings.data / "ports.json").write_text(json.dumps(chosen))
    return chosen


def _next_free(host: str, first: int, taken: set[int]) -> int:
    for port in range(first, first + _TRIES):
        if port not in taken and is_free(host, port):
            return port
    raise Problem("port_busy", port=first, option="--port")


def remembered_ports(data: Path) -> Ports:
    """The ports this city chose last; empty for one that never ran."""
    try:
        stored = json.loads((data / "ports.json").read_text())
        return {name: int(stored[name]) for name in DEFAULT_PORTS if name in stored}
    except (OSError, ValueError, TypeError):
        return {}
