"""Latest values made right again from the lake, before the first batch is taken.

What was accepted but is not in the lake yet comes again from the streams, so lake and streams together are complete.
"""

import logging

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citybase.city.observations.latest import LatestValues, LatestWriter
from citybase.engines.lake import Lake

__all__ = ["mend"]

_LOG = logging.getLogger(__name__)
_LATEST = """
SELECT series, max(time) AS time, arg_max(value, (time, received)) AS value,
       max(received) AS received, arg_max(quality, (time, received)) AS quality
FROM observation {where} GROUP BY series
"""


def mend(latest: LatestWriter, lake: Lake) -> None:
    """Restore the records that a killed writer left torn; all of them when the file is lost. May be repeated."""
    torn = latest.torn()
    if latest.lost:
        latest.clear()
        found = lake.query(_LATEST.format(where=""))
        _LOG.info("latest values of %d series made again from the lake", len(found))
        _write(latest, found)
    elif len(torn):
        _restore(latest, lake, torn)
    latest.trust()


def _restore(latest: LatestWriter, lake: Lake, torn: NDArray[np.int64]) -> None:
    where = "WHERE series IN (SELECT series FROM torn)"
    found = lake.query(_LATEST.format(where=where), relations={"torn": pa.table({"series": torn})})
    nothing = np.zeros(len(torn), np.int64)
    latest.write(torn, LatestValues(nothing, nothing.astype(np.float64), nothing, nothing.astype(np.int32)))
    _write(latest, found)
    _LOG.info("%d latest values mended", len(torn))


def _write(latest: LatestWriter, found: pa.Table) -> None:
    series = np.asarray(found["series"], np.int64)
    latest.reserve(int(series.max(initial=-1)) + 1)
    time, received = (np.asarray(found[name].cast(pa.int64())) for name in ("time", "received"))
    latest.write(
        series, LatestValues(time, np.asarray(found["value"]), received, np.asarray(found["quality"], np.int32))
    )
