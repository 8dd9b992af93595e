"""What a route may ask for by name; the server provides them (`citybase.server.app`)."""

from litestar.di import NamedDependency

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.security.principals import Principal

__all__ = ["TheDatabase", "ThePrincipal", "TheSettings", "TheVisitor"]

TheDatabase = NamedDependency[Database]
TheSettings = NamedDependency[Settings]
ThePrincipal = NamedDependency[Principal]
"""Whoever acts; a request without a credential is refused before the handler runs."""
TheVisitor = NamedDependency[Principal | None]
"""Whoever acts, or nobody: for the few public routes."""
