"""Devices against tiny gateways: acknowledged, gone in the middle, refused, interrupted."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from citybase.collection.replay import player
from citybase.collection.replay.hj212_sender import Hj212Sender
from citybase.collection.replay.mqtt_sender import MqttSender, payload
from citybase.collection.replay.player import play
from citybase.collection.replay.schedule import Message, Plan, Way
from citybase.collection.replay.sender import Sender
from citybase.collection.replay.tally import Tally
from tests.collection.replay.gateways import Gateway, hj212_gateway, mqtt_gateway
from tests.collection.replay.test_schedule import plan

pytestmark = pytest.mark.anyio
HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "_SHORTEST", 0.01)
    monkeypatch.setattr(player, "_LONGEST", 0.02)


def senders(made: Plan, mqtt: Gateway, hj212: Gateway) -> dict[tuple[str, Way], Sender]:
    found: dict[tuple[str, Way], Sender] = {}
    for device, ways in made.ways().items():
        if Way.MQTT in ways:
            found[device, Way.MQTT] = MqttSender(device, f"secret of {device}", HOST, mqtt.port)
        if Way.HJ212 in ways:
            found[device, Way.HJ212] = Hj212Sender(device, f"secret of {device}", HOST, hj212.port)
    return found


async def played(made: Plan, mqtt: Gateway, hj212: Gateway) -> Tally:
    tally = Tally()
    async with mqtt_gateway(mqtt), hj212_gateway(hj212):
        await asyncio.wait_for(play(made, senders(made, mqtt, hj212), 0, tally), 20)
    return tally


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what it looks at are plain counts
        await asyncio.sleep(0.01)


def every(number: int) -> Callable[[int], bool]:
    return lambda count: count % number != 0


async def test_every_message_arrives_over_its_way_in_order() -> None:
    made, mqtt, hj212 = plan(4, 20), Gateway(), Gateway()
    tally = await played(made, mqtt, hj212)
    assert tally.acknowledged == {Way.MQTT: 40, Way.HJ212: 40}
    assert tally.refused.total() == tally.resent.total() == 0
    assert (tally.values["pm25"], tally.values["so2"], tally.missing["so2"]) == (80, 0, 80)
    for device in ("D0", "D2"):
        assert [content["v"]["pm25"] for name, content in mqtt.received if name == device] == list(range(20))
    for device in ("D1", "D3"):
        frames = [frame for name, frame in hj212.received if name == device]
        assert [frame.pollutants["a34004"]["Avg"] for frame in frames] == [str(hour) for hour in range(20)]
        assert {(frame.command, frame.get("PW"), frame.flag) for frame in frames} == {
            ("2061", f"secret of {device}", 5)
        }
        assert not any("a21026" in frame.pollutants for frame in frames)


async def test_one_station_is_played_over_both_ways() -> None:
    tally = await played(plan(1, 6), mqtt := Gateway(), hj212 := Gateway())
    assert (len(mqtt.received), len(hj212.received)) == (3, 3)
    assert tally.acknowledged.total() == 6


async def test_what_was_not_acknowledged_is_sent_again() -> None:
    mqtt, hj212 = Gateway(answer=every(3)), Gateway(answer=every(4))
    made = plan(2, 12)
    tally = await played(made, mqtt, hj212)
    assert tally.acknowledged == {Way.MQTT: 12, Way.HJ212: 12}
    assert tally.resent == {Way.MQTT: len(mqtt.received) - 12, Way.HJ212: len(hj212.received) - 12}
    assert tally.resent.total() > 0
    arrived = Counter(content["t"] for _, content in mqtt.received)
    assert len(arrived) == 12


async def test_a_gateway_that_is_away_is_waited_for() -> None:
    made, mqtt, hj212, tally = plan(2, 3), Gateway(), Gateway(), Tally()
    async with mqtt_gateway(mqtt), hj212_gateway(hj212):
        pass  # now both ports are known and nobody listens
    playing = asyncio.create_task(play(made, senders(made, mqtt, hj212), 0, tally))
    await until(lambda: tally.away == {"D0", "D1"})
    assert "waiting for D0, D1" in tally.line()
    async with mqtt_gateway(mqtt), hj212_gateway(hj212):
        await asyncio.wait_for(playing, 20)
    assert tally.acknowledged.total() == 6
    assert (tally.resent.total(), tally.away) == (0, set())


async def test_a_message_that_is_never_acknowledged_is_refused_and_the_next_one_goes() -> None:
    made, attempts = plan(2, 3), player._ATTEMPTS
    tally = await played(made, Gateway(), Gateway(answer=lambda count: count == 1 or count > 1 + attempts))
    assert (tally.refused[Way.HJ212], tally.acknowledged[Way.HJ212], tally.acknowledged[Way.MQTT]) == (1, 2, 3)
    assert "D1: HJ 212 connection closed before the answer" in "\n".join(tally.summary())


async def test_a_device_that_is_never_answered_is_given_up() -> None:
    tally = await played(plan(2, 50), Gateway(), hj212 := Gateway(answer=lambda count: False))
    assert (tally.refused[Way.HJ212], tally.acknowledged[Way.MQTT]) == (50, 50)
    assert len(hj212.received) == player._ATTEMPTS


async def test_a_wrong_credential_stops_that_device_only() -> None:
    mqtt = Gateway(passwords={"D0": "another", "D2": "secret of D2"})
    tally = await played(plan(4, 5), mqtt, Gateway())
    assert (tally.refused[Way.MQTT], tally.acknowledged[Way.MQTT], tally.acknowledged[Way.HJ212]) == (5, 5, 10)
    assert tally.sent[Way.MQTT] == 6
    assert tally.refusals == {"D0": "Not authorized"}


async def test_cancelling_ends_cleanly_and_the_counts_stay() -> None:
    made, mqtt, hj212, tally = plan(2, 1000), Gateway(), Gateway(), Tally()
    async with mqtt_gateway(mqtt), hj212_gateway(hj212):
        playing = asyncio.create_task(play(made, senders(made, mqtt, hj212), 3600 * 50, tally))
        await until(lambda: tally.acknowledged.total() >= 6)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
    assert 6 <= tally.acknowledged.total() <= len(mqtt.received) + len(hj212.received) < 2000


async def test_an_hour_without_any_value_is_no_message() -> None:
    made = plan(1, 2)
    made.recording.values[0] = float("nan")
    tally = await played(made, Gateway(), Gateway())
    assert (tally.sent.total(), tally.empty, tally.missing["pm25"]) == (1, 1, 1)


async def test_the_clock_of_the_recording_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    real = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    made, tally = plan(1, 3), Tally()
    await play(made, {("D0", way): _Silent() for way in Way}, 3600, tally)
    assert [round(wait) for wait in waits] == [0, 1, 2]


class _Silent:
    """Takes everything."""

    async def send(self, message: Message) -> None:
        return

    async def close(self) -> None:
        return


def test_a_reading_carries_its_offset_and_leaves_out_what_is_missing() -> None:
    message = Message("D0", Way.MQTT, datetime(2024, 1, 8, tzinfo=UTC), {"pm25": 35.0}, ("so2",))
    assert payload(message) == b'{"t":"2024-01-08T08:00:00+08:00","v":{"pm25":35.0}}'
