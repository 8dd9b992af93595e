"""Write `recordings/made-air-week.csv`: a made week of hourly air quality at four stations, in the PRSA layout.

No instrument measured these numbers. They follow stated formulas: a daily wave (rush hours for NO2 and CO, sunlight
for O3), one heavy-pollution episode of winter stagnation around the fourth day, a small ripple that differs from
station to station, and every 41st hour without a value. Running the script again writes the same bytes.
"""

import csv
import math
from datetime import datetime, timedelta
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "recordings" / "made-air-week.csv"
START = datetime(2024, 1, 8)  # noqa: DTZ001 - local time (UTC+8), as in the PRSA files
HOURS = 7 * 24
STATIONS = ("Made-1", "Made-2", "Made-3", "Made-4")
HEADER = (
    *("No", "year", "month", "day", "hour", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3"),
    *("TEMP", "PRES", "DEWP", "RAIN", "wd", "WSPM", "station"),
)
EPISODE_CENTRE = 84.0  # hours since the start: noon of the fourth day
EPISODE_WIDTH = 11.0
GAP = 41


def episode(hour: int, station: int) -> float:
    """0 on a clean day, 1 at the height of the episode, which reaches each station a little later."""
    return math.exp(-(((hour - EPISODE_CENTRE - 2 * station) / EPISODE_WIDTH) ** 2))


def wave(hour: int, peak: float) -> float:
    """A daily wave between 0 and 1 with its top at the hour of the day `peak`."""
    return 0.5 + 0.5 * math.cos(math.tau * (hour - peak) / 24)


def ripple(hour: int, station: int) -> float:
    """A small unevenness between -1 and 1."""
    return math.sin(1.7 * hour + 2.3 * station) * math.cos(0.31 * hour)


def measurements(hour: int, station: int) -> tuple[float, ...]:
    """PM2.5, PM10, SO2, NO2, CO (all µg/m³), O3, temperature, pressure, dew point, rain."""
    heavy = episode(hour, station)
    rush = max(wave(hour, 8.0), wave(hour, 19.0)) ** 3
    pm25 = 32 + 8 * station + 190 * heavy + 14 * wave(hour, 23.0) + 6 * ripple(hour, station)
    return (
        pm25,
        1.3 * pm25 + 28 + 5 * ripple(hour, station + 1),
        9 + 14 * heavy + 3 * rush,
        24 + 34 * rush + 38 * heavy,
        600 + 700 * rush + 1900 * heavy,
        6 + 52 * wave(hour, 15.0) ** 2 * (1 - 0.6 * heavy),
        -3 + 8 * wave(hour, 15.0),
        1022 - 6 * heavy,
        -9 + 7 * heavy,
        0.0,
    )


def row(number: int, hour: int, station: int) -> list[object]:
    """One line of the file; a gap takes one pollutant at a time, in turn."""
    moment = START + timedelta(hours=hour)
    values: list[object] = [f"{value:.1f}" for value in measurements(hour, station)]
    values[:6] = [str(round(float(str(value)))) for value in values[:6]]
    if (hour + 7 * station) % GAP == GAP - 1:
        values[(hour // GAP) % 6] = "NA"
        values[0] = "NA"
    wind = ["NE" if episode(hour, station) > 0.2 else "NW", f"{0.6 + 2.4 * (1 - episode(hour, station)):.1f}"]
    return [number, moment.year, moment.month, moment.day, moment.hour, *values, *wind, STATIONS[station]]


def main() -> None:
    rows = [(hour, station) for station in range(len(STATIONS)) for hour in range(HOURS)]
    with OUTPUT.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(row(number, *place) for number, place in enumerate(rows, start=1))


if __name__ == "__main__":
    main()
