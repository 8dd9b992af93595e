"""Authlib's authorization server, working on values that were loaded beforehand.

Authlib decides (synchronously, touching nothing outside); what it issued is left in `Provider` for the caller to
store in the same database transaction that the values were read in.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.errors import RequestNotSupportedError, RequestURINotSupportedError

from citybase.security.identity.secrets import new_secret, same_digest
from citybase.security.oidc.keys import ALGORITHM, SigningKeys

__all__ = ["SCOPES", "TOKEN_SECONDS", "Answer", "Client", "Code", "OAuth2Error", "Provider", "basic_user"]

SCOPES = ("openid", "profile", "roles")
TOKEN_SECONDS = 3600


@dataclass(slots=True)
class Answer:
    """An HTTP answer as the protocol wants it; `error` is its error code, for the audit log."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def error(self) -> str | None:
        return self.body.get("error") if isinstance(self.body, dict) else None


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client, with the questions that Authlib asks of one."""

    id: UUID
    organization_id: UUID
    name: str
    secret_digest: bytes | None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]

    @property
    def client_metadata(self) -> dict[str, Any]:
        return {"post_logout_redirect_uris": self.post_logout_redirect_uris}

    def get_client_id(self) -> str:
        return str(self.id)

    def get_default_redirect_uri(self) -> None:
        # OpenID Connect Core §3.1.2.1 makes the parameter required.
        return None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        # Unknown scopes are ignored (Core §3.1.2.1); without `openid` it is no request of this protocol.
        granted = [word for word in (scope or "").split() if word in self.scopes]
        return " ".join(dict.fromkeys(granted)) if "openid" in granted else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_digest is not None and same_digest(client_secret, self.secret_digest)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") == (self.secret_digest is None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True, slots=True)
class Code:
    """A stored authorization code, with the questions that Authlib asks of one. `claims` None: nobody to sign in."""

    client_id: UUID
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    auth_time: int
    expired: bool
    used: bool
    claims: Mapping[str, Any] | None
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class ProviderRequest(OAuth2Request):
    """The parameters of one request, from its query or its form; each stands once."""

    def __init__(self, method: str, parameters: Mapping[str, str], authorization: str = "") -> None:
        # Which transport may be used was decided with the issuer (`issuer_of`); Authlib would refuse an http
        # address that the operator named as the public one.
        super().__init__(method, "https://issuer", headers={"Authorization": authorization})
        self.payload = BasicOAuth2Payload(dict(parameters))

    @property
    def args(self) -> Any:
        return self.payload.data

    @property
    def form(self) -> Any:
        return self.payload.data


class Provider(AuthorizationServer):
    """One request's server: it knows the clients and the code that were loaded, and keeps what it issued."""

    def __init__(
        self,
        issuer: str,
        clients: Mapping[str, Client],
        *,
        code: Code | None = None,
        keys: SigningKeys | None = None,
    ) -> None:
        super().__init__()
        self.issuer = issuer
        self.clients = clients
        self.code = code
        self.keys = keys
        self.issued_code: str | None = None
        self.issued_scope = ""
        self.issued_token: str | None = None
        self.replayed = False
        self.register_grant(CodeGrant, [S256Challenge(required=True), IdToken()])
        self.register_token_generator("default", _bearer_token)

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: Mapping[str, Any], _request: OAuth2Request) -> None:
        self.issued_token = token["access_token"]

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Authlib announces its steps; nobody listens."""

    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, {name.lower(): value for name, value in headers})


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        data = self.request.payload.data
        if "request" in data:
            raise RequestNotSupportedError(redirect_uri=redirect_uri)
        if "request_uri" in data:
            raise RequestURINotSupportedError(redirect_uri=redirect_uri)
        if data.get("response_mode", "query") != "query":
            raise InvalidRequestError("Only response_mode=query is served.", redirect_uri=redirect_uri)
        if not all(data.get(name, "0").isdecimal() for name in ("max_age", "signed_in_after")):
            raise InvalidRequestError("max_age is a number of seconds.", redirect_uri=redirect_uri)
        return redirect_uri

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.issued_code = code
        self.server.issued_scope = request.scope

    def query_authorization_code(self, _code: str, client: Client) -> Code | None:
        found: Code | None = self.server.code
        if found is None or found.client_id != client.id:
            return None
        self.server.replayed = found.used
        return None if found.used or found.expired else found

    def authenticate_user(self, authorization_code: Code) -> Mapping[str, Any] | None:
        return authorization_code.claims

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """The caller marks it used, together with storing the token."""


class S256Challenge(CodeChallenge):
    """PKCE: always S256; a public client must use it (RFC 9700 §2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        data = grant.request.payload.data
        challenge = data.get("code_challenge")
        if not challenge and grant.request.client.secret_digest is None:
            raise InvalidRequestError("A public client must send a code_challenge.")
        if challenge and data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):
    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        # A nonce guards the client, which compares it; against replay here stands the single use of the code.
        return False

    def resolve_client_private_key(self, _client: Client) -> Any:
        return self._keys.current

    def generate_user_info(self, user: Mapping[str, Any], scope: str) -> Mapping[str, Any]:
        return user

    def get_client_algorithm(self, _client: Client) -> str:
        return ALGORITHM

    def get_encode_header(self, _client: Client) -> dict[str, Any]:
        return {"alg": ALGORITHM, "kid": self._keys.current.kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self._issuer, "aud": client.get_client_id()}

    def __call__(self, grant: CodeGrant) -> None:
        self._issuer = grant.server.issuer
        self._keys = grant.server.keys
        super().__call__(grant)


def basic_user(authorization: str) -> str | None:
    """The user part of a `Basic` credential, so that its client can be loaded; None when it is unreadable."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credential.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _bearer_token(scope: str = "", **_: Any) -> dict[str, Any]:
    return {"token_type": "Bearer", "access_token": new_secret(), "expires_in": TOKEN_SECONDS, "scope": scope}
