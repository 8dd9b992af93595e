"""Rows as tests write them."""

import numpy as np

from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex

__all__ = ["rows"]


def rows(index: SeriesIndex, *values: tuple[str, str, int, float]) -> Rows:
    """(station, property, second, value) of each, good and in the order given."""
    devices = np.array([index.devices.number(value[0]) for value in values], np.int32)
    properties = np.array([index.properties.number(value[1]) for value in values], np.int32)
    return Rows(
        series=index.find(devices, properties),
        time=np.array([value[2] for value in values], np.int64) * 1_000_000,
        value=np.array([value[3] for value in values], np.float64),
        quality=np.zeros(len(values), np.int16),
        received=np.zeros(len(values), np.int64),
        source=np.zeros(len(values), np.int16),
    )
