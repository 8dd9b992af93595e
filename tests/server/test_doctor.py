"""`citybase doctor` on a city that never ran, one that runs, and one whose audit log was touched."""

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from citybase.kernel.settings import Settings
from citybase.server.doctor import Finding, examine
from citybase.server.ports import remembered_ports
from tests.collection.city import eventually
from tests.running import RunningCity, own_ports, running_city


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    with running_city(**own_ports()) as city:
        yield city


def found(findings: list[Finding], word: str) -> Finding:
    return next(finding for finding in findings if word in finding.what)


def test_a_city_that_does_not_run_is_told_so_with_its_remedy(tmp_path: Path) -> None:
    findings = examine(Settings(data=tmp_path))
    assert not found(findings, "PostgreSQL").ok
    assert "bin/run" in found(findings, "PostgreSQL").remedy
    assert found(findings, "audit log").ok
    assert found(findings, "free inodes").ok
    assert all(finding.remedy for finding in findings if not finding.ok)


def test_a_port_that_somebody_else_uses_is_a_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        finding = found(examine(Settings(data=tmp_path, port=port)), "ports")
    assert not finding.ok
    assert f"port {port}" in finding.remedy


@pytest.mark.city
def test_a_running_city_is_healthy_on_its_own_ports(city: RunningCity) -> None:
    settings = msgspec.structs.replace(Settings(data=city.data), **remembered_ports(city.data))
    eventually(lambda: "last commit" in str(examine(settings)), seconds=60)
    findings = [finding for finding in examine(settings) if "pages" not in finding.what]
    assert [finding for finding in findings if not finding.ok] == []
    assert "last commit" in found(findings, "lake").what


@pytest.mark.city
def test_a_touched_audit_log_is_found(city: RunningCity) -> None:
    folder = city.data / "audit"
    eventually((folder / "checkpoint").exists)
    (folder / "stray").write_text("x")
    try:
        finding = found(examine(Settings(data=city.data)), "audit log")
    finally:
        (folder / "stray").unlink()
    assert not finding.ok
    assert "stray" in finding.remedy
    assert "citybase audit verify" in finding.remedy
