"""One credential a device, from the running city over its API, and where its gateways listen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from citybase.kernel.errors import Problem

__all__ = ["Address", "ApiLedger", "Gateways", "Ledger", "gateways_at", "gateways_of"]

KIND = "air-station"
_PAGE = 200
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what a city may listen on, not what we do
_DEFAULTS = {"port": 8080, "mqtt_port": 1883, "hj212_port": 9212}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Gateways:
    """Where the city takes readings."""

    mqtt: Address
    hj212: Address


class Ledger(Protocol):
    """What replay asks of the city."""

    def stations(self) -> list[str]:
        """Codes of the registered air stations, sorted."""

    def issue(self, codes: Sequence[str]) -> dict[str, str]:
        """A fresh password for each of these stations; the former ones end."""


class ApiLedger:
    """The ledger of a city anywhere, with an API token that may `resource.read` and `credential.issue`."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/api/v1",
            headers={"authorization": f"Bearer {token}", "accept-language": "zh-CN"},
            transport=transport,
            trust_env=False,
            timeout=30,
        )
        self._ids: dict[str, str] = {}

    def stations(self) -> list[str]:
        self._ids = {item["code"]: item["id"] for item in self._items()}
        return sorted(self._ids)

    def issue(self, codes: Sequence[str]) -> dict[str, str]:
        issued = [self._ask("POST", f"/resources/{self._ids[code]}/credential") for code in codes]
        return {answer["device"]: answer["password"] for answer in issued}

    def _items(self) -> Iterator[dict[str, Any]]:
        parameters = {"kind": KIND, "limit": str(_PAGE)}
        while True:
            page = self._ask("GET", "/resources", parameters)
            yield from page["items"]
            if not page["next"]:
                return
            parameters["cursor"] = page["next"]

    def _ask(self, method: str, path: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, params=parameters)
        except httpx.HTTPError as error:
            raise Problem("engine_unavailable", engine=f"{self._client.base_url}: {error}") from error
        if answer.is_error:
            raise Problem("city_refused", request=f"{method} {answer.url.path}", reason=_reason(answer))
        return msgspec.json.decode(answer.content, type=dict[str, Any])


def _reason(answer: httpx.Response) -> str:
    """What a problem document says, or the status where there is none."""
    try:
        document = msgspec.json.decode(answer.content, type=dict[str, Any])
        return f"{document['title']}: {document['detail']} {document['remedy']}"
    except (msgspec.DecodeError, KeyError):
        return f"HTTP {answer.status_code}"


def gateways_of(data: Path, host: str) -> Gateways:
    """The gateways of the city that runs on this machine in that data folder and listens on `host`."""
    try:
        ports = _DEFAULTS | msgspec.json.decode((data / "ports.json").read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError) as error:
        raise Problem("engine_unavailable", engine=f"CityBase ({data}; bin/run --data {data})") from error
    near = "127.0.0.1" if host in _EVERYWHERE else host
    return Gateways((near, ports["mqtt_port"]), (near, ports["hj212_port"]))


def gateways_at(url: str, mqtt: str | None, hj212: str | None) -> Gateways:
    """The gateways of a city elsewhere: as named (`host:port`), or the usual ports of the host of its address."""
    host = urlsplit(url).hostname or url
    return Gateways(
        _address(mqtt) if mqtt else (host, _DEFAULTS["mqtt_port"]),
        _address(hj212) if hj212 else (host, _DEFAULTS["hj212_port"]),
    )


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise Problem("invalid_input", reason=f"{text}: host:port")
    return host.strip("[]"), int(port)
