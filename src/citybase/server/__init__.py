"""The HTTP application: composition, sessions, the built web pages."""
