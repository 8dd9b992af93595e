"""A whole running city for tests: `citybase up` as an operator starts it, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from citybase.engines.ports import free_port

__all__ = ["RunningCity", "own_ports", "running_city", "start_city"]

_PATIENCE = 240.0


@dataclass
class RunningCity:
    """What the operator reads on the terminal, and the process behind it."""

    process: subprocess.Popen[str]
    data: Path
    address: str
    password: str | None
    mqtt_port: int
    hj212_port: int
    output: str

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A signed-in client of the first account."""
        assert self.password is not None
        with httpx.Client(base_url=self.address, timeout=30, trust_env=False) as client:
            client.post("/api/v1/session", json={"username": "admin", "password": self.password}).raise_for_status()
            yield client

    def processes(self) -> dict[str, psutil.Process]:
        """Our processes and engines by name: server, gateways, observer, worker, nats, postgres."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            words = " ".join(child.cmdline())
            for name in ("server", "gateways", "observer", "worker"):
                if re.search(rf"-m citybase\.\S*{name}$", words):
                    found[name] = child
            if "nats-server" in words:
                found["nats"] = child
        pid = int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])
        return found | {"postgres": psutil.Process(pid)}

    def stop(self) -> None:
        """Ctrl-C, as the operator would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_city(data: Path, **settings: str) -> RunningCity:
    """Start `citybase up` and wait until it has told its address."""
    environment = {f"CITYBASE_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "citybase", "up", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    output = _read_until(process, "Ctrl-C")
    password = re.search(r"password: (\S+)", output)
    return RunningCity(
        process=process,
        data=data,
        address=_only(r"(http://\S+)", output),
        password=password.group(1) if password else None,
        mqtt_port=int(_only(r"MQTT \S+:(\d+)", output)),
        hj212_port=int(_only(r"HJ 212 \S+:(\d+)", output)),
        output=output,
    )


def own_ports() -> dict[str, str]:
    """Ports that nobody uses now, as settings: for tests in which a city goes down and must find its ports again."""
    return {name: str(free_port("127.0.0.1")) for name in ("port", "mqtt_port", "hj212_port")}


@contextmanager
def running_city(**settings: str) -> Iterator[RunningCity]:
    """A city for the time of a test; its folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="citybase-city-", ignore_cleanup_errors=True) as folder:
        city = start_city(Path(folder) / "data", **settings)
        try:
            yield city
        finally:
            city.stop()


def _read_until(process: subprocess.Popen[str], mark: str) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        line = process.stdout.readline()
        lines.append(line)
        if mark in line:
            return "".join(lines)
        if not line and process.poll() is not None:
            break
    process.kill()
    raise AssertionError("the city did not start:\n" + "".join(lines))


def _only(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found.group(1)
