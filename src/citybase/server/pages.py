"""The built web pages, served by the program itself: nothing on them leaves the machine."""

from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from citybase.kernel.errors import Problem

__all__ = ["PACKED", "PAGES", "page_routes"]

PAGES = Path(__file__).parent / "pages"
PACKED = ["^/assets/", "^/favicon"]
"""Paths that the build has compressed already: nothing may compress them again."""
_SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",
}
_ASSET_HEADERS = {"cache-control": "public, max-age=31536000, immutable"}
_FILE_HEADERS = {"vary": "accept-encoding", "x-content-type-options": "nosniff"}
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build writes beside a file, best first."""


@get(["/", "/{page:path}"], include_in_schema=False, media_type=MediaType.HTML)
async def page(page: FromPath[str] = "") -> Response[bytes]:
    """One page for every address that is not the API's: the application finds its way by the address."""
    if page.lstrip("/").startswith(("api/", "assets/", "health/", "oidc/", ".well-known/")):
        raise Problem("not_found", what=page)
    index = PAGES / "index.html"
    if not index.is_file():
        raise Problem("not_found", what="index.html (npm run build)")
    return Response(index.read_bytes(), media_type=MediaType.HTML, headers=_SECURITY_HEADERS)


@get("/assets/{name:str}", include_in_schema=False)
async def asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """A file whose name carries its hash, so that a browser may keep it for ever."""
    file = PAGES / "assets" / name
    if Path(name).name != name or not file.is_file():
        raise Problem("not_found", what=name)
    return _packed(file, request, _ASSET_HEADERS)


@get("/favicon.svg", include_in_schema=False)
async def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The one picture that browsers ask for by themselves."""
    file = PAGES / "favicon.svg"
    if not file.is_file():
        raise Problem("not_found", what=file.name)
    return _packed(file, request, {"cache-control": "max-age=86400"})


def _packed(file: Path, request: Request[Any, Any, Any], headers: dict[str, str]) -> Response[bytes]:
    """A file as the build compressed it, where the browser can read that."""
    media_type = _MEDIA_TYPES.get(file.suffix, "application/octet-stream")
    headers = _FILE_HEADERS | headers
    for encoding in _accepted(request.headers.get("accept-encoding", "")):
        packed = file.with_name(file.name + _ENCODINGS[encoding])
        if packed.is_file():
            file, headers["content-encoding"] = packed, encoding
            break
    return Response(file.read_bytes(), media_type=media_type, headers=headers)


def _accepted(header: str) -> list[str]:
    """The encodings we have of those a browser names, best first; `q=0` refuses one (RFC 9110, 12.5.3)."""
    named = {part.partition(";")[0].strip().lower(): part.replace(" ", "") for part in header.split(",")}
    return [encoding for encoding in _ENCODINGS if encoding in named and not _refused(named[encoding])]


def _refused(part: str) -> bool:
    weight = part.lower().partition(";q=")[2]
    return bool(weight) and weight.strip("0.") == ""


def page_routes() -> list[ControllerRouterHandler]:
    """Pages, their files, and the icon."""
    return [asset, favicon, page]
