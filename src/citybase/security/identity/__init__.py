"""Identity: people, service accounts, sessions, API tokens, lock-out; OpenID Connect for other systems.

Passwords rest as Argon2id hashes (RFC 9106), sessions and tokens as SHA-256 of 256 random bits.
"""
