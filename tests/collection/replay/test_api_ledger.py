"""Credentials over the city's API, and where its gateways are."""

import json
from pathlib import Path

import httpx
import pytest

from citybase.collection.replay.credentials import ApiLedger, gateways_at, gateways_of
from citybase.kernel.errors import Problem

STATIONS = [{"id": f"id-{number}", "code": f"XA-AIR-{number}", "kind": "air-station"} for number in (2, 1, 3)]


def city(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"] == "Bearer t0ken"
    if request.method == "POST":
        number = request.url.path.split("/")[-2].removeprefix("id-")
        return httpx.Response(201, json={"device": f"XA-AIR-{number}", "password": f"secret {number}"})
    assert (request.url.path, request.url.params["kind"]) == ("/api/v1/resources", "air-station")
    if "cursor" in request.url.params:
        return httpx.Response(200, json={"items": STATIONS[2:], "next": None})
    return httpx.Response(200, json={"items": STATIONS[:2], "next": "more"})


def ledger(answer: httpx.Response | None = None) -> ApiLedger:
    def fixed(_: httpx.Request) -> httpx.Response:
        assert answer is not None
        return answer

    return ApiLedger("http://city.example:8080/", "t0ken", httpx.MockTransport(fixed if answer else city))


def test_all_pages_of_stations_are_read_and_sorted_by_code() -> None:
    assert ledger().stations() == ["XA-AIR-1", "XA-AIR-2", "XA-AIR-3"]


def test_one_credential_is_issued_for_each_station_used() -> None:
    asked = ledger()
    asked.stations()
    assert asked.issue(["XA-AIR-3", "XA-AIR-1"]) == {"XA-AIR-3": "secret 3", "XA-AIR-1": "secret 1"}


def test_a_refusal_is_told_in_the_words_of_the_city() -> None:
    document = {"title": "没有权限", "detail": "当前身份不能执行", "remedy": "申请角色"}
    with pytest.raises(Problem, match="没有权限") as caught:
        ledger(httpx.Response(403, json=document)).stations()
    assert caught.value.code == "city_refused"


def test_an_answer_that_is_no_problem_document_is_told_by_its_status() -> None:
    with pytest.raises(Problem, match="HTTP 502"):
        ledger(httpx.Response(502, text="<html>")).stations()


def test_a_city_that_is_not_there_is_unavailable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Problem, match="refused") as caught:
        ApiLedger("http://city.example", "t", httpx.MockTransport(refuse)).stations()
    assert caught.value.code == "engine_unavailable"


def test_ports_of_the_city_on_this_machine_are_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"port": 8081, "mqtt_port": 1884, "hj212_port": 9213}))
    found = gateways_of(tmp_path, "10.0.0.7")
    assert (found.mqtt, found.hj212) == (("10.0.0.7", 1884), ("10.0.0.7", 9213))
    assert gateways_of(tmp_path, "0.0.0.0").mqtt == ("127.0.0.1", 1884)  # noqa: S104


def test_a_folder_without_a_city_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="bin/run --data"):
        gateways_of(tmp_path, "127.0.0.1")


def test_a_city_elsewhere_has_the_usual_ports_or_the_named_ones() -> None:
    assert gateways_at("https://city.example", None, None).mqtt == ("city.example", 1883)
    named = gateways_at("http://city.example:8080", "10.0.0.1:1999", "[::1]:9000")
    assert (named.mqtt, named.hj212) == (("10.0.0.1", 1999), ("::1", 9000))


@pytest.mark.parametrize("text", ["host", "host:", ":1", "host:x"])
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="host:port"):
        gateways_at("http://c", text, None)
