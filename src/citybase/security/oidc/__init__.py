"""OpenID Connect provider: other systems of the city sign people in here.

OpenID Connect Core 1.0 with the authorization code flow only, Discovery 1.0, RP-Initiated Logout 1.0; OAuth 2.0
(RFC 6749) as narrowed by RFC 9700: exact redirect addresses, PKCE with S256 (RFC 7636) required for public clients,
the issuer named in every answer (RFC 9207). An access token serves `/oidc/userinfo` and nothing else of this city.
"""
