"""Hostile texts through every text field of every write operation, and broken files through every import.

The answer is success, and then the text reads back as it was sent, or a problem document (RFC 9457). It is never an
internal error, and the city is alive afterwards.
"""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import RunningCity, own_ports, running_city
from tests.security.hostile import DEEP, OURS, encoded, naughty_strings, places, strings_in, with_text
from tests.security.writes import FORMS, Write, writes

pytestmark = pytest.mark.city

DENIED = {("post", "/api/v1/session"), ("post", "/api/v1/session/password")}
"""Their passwords are wrong on purpose."""
FOLDERS = ("derived_cn", "messytables_horror", "tuplex")


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    with running_city(**own_ports()) as city:
        yield city


@pytest.fixture(scope="module")
def client(city: RunningCity) -> Iterator[httpx.Client]:
    with city.client() as client:
        yield client


@pytest.fixture(scope="module")
def operations(client: httpx.Client) -> list[Write]:
    return writes(client)


def test_every_write_operation_of_the_document_is_spoilt(client: httpx.Client, operations: list[Write]) -> None:
    paths = client.get("/schema/openapi.json").json()["paths"]
    documented = {
        (method, path) for path, methods in paths.items() for method in methods if "requestBody" in methods[method]
    }
    assert {write.operation for write in operations} == documented - FORMS


def test_every_body_is_valid_before_it_is_spoilt(client: httpx.Client, operations: list[Write]) -> None:
    for write in operations:
        answer = write.send(client, encoded(write.body()))
        assert answer.is_success or write.operation in DENIED, f"{write}: {answer.status_code} {answer.text}"


def test_our_hostile_texts_through_every_field(client: httpx.Client, operations: list[Write]) -> None:
    for write in operations:
        for place in places(write.body()):
            for text in OURS:
                spoil(client, write, place, text)
    assert_alive(client)


def test_the_naughty_strings_over_all_fields(client: httpx.Client, operations: list[Write], shared_data: Path) -> None:
    fields = cycle([(write, place) for write in operations for place in places(write.body())])
    for text, (write, place) in zip(naughty_strings(shared_data), fields, strict=False):
        spoil(client, write, place, text)
    assert_alive(client)


def test_broken_files_through_the_import(client: httpx.Client, shared_data: Path) -> None:
    files = [file for name in FOLDERS for file in sorted((shared_data / "09_bad_inputs" / name).iterdir())]
    assert len(files) > 15
    for file in files:
        given = {"file": (file.name, file.read_bytes())}
        answer = client.post("/api/v1/imports", files=given, data={"kind": "air-station"})
        assert_answered(answer, file.name)
        if answer.is_success:
            assert client.post(f"/api/v1/imports/{answer.json()['id']}/apply").status_code < 500, file.name
    assert_alive(client)


def test_hostile_file_names_and_form_fields_through_the_forms(client: httpx.Client) -> None:
    for text in OURS:
        if text == DEEP or any("\ud800" <= letter <= "\udfff" for letter in text):
            continue  # no JSON here, and a form is UTF-8
        for path, fields in (
            ("/api/v1/imports", {"kind": text, "encoding": text, "sheet": text}),
            ("/api/v1/map/boundaries", {"approval": text}),
        ):
            answer = client.post(path, files={"file": (text[:200], text.encode())}, data=fields)
            assert_answered(answer, f"{path} {text[:40]!r}")
    assert_alive(client)


def spoil(client: httpx.Client, write: Write, place: tuple[Any, ...], text: str) -> None:
    body = with_text(write.body(), place, text)
    answer = write.send(client, encoded(body))
    occasion = f"{write.operation} {place} {text[:60]!r}"
    assert_answered(answer, occasion)
    if answer.is_success and write.read_at is not None:
        shown = client.get(write.read_at) if write.read_at else answer
        # Space around a title or a name is no part of it.
        assert {text, text.strip()} & strings_in(shown.json()), f"{occasion}: {shown.text[:500]}"


def assert_answered(answer: httpx.Response, occasion: str) -> None:
    assert answer.status_code < 500, f"{occasion}: {answer.status_code} {answer.text[:500]}"
    if not answer.is_success:
        assert answer.headers["content-type"].startswith("application/problem+json"), f"{occasion}: {answer.headers}"
        assert answer.json()["code"], occasion


def assert_alive(client: httpx.Client) -> None:
    assert client.get("/health/ready").json()["ok"] is True
    assert client.get("/api/v1/session").status_code == 200
