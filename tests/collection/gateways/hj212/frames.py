"""Frames for the tests: a builder for raw ones and a hypothesis strategy for legal ones."""

from hypothesis import strategies as st

from citybase.collection.gateways.hj212 import Frame, checksum

HEADER = "QN=20240115080000000;ST=22;CN=2011;PW=123456;MN=XA-AIR-610113-01;Flag=5"

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True).filter(lambda name: name != "CP")
KEYS = st.one_of(NAMES, st.tuples(NAMES, NAMES).map("-".join))
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters=";,=&/", exclude_categories=["Cc", "Cs", "Z"]), max_size=12
)
LEGAL_FRAMES = st.builds(
    Frame,
    header=st.lists(st.tuples(NAMES, TEXTS), max_size=6).map(tuple),
    items=st.lists(st.tuples(KEYS, TEXTS), max_size=12).map(tuple),
    cp_terminated=st.booleans(),
)


def raw(data: str | bytes, *, length: int | None = None, crc: str | None = None) -> bytes:
    """A raw frame around a data segment, right unless told otherwise."""
    content = data.encode() if isinstance(data, str) else data
    declared = len(content) if length is None else length
    return b"##%04d%s%s\r\n" % (declared, content, (crc or f"{checksum(content):04X}").encode())


def message(items: str, header: str = HEADER) -> bytes:
    """A raw frame with these CP items."""
    return raw(f"{header};CP=&&{items}&&")
