"""Figures of this machine: processor, memory, disk, network, load. Units are those of the kind `cloud-host`."""

import os
import shutil
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["HostMeter", "host_code", "host_facts"]


def host_code() -> str:
    """This machine's code in the ledger: stable, and fit for a message subject."""
    name = "".join(letter if letter.isalnum() or letter == "-" else "-" for letter in socket.gethostname())
    return f"HOST-{name}"


def host_facts() -> dict[str, str | int | float]:
    """What does not change while it runs: attributes of the ledger entry."""
    return {
        "hostname": socket.gethostname(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{os.uname().sysname} {os.uname().release}",
        "architecture": os.uname().machine,
    }


@dataclass(slots=True)
class HostMeter:
    """Reads the counters; rates are differences between two readings, so the first reading has none."""

    data: Path
    _network: tuple[float, int, int] | None = field(default=None)

    def read(self) -> dict[str, float | None]:
        disk = shutil.disk_usage(self.data)
        received, sent = self._network_rates()
        return {
            "cpu_percent": psutil.cpu_percent(interval=None),
            "memory_percent": psutil.virtual_memory().percent,
            "disk_percent": round(100 * disk.used / disk.total, 2),
            "load1": round(os.getloadavg()[0], 2),
            "network_in": received,
            "network_out": sent,
        }

    def _network_rates(self) -> tuple[float | None, float | None]:
        counters = psutil.net_io_counters()
        moment = time.monotonic()
        before = self._network
        self._network = (moment, counters.bytes_recv, counters.bytes_sent)
        if before is None:
            return None, None
        seconds = moment - before[0]
        return (
            round((counters.bytes_recv - before[1]) / seconds, 1),
            round((counters.bytes_sent - before[2]) / seconds, 1),
        )
