"""Cutting a TCP stream into HJ 212 frames."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.collection.gateways.hj212 import Frame, FrameError, FrameReader, encode, parse
from citybase.collection.gateways.hj212.codec import MAX_FRAME
from tests.collection.gateways.hj212.frames import HEADER, LEGAL_FRAMES, message, raw

ONE = message("DataTime=20240115080000;a34004-Rtd=35,a34004-Flag=N")
TWO = message("DataTime=20240115090000;a34004-Rtd=36,a34004-Flag=N")

# Pieces of a stream: frames with and without line end, cut ones, broken ones, garbage.
PIECES = st.one_of(
    LEGAL_FRAMES.map(encode),
    st.sampled_from([ONE, TWO, ONE[:-2], ONE[:50], raw(ONE[6:-6], length=9), raw(ONE[6:-6], crc="1234")]),
    st.sampled_from([b"#", b"##", b"###", b"\r\n", b"##00", b"&&", b"##9999", b"##12ab"]),
    st.binary(max_size=30),
)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


def read_all(parts: list[bytes]) -> tuple[list[bytes], bytes, int]:
    reader = FrameReader()
    frames = [frame for part in parts for frame in reader.feed(part)]
    return frames, reader.take_rest(), reader.dropped


@given(st.lists(PIECES, max_size=8), st.lists(st.integers(0, 5000), max_size=12))
def test_how_the_stream_is_cut_does_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    assert read_all(chunks(stream, cuts)) == read_all([stream])


@given(st.lists(LEGAL_FRAMES, max_size=8), st.lists(st.integers(0, 5000), max_size=12), st.booleans())
def test_every_good_frame_comes_out_as_it_went_in(frames: list[Frame], cuts: list[int], line_end: bool) -> None:
    stream = b"".join(encode(frame) if line_end else encode(frame)[:-2] for frame in frames)
    raws, rest, dropped = read_all(chunks(stream, cuts))
    assert [parse(found) for found in raws] == frames
    assert (rest, dropped) == (b"", 0)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_no_bytes_break_the_reader_or_the_parser(parts: list[bytes]) -> None:
    frames, rest, _ = read_all(parts)
    for found in (*frames, rest):
        try:
            parse(found)
        except FrameError:
            continue


def test_many_frames_in_one_chunk() -> None:
    assert FrameReader().feed((ONE + TWO) * 500) == [ONE.strip(), TWO.strip()] * 500


def test_a_frame_in_single_bytes() -> None:
    frames, rest, dropped = read_all([bytes([byte]) for byte in ONE])
    assert (frames, rest, dropped) == ([ONE.strip()], b"", 0)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff\xfe", b"#", b"###"])
def test_the_reader_finds_its_way_after_garbage(garbage: bytes) -> None:
    reader = FrameReader()
    assert reader.feed(garbage + ONE) == [ONE.strip()]
    assert reader.feed(TWO) == [TWO.strip()]


def test_garbage_is_counted_and_line_ends_are_not() -> None:
    reader = FrameReader()
    reader.feed(b"abc\r\n" + ONE + b"\r\n\r\n" + b"de" + TWO)
    assert reader.dropped == 5


@pytest.mark.parametrize("length", [0, 5, 9999])
def test_a_wrong_length_costs_only_its_own_frame(length: int) -> None:
    wrong = raw(ONE[6:-6], length=length)
    assert FrameReader().feed(wrong + TWO) == [wrong.strip(), TWO.strip()]


def test_a_frame_that_lost_its_end_does_not_swallow_the_next() -> None:
    half = ONE[:60]
    assert FrameReader().feed(half + TWO) == [half, TWO.strip()]


def test_half_a_frame_then_silence_is_left_to_the_caller() -> None:
    reader = FrameReader()
    assert not reader.pending
    assert reader.feed(ONE[:60]) == []
    assert reader.pending
    assert reader.take_rest() == ONE[:60]
    assert not reader.pending
    assert reader.take_rest() == b""
    assert reader.feed(ONE) == [ONE.strip()]


@pytest.mark.parametrize("chunk", [b"##9999" + b"A" * 1018, b"#" * 1024, b"x" * 1024, b"##" * 512])
def test_memory_is_bounded_whatever_comes(chunk: bytes) -> None:
    reader = FrameReader()
    frames = [frame for _ in range(100) for frame in reader.feed(chunk)]
    assert all(len(frame) <= MAX_FRAME for frame in frames)
    assert len(reader.take_rest()) < MAX_FRAME


def test_an_endless_frame_is_cut_at_the_largest_size() -> None:
    reader = FrameReader()
    frames = [frame for _ in range(20) for frame in reader.feed(b"##9999" + HEADER.encode() + b"," * 1000)]
    assert frames
    assert max(map(len, frames)) <= MAX_FRAME
