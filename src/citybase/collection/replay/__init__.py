"""Replay (回放): recorded readings played into the running city as devices would send them.

`recording` turns files into arrays, `schedule` says who sends what, when and over which way, `mqtt_sender` and
`hj212_sender` are the devices, `player` keeps the time and sends again what was not acknowledged,
`credentials` asks the city for one credential a device (`local` on the city's own machine). MQTT 3.1.1 with QoS 1;
HJ 212-2017 hourly uploads (CN 2061) over TCP.
"""

from citybase.collection.replay.player import play
from citybase.collection.replay.recording import Recording, read_recording
from citybase.collection.replay.schedule import Message, Plan, Way, make_plan

__all__ = ["Message", "Plan", "Recording", "Way", "make_plan", "play", "read_recording"]
