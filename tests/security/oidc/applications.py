"""An application that signs people in here, and what it is told."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from sqlalchemy import select

from citybase.security.transactions import audit_pending
from tests.security.small_city import ADDRESS, SmallCity

BACK = "https://transport.example/callback"
BYE = "https://transport.example/bye"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class Registered:
    id: str
    secret: str | None

    def asks(self, **parameters: str) -> str:
        """The address an application sends its visitor to."""
        query = {
            "client_id": self.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid profile",
            "state": "s-1",
            "nonce": "n-1",
        }
        if self.secret is None:
            query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        query |= parameters
        return "/oidc/authorize?" + urlencode({name: value for name, value in query.items() if value})

    def form(self, code: str, /, **parameters: str) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": self.id}
        form |= {"client_secret": self.secret} if self.secret else {"code_verifier": VERIFIER}
        return {name: value for name, value in (form | parameters).items() if value}


async def register(town: SmallCity, **fields: Any) -> Registered:
    browser = await town.sign_in("admin")
    body = {
        "name": "交通一张图",
        "redirect_uris": [BACK],
        "post_logout_redirect_uris": [BYE],
        "scopes": ["openid", "profile", "roles"],
    }
    answer = await browser.post("/api/v1/oidc/clients", json=body | fields)
    assert answer.status_code == 201, answer.text
    return Registered(answer.json()["client_id"], answer.json()["client_secret"])


def answer_of(response: httpx.Response) -> dict[str, str]:
    """What the application is told at its redirect address."""
    assert response.status_code == 302, response.text
    location = response.headers["location"]
    assert location.startswith(BACK + "?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def code_for(browser: httpx.AsyncClient, client: Registered, **parameters: str) -> str:
    answer = answer_of(await browser.get(client.asks(**parameters)))
    assert answer["iss"] == ADDRESS
    assert answer["state"] == "s-1"
    return answer["code"]


def sign_in_page(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 302
    location = urlsplit(response.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/sign-in")
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert query["next"].startswith("/oidc/authorize?")
    return query


async def tokens_of(browser: httpx.AsyncClient, client: Registered) -> dict[str, str]:
    code = await code_for(browser, client)
    tokens: dict[str, str] = (await browser.post("/oidc/token", data=client.form(code))).json()
    return tokens


async def refusals(town: SmallCity, action: str) -> list[Any]:
    rows = await town.rows(select(audit_pending).where(audit_pending.c.action == action))
    return [row for row in rows if row.outcome == "refused"]
