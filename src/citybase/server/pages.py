"""The built web pages, served by the program itself: nothing on them leaves the machine."""

from pathlib import Path

from litestar import MediaType, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from citybase.kernel.errors import Problem

__all__ = ["PAGES", "page_routes"]

PAGES = Path(__file__).parent / "pages"
_SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",
}


@get(["/", "/{page:path}"], include_in_schema=False, media_type=MediaType.HTML)
async def page(page: FromPath[str] = "") -> Response[bytes]:
    """One page for every address that is not the API's: the application finds its way by the address."""
    if page.lstrip("/").startswith(("api/", "assets/", "health/", "oidc/", ".well-known/")):
        raise Problem("not_found", what=page)
    index = PAGES / "index.html"
    if not index.is_file():
        raise Problem("not_found", what="index.html (npm run build)")
    return Response(index.read_bytes(), media_type=MediaType.HTML, headers=_SECURITY_HEADERS)


def page_routes() -> list[ControllerRouterHandler]:
    """Assets carry a hash in their name, so a browser may keep them for ever."""
    assets = create_static_files_router(
        path="/assets",
        directories=[PAGES / "assets"],
        include_in_schema=False,
        cache_control=CacheControlHeader(public=True, max_age=31_536_000, immutable=True),
    )
    return [assets, page]
