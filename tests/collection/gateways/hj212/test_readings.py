"""HJ 212 frames in city terms, and the frames the platform composes."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.collection.gateways.hj212 import (
    Extraction,
    Frame,
    FrameError,
    acknowledgement,
    encode,
    hourly_frame,
    latest_values,
    parse,
    read,
)
from citybase.collection.gateways.hj212.pollutants import CODES, PROPERTIES, property_of, quality_of
from tests.collection.gateways.hj212.frames import LEGAL_FRAMES

HOUR = datetime(2024, 1, 15, 0, 0, tzinfo=UTC)


def upload(*items: tuple[str, str], command: str = "2011", time: str = "20240115080000") -> Frame:
    header = (("CN", command), ("MN", "XA-AIR-610113-01"), ("Flag", "5"))
    return Frame(header=header, items=(("DataTime", time), *items))


def reasons(extraction: Extraction) -> dict[str, str]:
    return {refusal.key: refusal.reason for refusal in extraction.refused}


def test_a_real_time_upload_becomes_readings_in_utc() -> None:
    found = read(upload(("a34004-Rtd", "35.5"), ("a34004-Flag", "N"), ("a05024-Rtd", "80")))
    first, second = found.readings
    assert (first.device, first.time, first.property, first.value) == ("XA-AIR-610113-01", HOUR, "pm25", 35.5)
    assert (first.flag, first.quality, first.statistic) == ("N", 0, "Rtd")
    assert (second.property, second.value, second.flag, second.quality) == ("o3", 80.0, None, 0)
    assert not found.refused


def test_a_time_of_17_digits_keeps_its_milliseconds() -> None:
    (reading,) = read(upload(("a34004-Rtd", "1"), time="20240115080000250")).readings
    assert reading.time == HOUR + timedelta(milliseconds=250)


@pytest.mark.parametrize("command", ["2051", "2061", "2031"])
def test_statistics_of_a_period_are_told_apart(command: str) -> None:
    found = read(upload(("a21005-Min", "1"), ("a21005-Avg", "2"), ("a21005-Max", "3"), command=command))
    assert {reading.statistic: reading.value for reading in found.readings} == {"Min": 1, "Avg": 2, "Max": 3}
    assert latest_values(found.readings)["co"].value == 2


def test_the_real_time_value_stands_before_the_mean() -> None:
    found = read(upload(("a34004-Avg", "1"), ("a34004-Rtd", "2"), ("a34002-Max", "9")))
    assert {name: reading.value for name, reading in latest_values(found.readings).items()} == {"pm25": 2}


@pytest.mark.parametrize(
    ("flag", "good"), [("N", True), ("n", True), ("3", True), *((flag, False) for flag in "FMSDCTBPX?")]
)
def test_every_flag_travels_as_quality(flag: str, good: bool) -> None:
    (reading,) = read(upload(("a34004-Rtd", "35"), ("a34004-Flag", flag))).readings
    assert (reading.flag, reading.quality == 0) == (flag, good)


def test_flags_of_the_standard_keep_different_qualities() -> None:
    assert len({quality_of(flag) for flag in "NFMSDCTB"}) == 8


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        ("  ", "missing"),
        ("NA", "missing"),
        ("--", "missing"),
        ("null", "missing"),
        ("nan", "not_finite"),
        ("NaN", "not_finite"),
        ("-inf", "not_finite"),
        ("1e999", "not_finite"),
        ("1_000", "not_a_number"),
        ("1,5", "not_a_number"),
        ("12abc", "not_a_number"),
        ("１２", "not_a_number"),
        ("0x1F", "not_a_number"),
        ("'; DROP TABLE observation", "not_a_number"),
    ],
)
def test_what_is_no_number_is_refused_and_the_good_items_go_on(text: str, reason: str) -> None:
    found = read(upload(("a34002-Rtd", text), ("a34002-Flag", "B"), ("a34004-Rtd", "35")))
    assert [reading.value for reading in found.readings] == [35]
    (refusal,) = found.refused
    assert (refusal.key, refusal.value, refusal.reason, refusal.flag) == ("a34002-Rtd", text, reason, "B")


@given(LEGAL_FRAMES, st.lists(st.text(max_size=8), max_size=5))
def test_no_reading_is_ever_a_number_that_is_not_finite(frame: Frame, texts: list[str]) -> None:
    items = tuple((f"a{index}-Rtd", text) for index, text in enumerate(texts))
    found = read(upload(*items, *frame.items))
    assert all(math.isfinite(reading.value) for reading in found.readings)
    assert len(found.readings) + len(found.refused) >= len(texts)


@pytest.mark.parametrize(
    "time", ["", "2024", "20241315080000", "20240230080000", "2024011508000x", "99991231235959999"]
)
def test_an_upload_of_no_moment_is_refused_whole(time: str) -> None:
    frame = upload(("a34004-Rtd", "35"), time=time)
    if time.startswith("9999"):
        assert read(frame).readings[0].time.year == 9999
        return
    with pytest.raises(FrameError) as caught:
        read(frame)
    assert caught.value.code == "bad_time"


def test_the_first_year_does_not_overflow() -> None:
    with pytest.raises(FrameError, match="data time"):
        read(upload(("a34004-Rtd", "35"), time="00010101000000"))


def test_an_upload_of_nobody_is_refused_whole() -> None:
    with pytest.raises(FrameError) as caught:
        read(Frame(header=(("CN", "2011"),), items=(("DataTime", "20240115080000"),)))
    assert caught.value.code == "no_device"


def test_commands_that_carry_no_measurements_give_none() -> None:
    assert read(upload(("a34004-Rtd", "35"), command="9014")) == Extraction()
    assert read(Frame(header=())) == Extraction()


def test_codes_of_both_editions_name_the_same_property() -> None:
    assert property_of("w01018") == property_of("011") == "cod"
    assert property_of("A34004") == property_of("PM2.5") == "pm25"
    assert property_of("a99999") == "a99999"
    assert property_of("O3") == "o3"


def test_a_code_that_names_nothing_is_refused() -> None:
    found = read(upload(("温度-Rtd", "1"), ("a b-Rtd", "1"), ("x" * 40 + "-Rtd", "1"), ("-Rtd", "1")))
    assert set(reasons(found).values()) == {"bad_code"}
    assert not found.readings


def test_no_code_stands_for_two_properties() -> None:
    assert len(PROPERTIES) == sum(len(codes) for codes in CODES.values())


@given(
    st.dictionaries(st.sampled_from(sorted(CODES)), st.none() | st.floats(-1e6, 1e6) | st.just(math.nan)),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_an_hourly_message_comes_back_as_the_readings_it_was_made_of(
    values: dict[str, float | None], moment: datetime
) -> None:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    frame = parse(encode(hourly_frame("XA-AIR-610113-01", hour, values, password="123456")))
    found = read(frame)
    assert (frame.get("ST"), frame.command, frame.wants_answer) == ("22", "2061", True)
    assert {reading.property: reading.value for reading in found.readings} == {
        name: pytest.approx(value, abs=1e-6)
        for name, value in values.items()
        if value is not None and not math.isnan(value)
    }
    assert all(reading.time == hour and reading.quality == 0 for reading in found.readings)
    assert not found.refused


def test_the_hour_is_written_in_china_local_time() -> None:
    hour = datetime(2024, 1, 15, 9, tzinfo=timezone(timedelta(hours=9)))
    frame = hourly_frame("X", hour, {"pm25": 35.0, "co": 0.8, "o3": None}, password="123456")
    assert encode(frame) == (
        b"##0144QN=20240115080000000;ST=22;CN=2061;PW=123456;MN=X;Flag=5;CP=&&DataTime=20240115080000;"
        b"a34004-Avg=35,a34004-Flag=N;a21005-Avg=0.8,a21005-Flag=N&&" + encode(frame)[-6:]
    )


def test_an_upload_that_asks_is_acknowledged_with_its_own_number() -> None:
    sent = hourly_frame("X", HOUR, {"pm25": 35.0}, password="123456")
    answer = acknowledgement(sent)
    assert answer is not None
    assert encode(answer)[6:-6] == (b"QN=20240115080000000;ST=91;CN=9014;PW=123456;MN=X;Flag=4;CP=&&&&")
    assert acknowledgement(answer) is None


@pytest.mark.parametrize("flag", [None, "4", "6", "0", "", "x", "999", "-1", "１"])
def test_nobody_who_did_not_ask_is_answered(flag: str | None) -> None:
    header = (("CN", "2061"), ("MN", "X")) + ((("Flag", flag),) if flag is not None else ())
    assert acknowledgement(Frame(header=header)) is None


def test_the_answer_keeps_the_edition_of_the_sender() -> None:
    answer = acknowledgement(Frame(header=(("CN", "2061"), ("MN", "X"), ("Flag", "3"))))
    assert answer is not None
    assert answer.get("Flag") == "0"
    assert answer.get("QN") is None
