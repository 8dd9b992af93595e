"""Tables of the OpenID Connect provider. Secrets, codes and tokens rest as SHA-256 digests only."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, LargeBinary, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY

from citybase.engines.postgres import metadata

__all__ = ["oidc_client", "oidc_code", "oidc_token"]

oidc_client = Table(
    "oidc_client",
    metadata,
    # The id is the protocol's `client_id`.
    Column("id", Uuid, primary_key=True),
    # Whoever administers the clients: the root of the tree.
    Column("organization_id", Uuid, ForeignKey("organization.id"), nullable=False),
    Column("name", Text, nullable=False),
    # Null for a public client, which cannot keep a secret and proves itself by PKCE.
    Column("secret_digest", LargeBinary),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("post_logout_redirect_uris", ARRAY(Text), nullable=False, server_default="{}"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("disabled", Boolean, nullable=False, server_default="false"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

oidc_code = Table(
    "oidc_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client_id", Uuid, ForeignKey("oidc_client.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person_id", Uuid, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("challenge", Text),
    Column("auth_time", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # Kept after use, so that a second use is known as one and revokes what the first was given.
    Column("used_at", DateTime(timezone=True)),
)

oidc_token = Table(
    "oidc_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("code_digest", LargeBinary, ForeignKey("oidc_code.digest", ondelete="CASCADE"), nullable=False, index=True),
    Column("client_id", Uuid, ForeignKey("oidc_client.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person_id", Uuid, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
