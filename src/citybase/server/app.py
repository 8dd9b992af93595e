"""The HTTP application: every capability's routes composed, one identity, one way to fail."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.dependencies import TheDatabase, TheVisitor
from citybase.security.identity import api as identity_api
from citybase.security.identity.authenticate import authenticate
from citybase.security.principals import Principal
from citybase.server.problems import EXCEPTION_HANDLERS

__all__ = ["API_PREFIX", "create_app"]

API_PREFIX = "/api/v1"


async def provide_visitor(request: Request[Any, Any, Any], database: TheDatabase) -> Principal | None:
    return await authenticate(request, database)


async def provide_principal(visitor: TheVisitor) -> Principal:
    if visitor is None:
        raise Problem("unauthenticated")
    return visitor


def routes() -> Sequence[ControllerRouterHandler]:
    """All routes under the API prefix, capability by capability."""
    return [*identity_api.ROUTES]


def create_app(settings: Settings, database: Database) -> Litestar:
    """Compose the application on engines that are already running."""
    return Litestar(
        route_handlers=[Router(API_PREFIX, route_handlers=routes())],
        dependencies={
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "database": Provide(lambda: database, sync_to_thread=False),
            "visitor": Provide(provide_visitor),
            "principal": Provide(provide_principal),
        },
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(title="CityBase 城基", version="1", path="/schema"),
        request_max_body_size=settings.max_body_bytes,
        on_shutdown=[database.close],
    )
