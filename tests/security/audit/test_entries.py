"""Entries as canonical JSON."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.security.audit.entries import Actor, Entry, Target, decode, digest, encode, shorten
from citybase.security.audit.tiles import MAX_ENTRY

ENTRY = Entry(
    id=UUID("01931d2c-0000-7000-8000-000000000001"),
    time=datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=8))),
    actor=Actor("u1", "王芳", "person", "wangfang", "市数据局"),
    action="resource.update",
    target=Target("resource", "r1"),
    detail={"fields": ["name"], "before": None},
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
entries = st.builds(
    Entry,
    id=st.uuids(),
    time=st.datetimes(timezones=st.just(UTC)),
    actor=st.builds(Actor, st.text(), st.text(), st.sampled_from(["person", "service", "device", "system"]), st.text()),
    action=st.text(),
    target=st.builds(Target, st.text(), st.text(), st.none() | st.uuids()),
    detail=st.dictionaries(st.text(), json_values, max_size=4),
    request=st.none() | st.text(),
    outcome=st.sampled_from(["done", "denied", "failed"]),
)


def test_an_entry_is_sorted_compact_utf8_with_its_time_in_utc() -> None:
    assert encode(ENTRY).decode() == (
        '{"action":"resource.update","actor":{"id":"u1","kind":"person","name":"王芳","organization":"市数据局",'
        '"username":"wangfang"},"detail":{"before":null,"fields":["name"]},"id":"01931d2c-0000-7000-8000-000000000001","outcome":"done",'
        '"request":null,"target":{"id":"r1","organization":null,"type":"resource"},"time":"2026-11-20T04:00:00Z"}'
    )


@given(entries)
def test_entries_round_trip_to_the_same_bytes(entry: Entry) -> None:
    assert decode(encode(entry)) == entry
    assert encode(decode(encode(entry))) == encode(entry)


def test_the_order_of_keys_does_not_change_the_bytes() -> None:
    turned = msgspec.structs.replace(ENTRY, detail={"before": None, "fields": ["name"]})
    assert encode(turned) == encode(ENTRY)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encode(msgspec.structs.replace(ENTRY, time=ENTRY.time.replace(tzinfo=None)))


def test_a_detail_too_long_is_refused_or_shortened_to_its_hash() -> None:
    long = msgspec.structs.replace(ENTRY, detail={"text": "字" * MAX_ENTRY})
    with pytest.raises(ValueError, match="at most 65535"):
        encode(long)
    short = decode(encode(shorten(long)))
    assert short.detail["shortened"]["bytes"] == len(msgspec.json.encode(long.detail))
    assert len(short.detail["shortened"]["sha256"]) == 64


@pytest.mark.parametrize("sign", ["x", "字", "\x01", "𠮷"])
def test_a_shortened_entry_can_always_be_logged(sign: str) -> None:
    long = sign * 70_000
    entry = Entry(
        id=ENTRY.id,
        time=ENTRY.time,
        actor=Actor(long, long, long, long, long),
        action=long,
        target=Target(long, long),
        detail={long: long},
        request=long,
        outcome=long,
    )
    assert len(encode(shorten(entry))) <= MAX_ENTRY


def test_bytes_that_are_no_entry_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"id":"x"}')


def test_digests_recognise_a_value_under_its_salt_only() -> None:
    assert digest("13800000000", b"salt") == digest("13800000000", b"salt")
    assert digest("13800000000", b"salt") != digest("13800000000", b"other")
    assert "13800000000" not in digest("13800000000", b"salt")
