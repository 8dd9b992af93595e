"""`citybase replay` from files to acknowledged messages, with a made-up ledger and tiny gateways."""

import asyncio
import csv
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citybase.cli import build
from citybase.collection.replay import commands
from citybase.collection.replay.credentials import Gateways
from citybase.collection.replay.recording import PROPERTIES
from citybase.kernel.errors import Problem
from tests.collection.replay.gateways import Gateway, hj212_gateway, mqtt_gateway
from tests.collection.replay.test_recording import MADE

COLUMNS = dict(zip(("PM2.5", "PM10", "SO2", "NO2", "CO", "O3"), PROPERTIES, strict=True))


class Ledger:
    issued: tuple[str, ...] = ()

    def stations(self) -> list[str]:
        return [f"XA-AIR-{number}" for number in range(1, 6)]

    def issue(self, codes: Sequence[str]) -> dict[str, str]:
        self.issued = tuple(codes)
        return dict.fromkeys(codes, "secret")


class City:
    """A ledger, and gateways that listen in a thread of their own."""

    def __init__(self) -> None:
        self.ledger, self.mqtt, self.hj212 = Ledger(), Gateway(), Gateway()
        self._loop, self._ready, self._end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> "City":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        async with mqtt_gateway(self.mqtt), hj212_gateway(self.hj212):
            self._ready.set()
            await self._end.wait()

    def gateways(self) -> Gateways:
        return Gateways(("127.0.0.1", self.mqtt.port), ("127.0.0.1", self.hj212.port))


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    with City() as running:
        monkeypatch.setattr(commands, "_city", lambda *_: (running.ledger, running.gateways()))
        yield running


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(["replay"]), ["replay", *arguments])
    if isinstance(result.exception, Problem):
        raise result.exception
    return result.exit_code, result.output


def test_the_made_week_is_played_whole(city: City) -> None:
    code, output = run(str(MADE), "--speed", "0")
    assert code == 0
    assert city.ledger.issued == ("XA-AIR-1", "XA-AIR-2", "XA-AIR-3", "XA-AIR-4")
    assert (len(city.mqtt.received), len(city.hj212.received)) == (336, 336)
    lines = [line.split() for line in output.splitlines()]
    assert ["mqtt", "336", "336", "0", "0"] in lines
    assert ["hj212", "336", "336", "0", "0"] in lines
    values = {line[0]: (int(line[1]), int(line[2])) for line in lines if line and line[0] in PROPERTIES}
    with MADE.open() as file:
        gaps = Counter(key for row in csv.DictReader(file) for key, text in row.items() if text == "NA")
    assert values == {name: (672 - gaps[key], gaps[key]) for key, name in COLUMNS.items()}


def test_bounds_mapping_and_present_times_are_obeyed(city: City) -> None:
    code, output = run(
        *(str(MADE), "--speed", "0", "--times", "now", "--from", "2024-01-10", "--to", "2024-01-10T02:00"),
        *("--map", "Made-2=XA-AIR-1"),
    )
    assert code == 0
    assert "Made-2 → XA-AIR-1 (hj212)" in output
    assert "last hour is now" in output
    assert {device for device, _ in city.hj212.received} == {"XA-AIR-1", "XA-AIR-4"}
    assert len(city.mqtt.received) == 4


def test_a_refused_message_makes_the_exit_code_1(city: City) -> None:
    city.mqtt.passwords = {}
    code, output = run(str(MADE), "--speed", "0", "--to", "2024-01-08T01:00")
    assert code == 1
    assert "Not authorized" in output


def test_ctrl_c_ends_it_and_tells_what_was_done(city: City) -> None:
    def interrupt_later() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return True

    city.hj212.answer = lambda count: count != 5 or interrupt_later()
    code, output = run(str(MADE), "--speed", "7200")
    assert code == 130
    assert "replay interrupted" in output


def test_lines_left_out_are_named(city: City, tmp_path: Path) -> None:
    lines = MADE.read_text().splitlines()
    bad = [line.replace(",2024,", ",x,") for line in lines[3:33]]
    path = tmp_path / "r.csv"
    path.write_text("\n".join([*lines[:3], *bad]))
    code, output = run(str(path), "--speed", "0")
    assert code == 0
    assert "r.csv:4: no such hour" in output
    assert "30 lines left out in all" in output


@pytest.mark.parametrize("wrong", [("--map", "Made-1"), ("--from", "yesterday"), ("--map", "Z=XA-AIR-1")])
def test_a_wrong_option_is_refused_before_anything_is_issued(city: City, wrong: tuple[str, str]) -> None:
    with pytest.raises(Problem, match=wrong[1].partition("=")[0]):
        run(str(MADE), *wrong)
    assert city.ledger.issued == ()


def test_a_city_elsewhere_needs_a_token() -> None:
    with pytest.raises(Problem, match="--token"):
        run(str(MADE), "--url", "http://city.example")
