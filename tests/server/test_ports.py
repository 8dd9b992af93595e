"""Ports: named ones must be free, others move on, and a city keeps its own."""

import socket
from pathlib import Path

import pytest

from citybase.engines.ports import free_port
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.server.ports import choose_ports


def test_a_second_city_takes_other_ports_and_a_city_keeps_its_own(tmp_path: Path) -> None:
    with socket.socket() as busy:
        wished = choose_ports(Settings(data=tmp_path))
        busy.bind(("127.0.0.1", wished["port"]))
        busy.listen()
        other = tmp_path / "other"
        other.mkdir()
        assert choose_ports(Settings(data=other))["port"] != wished["port"]
    assert choose_ports(Settings(data=tmp_path)) == wished


def test_a_named_port_that_is_busy_is_refused_with_its_option(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        with pytest.raises(Problem) as caught:
            choose_ports(Settings(data=tmp_path, mqtt_port=port))
    assert caught.value.params == {"port": port, "option": "--mqtt-port"}
