"""Every engine can be a given one: the same city on somebody else's PostgreSQL, NATS and lake folder."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nkeys
import pytest

from citybase.engines.nats import account_seed, nats_binary
from citybase.engines.ports import free_port, is_free
from citybase.engines.postgres import EmbeddedPostgres
from citybase.engines.processes import ChildProcess
from citybase.kernel.settings import Settings
from tests.running import start_city

pytestmark = pytest.mark.city

HOST = "127.0.0.1"


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="citybase-given-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def given_postgres(folder: Path) -> Iterator[str]:
    server = EmbeddedPostgres(folder / "elsewhere" / "postgres")
    yield server.start()
    server.stop()


@contextmanager
def given_nats(folder: Path, city: Settings) -> Iterator[str]:
    """A server configured as `docs/how-to/use-given-engines.md` says."""
    port, mqtt = free_port(HOST), free_port(HOST)
    issuer = nkeys.from_seed(bytearray(account_seed(city))).public_key.decode()
    config = folder / "nats.conf"
    config.write_text(f"""
        server_name: city-nats-1
        listen: "{HOST}:{port}"
        jetstream {{ store_dir: "{folder / "stored"}" }}
        mqtt {{ listen: "{HOST}:{mqtt}" }}
        accounts {{
          CITY {{ jetstream: enabled, users: [{{ user: citybase, password: "secret" }}] }}
        }}
        authorization {{
          timeout: 5
          auth_callout {{ issuer: "{issuer}", account: CITY, auth_users: [citybase] }}
        }}
    """)
    server = ChildProcess("nats", [nats_binary(), "--config", str(config)], folder / "nats.log")
    server.start()
    ends = time.monotonic() + 20
    while is_free(HOST, port):
        assert server.is_alive(), server.tail()
        assert time.monotonic() < ends
        time.sleep(0.1)
    yield f"nats://citybase:secret@{HOST}:{port}"
    server.stop()


def test_a_city_on_given_engines_keeps_its_readings_there(folder: Path) -> None:
    data, lake = folder / "data", folder / "lake"
    with given_postgres(folder) as postgres_url, given_nats(folder, Settings(data=data)) as nats_url:
        city = start_city(data, postgres_url=postgres_url, nats_url=nats_url, lake_url=lake.as_uri())
        try:
            with city.client() as client:
                ends = time.monotonic() + 60
                while not (items := client.get("/api/v1/observations/latest?kind=cloud-host").json()["items"]):
                    assert time.monotonic() < ends, "the machine's own figures did not arrive"
                    time.sleep(0.5)
            assert {"cpu_percent", "postgres_connections"} <= {item["property"] for item in items}
            while not list(lake.rglob("*.parquet")):
                assert time.monotonic() < ends, "nothing was committed to the given lake"
                time.sleep(0.5)
            assert not (data / "postgres").exists()
            assert not (data / "nats").exists()
        finally:
            city.stop()
