"""`citybase decode hj212`: the real frames, and what a person pastes."""

import io
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from citybase.collection.gateways.commands import app
from citybase.collection.gateways.decoding import decode_lines, read_lines
from tests.collection.gateways.hj212.frames import message, raw

GOOD = message("DataTime=20240115080000;a34004-Rtd=35,a34004-Flag=N")


def decode(*lines: bytes) -> list[dict[str, Any]]:
    return list(decode_lines("hj212", lines))


def test_every_real_frame_is_decoded_as_expected(shared_data: Path) -> None:
    lines = (shared_data / "04_protocols" / "hj212_frames.jsonl").read_text().splitlines()
    vectors = [json.loads(line) for line in lines]
    assert vectors
    for vector in vectors:
        (found,) = decode(vector["raw"].encode())
        expected = vector["expected"]
        assert {key: found.get(key) for key in expected} == expected
        assert found["ok"] is (expected["crc_ok"] and expected["length_ok"])
        assert set(found) - set(expected) == ({"ok"} if found["ok"] else {"ok", "error"})


def test_a_bad_frame_says_why_and_shows_what_could_be_read() -> None:
    (found,) = decode(GOOD[:-6] + b"0000")
    assert found["ok"] is False
    assert found["error"]["code"] == "bad_crc"
    assert found["error"]["message"].startswith("校验码不符")
    assert found["MN"] == "XA-AIR-610113-01"
    assert found["pollutants"] == {"a34004": {"Rtd": "35", "Flag": "N"}}


def test_all_errors_of_a_frame_are_told() -> None:
    (found,) = decode(raw(GOOD[6:-6], length=5, crc="0000"))
    assert [error["code"] for error in found["errors"]] == ["length_mismatch", "bad_crc"]


def test_blank_lines_are_skipped_and_line_ends_may_be_written_out() -> None:
    found = decode(b"", b"\n", b"  \r\n", rb"\r\n", GOOD.strip() + rb"\r\n" + b"\n", b"  " + GOOD)
    assert [record["ok"] for record in found] == [True, True]


def test_a_cp_item_with_a_taken_name_hides_nothing() -> None:
    (found,) = decode(raw("QN=1;MN=X;ok=yes;CP=&&QN=2;ok=no;crc=x;PolId=a&&"))
    assert (found["ok"], found["QN"], found["CP.QN"], found["PolId"]) == (True, "1", "2", "a")
    assert (found["CP.crc"], found["CP.ok"], found["header.ok"]) == ("x", "no", "yes")


def test_the_number_of_2005_answers_stands_in_cp() -> None:
    (found,) = decode(raw("ST=91;CN=9011;PW=123456;MN=X;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&"))
    assert (found["QN"], found["QnRtn"]) == ("20040516010101001", "1")


@given(st.lists(st.binary(max_size=120), max_size=5))
def test_any_lines_give_records_that_are_json(lines: list[bytes]) -> None:
    for record in decode(*lines, *(raw(line) for line in lines)):
        assert json.loads(json.dumps(record)) == record


def test_a_line_without_end_is_cut_and_the_next_one_is_read() -> None:
    lines = list(read_lines(io.BytesIO(b"x" * 300_000 + b"\n" + GOOD)))
    assert [len(line) for line in lines] == [65_536, len(GOOD)]


def test_the_command_prints_one_json_object_a_line() -> None:
    result = CliRunner().invoke(app, ["decode", "hj212"], input=GOOD + b"\n\xff\xfe broken\n")
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout_bytes.splitlines())
    assert (first["ok"], second["ok"], second["error"]["code"]) == (True, False, "bad_header")


def test_the_command_refuses_an_unknown_protocol() -> None:
    result = CliRunner().invoke(app, ["decode", "morse"], input=b"")
    assert result.exit_code == 2
    assert "hj212" in result.output
