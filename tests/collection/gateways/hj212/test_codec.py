"""HJ 212 frames: what good, careless and hostile senders write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.collection.gateways.hj212 import Frame, FrameError, checksum, encode, inspect, parse
from citybase.collection.gateways.hj212.errors import MESSAGES
from tests.collection.gateways.hj212.frames import HEADER, LEGAL_FRAMES, message, raw

GOOD = message("DataTime=20240115080000;a34004-Rtd=35,a34004-Flag=N")


def refusal(frame: bytes | str) -> FrameError:
    with pytest.raises(FrameError) as caught:
        parse(frame)
    return caught.value


def test_the_checksum_is_that_of_hj212_and_not_modbus() -> None:
    assert checksum(b"123456789") == 0x2F80
    assert checksum(b"") == 0xFFFF


@given(LEGAL_FRAMES)
def test_a_frame_survives_being_encoded_and_parsed(frame: Frame) -> None:
    assert parse(encode(frame)) == frame


@given(LEGAL_FRAMES)
def test_a_gb18030_frame_is_read_as_the_same_text(frame: Frame) -> None:
    written = encode(Frame(header=frame.header, items=frame.items, encoding="gb18030"))
    found = inspect(written)
    assert found.length_ok
    assert found.crc_ok
    assert found.frame is not None
    if found.frame.encoding == "gb18030":
        assert (found.frame.header, found.frame.items) == (frame.header, frame.items)


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200)))
def test_any_input_gives_a_frame_or_a_frame_error(noise: bytes | str) -> None:
    try:
        parse(noise)
    except FrameError:
        return


@given(st.binary(max_size=300), st.integers(0, 9999))
def test_any_content_in_a_right_envelope_gives_a_frame_or_a_frame_error(content: bytes, length: int) -> None:
    for frame in (raw(content), raw(content, length=length), raw(b"ST=22;CP=&&" + content)):
        try:
            parse(frame)
        except FrameError:
            continue


@given(LEGAL_FRAMES.filter(lambda frame: bool(frame.items)), st.data())
def test_a_changed_byte_is_found(frame: Frame, data: st.DataObject) -> None:
    good = encode(frame)
    place = data.draw(st.integers(6, len(good) - 7))
    changed = good[:place] + bytes([good[place] ^ 0x01]) + good[place + 1 :]
    assert inspect(changed).errors


def test_fields_groups_and_times_are_read() -> None:
    frame = parse(GOOD)
    assert (frame.device, frame.command, frame.get("ST"), frame.flag) == ("XA-AIR-610113-01", "2011", "22", 5)
    assert frame.wants_answer
    assert frame.parameters == {"DataTime": "20240115080000"}
    assert frame.pollutants == {"a34004": {"Rtd": "35", "Flag": "N"}}
    assert frame.get("PNUM") is None


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\n", b"\r\n\r\n", b" \r\n"])
def test_the_line_end_does_not_matter(end: bytes) -> None:
    assert parse(GOOD.rstrip() + end) == parse(GOOD)


def test_checksum_digits_may_be_of_either_case() -> None:
    data = f"{HEADER};CP=&&DataTime=20240115080000;a34004-Rtd=36&&".encode()
    assert parse(raw(data, crc=f"{checksum(data):04x}")) == parse(raw(data))


def test_groups_parted_by_commas_mean_the_same() -> None:
    careful = parse(message("DataTime=20240115080000;a34004-Rtd=35,a34004-Flag=N;a34002-Rtd=80"))
    careless = parse(message("DataTime=20240115080000,a34004-Rtd=35,a34004-Flag=N,a34002-Rtd=80"))
    assert careless.items == careful.items


def test_the_first_of_repeated_keys_counts_and_the_key_is_told() -> None:
    frame = parse(message("a21-Rtd=1;a21-Rtd=2;a21-Rtd=3;DataTime=20240115080000;DataTime=20250115080000"))
    assert frame.pollutants == {"a21": {"Rtd": "1"}}
    assert frame.parameters == {"DataTime": "20240115080000"}
    assert frame.duplicate_keys == ("a21-Rtd", "DataTime")


def test_a_frame_of_2005_needs_neither_qn_nor_flag() -> None:
    frame = parse(raw("ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817;B01-Rtd=36.91&&"))
    assert (frame.get("QN"), frame.flag, frame.wants_answer) == (None, None, False)


def test_packets_of_a_split_message_carry_their_numbers() -> None:
    frame = parse(message("DataTime=20240115080000;a34004-Rtd=35", f"{HEADER[:-1]}7;PNUM=3;PNO=2"))
    assert (frame.get("PNUM"), frame.get("PNO"), frame.flag) == ("3", "2", 7)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_text_is_read_in_either_encoding(encoding: str) -> None:
    frame = parse(raw(f"{HEADER};CP=&&i11001-Info=//更换滤膜;重启,完成//&&".encode(encoding)))
    assert frame.pollutants == {"i11001": {"Info": "//更换滤膜;重启,完成//"}}
    assert frame.encoding == encoding


@pytest.mark.parametrize(
    ("content", "items", "terminated"),
    [
        ("CP=&&&&", (), True),
        ("CP=&&", (), False),
        ("CP=", (), False),
        ("CP=a=1", (("a", "1"),), False),
        ("CP=&&a=1", (("a", "1"),), False),
        ("CP=a=1&&", (("a", "1"),), True),
    ],
)
def test_an_empty_or_open_cp_is_told_and_taken(content: str, items: tuple[tuple[str, str]], terminated: bool) -> None:
    frame = parse(raw(f"{HEADER};{content}"))
    assert (frame.items, frame.cp_terminated) == (items, terminated)


def test_pieces_that_are_no_pair_are_kept_apart() -> None:
    found = inspect(message("DataTime=20240115080000;garbage;=5;a34004-Rtd=35"))
    assert not found.errors
    assert found.unreadable == ("garbage", "=5")
    assert found.frame is not None
    assert found.frame.pollutants == {"a34004": {"Rtd": "35"}}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "bad_header"),
        (b"hello", "bad_header"),
        ("##\ud800", "bad_encoding"),
        (b"##", "bad_length"),
        (b"##12", "bad_length"),
        (GOOD.replace(b"##0", b"##x"), "bad_length"),
        (GOOD.replace(b"##0", b"##+"), "bad_length"),
        (b"##" + "\N{FULLWIDTH DIGIT ONE}".encode() * 4 + GOOD[6:], "bad_length"),
        (raw(GOOD[6:-6], length=9999), "length_mismatch"),
        (raw(GOOD[6:-6], length=0), "length_mismatch"),
        (GOOD[:60], "length_mismatch"),
        (raw(GOOD[6:-6], crc="0000"), "bad_crc"),
        (raw(GOOD[6:-6], crc="ZZZZ"), "no_crc"),
        (GOOD[:-6], "no_crc"),
        (GOOD.strip() + b"rest", "trailing_data"),
        (GOOD.strip() + GOOD, "trailing_data"),
        (raw(HEADER), "no_cp"),
        (raw("MN=XCP=1"), "no_cp"),
        (raw(b"ST=22;CP=&&a=\xff\xff&&"), "bad_encoding"),
        (b"##0001" + b"a" * 20_000, "too_long"),
    ],
)
def test_a_bad_frame_is_refused_by_name(frame: bytes | str, code: str) -> None:
    assert refusal(frame).code == code


def test_a_frame_without_checksum_still_shows_its_content() -> None:
    found = inspect(GOOD[:-6])
    assert found.crc is None
    assert found.frame == parse(GOOD)


def test_a_truncated_frame_does_not_take_its_last_digits_for_a_checksum() -> None:
    found = inspect(GOOD[:70])
    assert found.crc is None
    assert found.frame is not None
    assert found.frame.get("ST") == "22"


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(FrameError, match="too long"):
        encode(Frame(header=(("MN", "x" * 10_000),)))
    with pytest.raises(FrameError, match="UTF-8"):
        encode(Frame(header=(("MN", "中"),), encoding="ascii"))


def test_every_error_speaks_both_languages() -> None:
    for code in MESSAGES:
        error = FrameError(code, "x")
        assert error.message("zh") != error.message("en")
