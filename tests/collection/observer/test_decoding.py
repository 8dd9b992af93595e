"""Decoding: payloads into columns; whatever cannot be read is refused and the good beside it stays."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.collection.observer.decoding import decode

NOON = 1_795_147_200_000
VALUES = st.dictionaries(st.text(max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=4)
READINGS = st.fixed_dictionaries({"t": st.integers(0, 2**52), "v": VALUES})


def refusals(*payloads: bytes) -> list[tuple[int, str]]:
    return [(item.message, item.code) for item in decode(payloads).refused]


@given(st.lists(READINGS | st.lists(READINGS, max_size=3), max_size=5))
def test_every_value_comes_out_with_its_message_its_time_and_its_name(messages: list[Any]) -> None:
    decoded = decode([json.dumps(message).encode() for message in messages])
    expected = [
        (number, name, reading["t"] * 1000, value)
        for number, message in enumerate(messages)
        for reading in (message if isinstance(message, list) else [message])
        for name, value in reading["v"].items()
    ]
    values = [None if np.isnan(value) else value for value in decoded.value.tolist()]
    assert (
        list(zip(decoded.message.tolist(), decoded.properties, decoded.time.tolist(), values, strict=True)) == expected
    )
    assert decoded.refused == []


def test_a_time_without_offset_is_city_time_and_one_with_offset_is_its_own() -> None:
    decoded = decode([b'{"t":"2026-11-20T12:00:00","v":{"a":1}}', b'{"t":"2026-11-20T04:00:00Z","v":{"a":1}}'])
    assert decoded.time.tolist() == [NOON * 1000] * 2


def test_a_device_may_doubt_its_own_value() -> None:
    decoded = decode([b'{"t":1,"v":{"a":1,"b":2},"q":{"b":7}}'])
    assert decoded.quality.tolist() == [0, 7]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b'{"t":1,', "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"t":1}', "wrong_type"),
        (b'{"t":"yesterday","v":{"a":1}}', "wrong_type"),
        (b'{"t":true,"v":{"a":1}}', "wrong_type"),
        (b'{"t":1,"v":{"a":"x"}}', "wrong_type"),
        (b'{"t":1,"v":{"a":1},"q":{"a":-1}}', "wrong_type"),
        (b'{"t":1,"v":{"a":NaN}}', "not_finite"),
        (b'{"t":1,"v":{"a":1e999}}', "not_finite"),
    ],
)
def test_a_bad_payload_is_refused_by_its_code_and_the_good_beside_it_stays(payload: bytes, code: str) -> None:
    good = b'{"t":1,"v":{"a":1}}'
    decoded = decode([good, payload, good])
    assert [(item.message, item.code) for item in decoded.refused] == [(1, code)]
    assert decoded.message.tolist() == [0, 2]


def test_in_an_array_only_the_bad_reading_is_refused() -> None:
    payload = b'[{"t":1,"v":{"a":1}},{"t":2},{"t":3,"v":{"a":3,"b":"x"}}]'
    decoded = decode([payload])
    assert decoded.value.tolist() == [1, 3]
    assert refusals(payload) == [(0, "wrong_type"), (0, "wrong_type")]
