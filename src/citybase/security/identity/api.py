"""Routes of one's own session."""

from dataclasses import replace
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from citybase.security.dependencies import TheDatabase, ThePrincipal, TheSettings, TheVisitor
from citybase.security.identity.authenticate import SESSION_COOKIE, SIGN_ON_COOKIE
from citybase.security.identity.sign_in import change_password, sign_in, sign_out
from citybase.security.organizations import read_root
from citybase.security.policy import permitted_actions
from citybase.security.principals import Principal

__all__ = ["ROUTES"]


class Credentials(msgspec.Struct):
    username: str
    password: str


class PasswordChange(msgspec.Struct):
    current: str
    new: str


class Me(msgspec.Struct):
    """The signed-in principal as pages need it."""

    id: str
    username: str
    name: str
    organization: dict[str, str | None]
    roles: list[str]
    permissions: list[str]
    clearance: int
    must_change_password: bool


def describe(principal: Principal) -> Me:
    return Me(
        id=str(principal.id),
        username=principal.username,
        name=principal.name,
        organization={
            "id": str(principal.organization_id) if principal.organization_id else None,
            "name": principal.organization_name,
        },
        roles=sorted(principal.roles),
        permissions=permitted_actions(principal),
        clearance=principal.clearance,
        must_change_password=principal.must_change_password,
    )


class City(msgspec.Struct):
    name: str
    name_en: str
    code: str


class SessionState(msgspec.Struct):
    """What anybody may know of this city, and who is signed in."""

    city: City | None
    environment: str
    principal: Me | None


@get("/session", tags=["session"], summary="Who am I")
async def read_session(visitor: TheVisitor, database: TheDatabase, settings: TheSettings) -> SessionState:
    async with database.begin() as connection:
        root = await read_root(connection)
    city = City(root.short_name or root.name, root.name_en, root.code) if root else None
    return SessionState(city, settings.environment, describe(visitor) if visitor else None)


@post("/session", tags=["session"], summary="Sign in", status_code=200)
async def open_session(
    request: Request[Any, Any, Any], data: JSONBody[Credentials], database: TheDatabase, settings: TheSettings
) -> Response[Me]:
    before = request.cookies.get(SESSION_COOKIE, "")
    principal, secret = await sign_in(database, settings, data.username, data.password, replaces=before)
    cookie = Cookie(
        key=SESSION_COOKIE,
        value=secret,
        httponly=True,
        samesite="strict",
        secure=settings.secure_cookies,
        max_age=int(settings.session_hours * 3600),
    )
    # A link from another system must find the session, but only where that system asks to sign the person in.
    sign_on = replace(cookie, key=SIGN_ON_COOKIE, path="/oidc", samesite="lax")
    return Response(describe(principal), cookies=[cookie, sign_on])


@delete("/session", tags=["session"], summary="Sign out", status_code=204)
async def close_session(request: Request[Any, Any, Any], principal: ThePrincipal, database: TheDatabase) -> None:
    await sign_out(database, principal, request.cookies.get(SESSION_COOKIE, ""))


@post("/session/password", tags=["session"], summary="Change my password", status_code=204)
async def replace_password(
    data: JSONBody[PasswordChange], principal: ThePrincipal, database: TheDatabase, settings: TheSettings
) -> None:
    await change_password(database, settings, principal, data.current, data.new)


ROUTES = [read_session, open_session, close_session, replace_password]
