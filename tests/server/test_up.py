"""`citybase up`: one command, one address, no process left behind."""

import os
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest

from tests.running import running_city, start_city

pytestmark = pytest.mark.city


def still_works(process: psutil.Process) -> bool:
    """Whether it goes on; one that has ended and only waits for init to take note does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_city_starts_tells_its_address_and_leaves_no_process_behind() -> None:
    with running_city() as city:
        assert httpx.get(f"{city.address}/health/live", trust_env=False).status_code == 200
        assert httpx.get(f"{city.address}/health/ready", trust_env=False).json()["ok"] is True
        with city.client() as client:
            session = client.get("/api/v1/session").json()
            assert session["city"]["name"] == "西安市"
            assert session["principal"]["username"] == "admin"
        family = list(city.processes().values())
        assert {"server", "gateways", "observer", "worker", "nats", "postgres"} == set(city.processes())
        city.stop()
        assert city.process.returncode == 0
        assert [process for process in family if still_works(process)] == []


def test_a_second_city_on_the_same_folder_is_refused_and_on_another_lives_beside() -> None:
    with running_city() as first:
        refused = subprocess.run(
            [sys.executable, "-m", "citybase", "up", "--data", str(first.data)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert refused.returncode == 1
        assert "数据目录正在使用" in refused.stderr
        assert str(first.process.pid) in refused.stderr
        with running_city() as second:
            assert second.address != first.address
            for city in (first, second):
                assert httpx.get(f"{city.address}/health/ready", trust_env=False).status_code == 200


def test_a_killed_supervisor_leaves_no_process_and_the_city_comes_back_with_its_data() -> None:
    with running_city() as city:
        ours = [process for name, process in city.processes().items() if name != "postgres"]
        os.kill(city.process.pid, signal.SIGKILL)
        city.process.wait(10)
        psutil.wait_procs(ours, timeout=10)
        assert [process for process in ours if still_works(process)] == []
        again = start_city(city.data)
        try:
            assert again.password is None, "a city that has its first account makes no second one"
            signed_in = httpx.post(
                f"{again.address}/api/v1/session",
                json={"username": "admin", "password": city.password},
                trust_env=False,
            )
            assert signed_in.status_code == 200
        finally:
            again.stop()


@pytest.mark.parametrize("name", ["server", "gateways", "observer", "worker", "nats", "postgres"])
def test_whatever_is_killed_comes_back_by_itself(name: str) -> None:
    with running_city() as city:
        city.processes()[name].kill()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.5)
            try:
                ready = httpx.get(f"{city.address}/health/ready", timeout=5, trust_env=False).status_code == 200
                if ready and set(city.processes()) == {"server", "gateways", "observer", "worker", "nats", "postgres"}:
                    return
            except (httpx.HTTPError, OSError, psutil.Error, IndexError, ValueError):
                continue
        pytest.fail(f"{name} did not come back")
