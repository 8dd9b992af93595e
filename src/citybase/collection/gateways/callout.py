"""Who may connect to the broker: every device with its own credential, allowed to publish as itself and nothing else.

NATS asks at each connection (auth callout, https://docs.nats.io): a signed request on `$SYS.REQ.USER.AUTH`, answered
with a signed permission or an error. Our own processes sign in as the service user and are never asked about.

One further sign-in is ours: that of `revocation`, with the broker's system account and two requests there.
"""

import base64
import hashlib
import hmac
import logging
import time
from typing import Any

import msgspec
import nkeys
from nats.aio.client import Client
from nats.aio.msg import Msg

from citybase.collection.gateways.credentials import Credentials
from citybase.engines.nats import ACCOUNT
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id

__all__ = ["SUBJECT", "SYSTEM_USER", "Callout", "read_claims", "system_password"]

SUBJECT = "$SYS.REQ.USER.AUTH"
SYSTEM_USER = "citybase/system"
"""No device can be called so: a device's id holds no slash."""
_SYSTEM_ACCOUNT = "$SYS"
_SYSTEM_PERMISSIONS = {
    "pub": {"allow": ["$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.SERVER.*.KICK"]},
    "sub": {"allow": ["_INBOX.>"]},
}
_LOG = logging.getLogger(__name__)


def system_password(seed: bytes) -> str:
    """What our own sign-in to the system account shows: it follows from the seed that only we hold."""
    return hmac.new(seed, b"citybase system account", hashlib.sha256).hexdigest()


class Callout:
    """Answers the broker's question for devices."""

    def __init__(self, credentials: Credentials, seed: bytes) -> None:
        self._credentials = credentials
        self._signer = nkeys.from_seed(bytearray(seed))
        self._issuer = self._signer.public_key.decode()
        self._system_password = system_password(seed)

    async def serve(self, client: Client) -> None:
        """Answer on this connection from now on; several gateways share the questions."""
        await client.subscribe(SUBJECT, queue="gateway", cb=self._on_question)

    async def _on_question(self, message: Msg) -> None:
        try:
            await message.respond(await self.answer(message.data))
        except Exception:
            # No answer is a refusal: the broker waits for two seconds and closes the connection.
            _LOG.exception("a connection could not be decided")

    async def answer(self, question: bytes) -> bytes:
        """The signed answer to a signed question."""
        claims = read_claims(question)["nats"]
        options = claims["connect_opts"]
        name, secret = str(options.get("user", "")), str(options.get("pass", ""))
        result: dict[str, Any]
        try:
            permission = await self._permission(name, secret, claims["user_nkey"])
            result = {"jwt": permission} if permission else {"error": "wrong credential"}
        except Problem:
            result = {"error": "recovering, try again"}
        if "error" in result:
            _LOG.info("refused %r from %s: %s", name, claims["client_info"].get("host"), result["error"])
        return self._sign(
            {"sub": claims["user_nkey"], "aud": claims["server_id"]["id"]},
            {"type": "authorization_response", "version": 2, **result},
        ).encode()

    async def _permission(self, name: str, secret: str, user: str) -> str | None:
        """What whoever gives this name and secret may do; None: nothing."""
        if name == SYSTEM_USER and hmac.compare_digest(secret.encode(), self._system_password.encode()):
            return self._permit(name, user, _SYSTEM_ACCOUNT, _SYSTEM_PERMISSIONS)
        if await self._credentials.accept(name, secret):
            return self._permit(name, user, ACCOUNT, {"pub": {"allow": [f"obs.{name}"]}, "sub": {"deny": [">"]}})
        return None

    def _permit(self, name: str, user: str, account: str, permissions: dict[str, Any]) -> str:
        return self._sign({"sub": user, "aud": account, "name": name}, {"type": "user", "version": 2, **permissions})

    def _sign(self, claims: dict[str, Any], content: dict[str, Any]) -> str:
        header = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {"jti": str(new_id()), "iat": int(time.time()), "iss": self._issuer, **claims, "nats": content}
        signed = f"{_encoded(msgspec.json.encode(header))}.{_encoded(msgspec.json.encode(body))}"
        return f"{signed}.{_encoded(self._signer.sign(signed.encode()))}"


def read_claims(token: bytes) -> dict[str, Any]:
    """The claims of the broker's question; it arrives on our own account's system subject, so the sender is known."""
    body = token.split(b".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)), type=dict[str, Any])


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
