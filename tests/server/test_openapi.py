"""The whole OpenAPI document, fuzzed against a running city: no request brings an internal error."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.running import running_city

pytestmark = pytest.mark.city

DOCUMENT = create_app(Settings(), Database("postgresql://nobody@localhost/nowhere")).openapi_schema.to_schema()
OPERATIONS = [
    (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if method in {"get", "post", "put", "patch", "delete"}
]


@dataclass
class Target:
    """A running city, with a token that may do everything."""

    schema: Any
    session: requests.Session


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with running_city() as city, city.client() as client, requests.Session() as session:
        permissions = client.get("/api/v1/session").json()["principal"]["permissions"]
        token = client.post("/api/v1/tokens", json={"name": "fuzz", "actions": permissions}).json()["secret"]
        schema = schemathesis.openapi.from_dict(client.get("/schema/openapi.json").json())
        schema.config.update(base_url=city.address, headers={"Authorization": f"Bearer {token}"})
        yield Target(schema, session)


def test_every_operation_is_fuzzed() -> None:
    assert len(OPERATIONS) > 70


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_no_request_brings_an_internal_error(target: Target, method: str, path: str) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=target.schema[path][method].as_strategy())
    def every_case(case: Any) -> None:
        answer = case.call(session=target.session)
        assert answer.status_code < 500, f"{case.as_curl_command()} → {answer.status_code} {answer.text}"

    every_case()
