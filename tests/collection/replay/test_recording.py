"""Recorded files to arrays: the real ones, and bad ones."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybase.collection.replay.recording import PROPERTIES, BadRow, read_recording
from citybase.kernel.errors import Problem

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"
MADE = Path(__file__).parents[3] / "packs/air/recordings/made-air-week.csv"


def row(hour: int = 0, station: str = "A", pm25: str = "35", co: str = "700", day: int = 8) -> str:
    return f"1,2024,1,{day},{hour},{pm25},91,10,32,{co},7,-1.8,1022.0,-9.0,0.0,NW,3.0,{station}"


def write(folder: Path, *lines: str, name: str = "r.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\n".join([HEADER, *lines]).encode(encoding))
    return path


def test_a_row_becomes_an_instant_and_values_in_the_units_of_the_pack(tmp_path: Path) -> None:
    recording = read_recording([write(tmp_path, row(hour=8))])
    assert datetime.fromtimestamp(int(recording.times[0]), UTC) == datetime(2024, 1, 8, 0, tzinfo=UTC)
    assert dict(zip(PROPERTIES, recording.values[0].tolist(), strict=True)) == {
        **{"pm25": 35.0, "pm10": 91.0, "so2": 10.0},
        **{"no2": 32.0, "co": 0.7, "o3": 7.0},
    }
    assert recording.problems == ()


@pytest.mark.parametrize("missing", ["NA", "", "NaN", "-", '"NA"'])
def test_a_missing_value_stays_missing(tmp_path: Path, missing: str) -> None:
    recording = read_recording([write(tmp_path, row(pm25=missing))])
    assert np.isnan(recording.values[0, 0])
    assert recording.values[0, 1] == 91.0


def test_files_are_merged_by_time_and_stations_keep_the_order_of_the_files(tmp_path: Path) -> None:
    second = write(tmp_path, row(0, "B"), row(1, "B"), name="b.csv")
    first = write(tmp_path, row(1, "A"), row(0, "A"), name="a.csv")
    recording = read_recording([second, first])
    assert recording.stations == ("B", "A")
    assert recording.station.tolist() == [0, 1, 0, 1]
    assert np.diff(recording.times).tolist() == [0, 3600, 0]


def test_bad_rows_are_told_by_line_and_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        row(0),  # line 2
        row(1, day=32),
        "",
        row(24),
        row(2, pm25="x"),
        row(3, pm25="1e999"),
        "1,2",
        row(4, station=""),
        row(5) + ",more",
        row(6, station='"A'),  # a stray quote swallows nothing
        row(0),
        row(7),
    )
    recording = read_recording([path])
    assert [(bad.line, bad.reason) for bad in recording.problems] == [
        (3, "no such hour"),
        (5, "no such hour"),
        (6, "not a number"),
        (7, "not a number"),
        (8, "2 columns instead of 18"),
        (9, "no station"),
        (10, "19 columns instead of 18"),
        (12, "station and hour were there before"),
    ]
    assert len(recording.times) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_station_names_are_read_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    assert read_recording([write(tmp_path, row(station="雁塔站"), encoding=encoding)]).stations == ("雁塔站",)


def test_windows_line_ends_and_quoted_headers_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    quoted = ",".join(f'"{name}"' for name in HEADER.split(","))
    path.write_bytes(f"{quoted}\r\n{row()}\r\n".encode())
    assert len(read_recording([path]).times) == 1


def test_a_damaged_archive_gives_what_comes_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.gz"
    lines = [row(hour % 24, f"station {hour}") for hour in range(5000)]
    path.write_bytes(gzip.compress("\n".join([HEADER, *lines]).encode())[:-3000])
    recording = read_recording([path])
    assert 0 < len(recording.times) < 5000
    assert recording.problems == (BadRow("r.csv.gz", len(recording.times) + 2, "the archive is damaged from here on"),)


def test_a_file_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    assert len(read_recording([write(tmp_path)]).times) == 0


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"a,b\n1,2\n", HEADER.replace("hour", "day").encode()])
def test_a_file_of_another_kind_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(Problem, match=r"other\.csv") as caught:
        read_recording([path])
    assert caught.value.code == "bad_recording"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"absent\.csv"):
        read_recording([tmp_path / "absent.csv"])


@settings(max_examples=60, deadline=None)
@given(garbage=st.lists(st.binary(max_size=60), max_size=6))
def test_garbage_never_hides_a_good_row(tmp_path_factory: pytest.TempPathFactory, garbage: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("garbage") / "r.csv"
    lines = [row(0).encode(), *(line.replace(b"\n", b"").replace(b"\r", b"") for line in garbage), row(1).encode()]
    path.write_bytes(b"\n".join([HEADER.encode(), *lines]))
    recording = read_recording([path])
    assert recording.times.tolist()[-1] - recording.times.tolist()[0] == 3600


def test_the_made_week_is_whole() -> None:
    recording = read_recording([MADE])
    assert recording.stations == ("Made-1", "Made-2", "Made-3", "Made-4")
    assert len(recording.times) == 4 * 7 * 24
    assert recording.problems == ()


def test_the_real_years_are_read_with_their_gaps(shared_data: Path) -> None:
    recording = read_recording(sorted((shared_data / "03_timeseries/beijing_prsa").glob("PRSA_*.csv.gz")))
    assert recording.problems == ()
    assert len(recording.times) == 4 * 26_304
    gaps = dict(zip(PROPERTIES, np.isnan(recording.values).sum(axis=0).tolist(), strict=True))
    assert gaps == {"pm25": 2095, "pm10": 1350, "so2": 2558, "no2": 3206, "co": 6350, "o3": 4547}
    span = timedelta(seconds=int(recording.times[-1] - recording.times[0]))
    assert span == timedelta(hours=26_303)
