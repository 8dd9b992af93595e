"""The HTTP application: every capability's routes composed, one identity, one way to fail."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from sqlalchemy import text

from citybase.applications.operations.live import Feed
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.sources import CityObservations
from citybase.collection.gateways.http import ReadingPublisher, publishing
from citybase.engines.events import follow, listen
from citybase.engines.heartbeat import Heartbeat
from citybase.engines.keeping import keep_going
from citybase.engines.lake import open_lake
from citybase.engines.nats import nats_address
from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.dependencies import TheDatabase, TheVisitor
from citybase.security.identity.authenticate import authenticate
from citybase.security.oidc import endpoints as oidc_endpoints
from citybase.security.principals import Principal
from citybase.server import health
from citybase.server.pages import PACKED, page_routes
from citybase.server.problems import EXCEPTION_HANDLERS
from citybase.server.routes import ROUTES

__all__ = ["API_PREFIX", "create_app"]

API_PREFIX = "/api/v1"


async def provide_visitor(request: Request[Any, Any, Any], database: TheDatabase) -> Principal | None:
    return await authenticate(request, database)


async def provide_principal(visitor: TheVisitor) -> Principal:
    if visitor is None:
        raise Problem("unauthenticated")
    return visitor


def create_app(settings: Settings, database: Database) -> Litestar:
    """Compose the application on engines that are already running."""

    async def check_postgres() -> None:
        async with database.begin() as connection:
            await connection.execute(text("SELECT 1"))

    feed = Feed()
    checks: health.Checks = {
        "postgres": check_postgres,
        "nats": feed.check,
        "disk": health.disk_check(settings.data),
        "observer": health.heartbeat_check(
            Heartbeat(settings.data, "observer"), "observer", 15 + 3 * settings.flush_seconds
        ),
        **health.door_checks(settings),
    }
    latest = LatestReader(settings.data / "latest")
    observations = CityObservations(database, lambda: open_lake(settings, database.url), latest)
    publisher = ReadingPublisher(settings)
    return Litestar(
        route_handlers=[
            Router(API_PREFIX, route_handlers=ROUTES),
            *oidc_endpoints.ROOT_ROUTES,
            *health.ROUTES,
            *page_routes(),
        ],
        dependencies={
            "settings": provide(settings),
            "database": provide(database),
            "checks": provide(checks),
            "feed": provide(feed),
            "latest": provide(latest),
            "observation_sources": provide(observations),
            "publisher": provide(publisher),
            "visitor": Provide(provide_visitor),
            "principal": Provide(provide_principal),
        },
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(title="CityBase 城基", version="1", path="/schema"),
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=6, minimum_size=1024, exclude=PACKED),
        request_max_body_size=settings.max_body_bytes,
        lifespan=[closing(database, observations), feeding(settings, feed), publishing(publisher)],
    )


def provide(value: object) -> Provide:
    """A dependency that is always the same object."""
    return Provide(lambda: value, sync_to_thread=False)


def feeding(settings: Settings, feed: Feed) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Events reach the open pages while the application runs; NATS may come and go."""

    async def follow_nats() -> None:
        async with listen(nats_address(settings)) as client:
            feed.source = client
            await follow(client, feed.deliver)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None, None]:
        following = asyncio.create_task(keep_going("live feed", follow_nats, every=1.0))
        try:
            yield
        finally:
            following.cancel()
            # Waited for, so that its connection is closed and not only forgotten.
            with contextlib.suppress(asyncio.CancelledError):
                await following

    return lifespan


def closing(
    database: Database, observations: CityObservations
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            observations.close()
            await database.close()

    return lifespan
