"""HJ 212 environmental telemetry (污染物在线监控(监测)系统数据传输标准), editions 2005 and 2017.

`codec` turns bytes into a `Frame` and back, `stream` cuts a TCP byte stream into frames, `readings` says
what a frame means in city terms and composes the frames that the platform itself sends. Nothing here does
I/O.
"""

from citybase.collection.gateways.hj212.codec import Frame, Inspection, checksum, encode, inspect, parse
from citybase.collection.gateways.hj212.errors import FrameError
from citybase.collection.gateways.hj212.readings import (
    Extraction,
    Reading,
    Refusal,
    acknowledgement,
    hourly_frame,
    latest_values,
    read,
)
from citybase.collection.gateways.hj212.stream import FrameReader

__all__ = [
    "Extraction",
    "Frame",
    "FrameError",
    "FrameReader",
    "Inspection",
    "Reading",
    "Refusal",
    "acknowledgement",
    "checksum",
    "encode",
    "hourly_frame",
    "inspect",
    "latest_values",
    "parse",
    "read",
]
