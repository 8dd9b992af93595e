"""People and service accounts and their roles: actions and reads, all within the administrator's scope."""

from asyncio import to_thread
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Select, cast, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from citybase.engines.paging import Order, Page, fetch_page
from citybase.engines.postgres import Database
from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.ids import new_id
from citybase.security.identity.models import person, role_grant, session
from citybase.security.identity.secrets import hash_password, new_password
from citybase.security.organizations import organization
from citybase.security.policy import require
from citybase.security.principals import Principal
from citybase.security.scope import visible
from citybase.security.transactions import Transaction, begin

__all__ = [
    "ROLES",
    "GrantRequest",
    "NewPerson",
    "Person",
    "PersonChange",
    "change_person",
    "create_person",
    "list_people",
    "locked_below",
    "reset_password",
]

ROLES: dict[str, tuple[str, str]] = {
    "administrator": ("系统管理员", "Administrator"),
    "operator": ("值班员", "Duty operator"),
    "clerk": ("承办人", "Case clerk"),
    "data_officer": ("数据管理员", "Data officer"),
    "leader": ("领导", "Leader"),
    "auditor": ("审计员", "Auditor"),
    "collector": ("采集服务", "Collector (service account)"),
}


class GrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    organization_id: UUID


class NewPerson(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    name: str
    organization_id: UUID
    kind: Literal["person", "service"] = "person"
    clearance: int = 2
    grants: list[GrantRequest] = []


class PersonChange(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed; absent fields stay."""

    version: int
    name: str | None = None
    clearance: int | None = None
    disabled: bool | None = None
    grants: list[GrantRequest] | None = None


class Person(msgspec.Struct):
    id: UUID
    username: str
    kind: str
    name: str
    organization: dict[str, str]
    clearance: int
    disabled: bool
    locked_until: datetime | None
    must_change_password: bool
    version: int
    grants: list[dict[str, str]]


async def list_people(
    database: Database, principal: Principal, q: str | None, cursor: str | None, limit: int
) -> Page[Person]:
    """People of the reader's scope, by user name."""
    statement = visible(_people(), principal, "identity.read", person.c.organization_id)
    if q:
        words = q.replace("\0", "")
        statement = statement.where(
            person.c.name.icontains(words, autoescape=True) | person.c.username.icontains(words, autoescape=True)
        )
    async with database.begin() as connection:
        page = await fetch_page(connection, statement, [Order(person.c.username)], cursor, limit)
        return page.to([_person(row) for row in page.rows])


async def create_person(database: Database, principal: Principal, data: NewPerson) -> tuple[UUID, str | None]:
    """Create an account; returns its id and the first password, to be handed over and changed at first sign-in.

    A service account has no password: it works with tokens that its administrator makes.
    """
    _check_words(data.username, data.name, data.clearance)
    secret = new_password() if data.kind == "person" else None
    hashed = await to_thread(hash_password, secret) if secret else None
    new = new_id()
    async with begin(database, principal) as tx:
        path = await _path(tx, data.organization_id)
        require(principal, "identity.write", path, {"classification": data.clearance})
        try:
            async with tx.connection.begin_nested():
                await tx.connection.execute(
                    insert(person).values(
                        id=new,
                        username=data.username,
                        name=data.name,
                        kind=data.kind,
                        organization_id=data.organization_id,
                        clearance=data.clearance,
                        password_hash=hashed,
                        must_change_password=data.kind == "person",
                    )
                )
        except IntegrityError as error:
            raise Problem("conflict", reason=f"username {data.username}") from error
        await _replace_grants(tx, new, data.grants)
        await tx.audit(
            "person.create",
            "person",
            new,
            {"username": data.username, "clearance": data.clearance, "grants": data.grants},
            organization_id=data.organization_id,
        )
        await tx.emit("person.created", new, {"username": data.username})
    return new, secret


async def change_person(database: Database, principal: Principal, person_id: UUID, change: PersonChange) -> None:
    """Change name, clearance, roles, or disable; disabling ends every session.

    What one may do oneself is for others to change: an administrator can neither raise nor lock out themselves.
    """
    if person_id == principal.id and (change.clearance, change.disabled, change.grants) != (None, None, None):
        raise Problem("forbidden", action="identity.write")
    async with begin(database, principal) as tx:
        row = await locked_below(tx, person_id)
        if row.version != change.version:
            raise Problem("version_conflict", given=change.version, current=row.version)
        values: dict[str, object] = {"version": row.version + 1}
        for field in ("name", "clearance", "disabled"):
            if getattr(change, field) is not None:
                values[field] = getattr(change, field)
        clearance = row.clearance if change.clearance is None else change.clearance
        _check_words(row.username, str(values.get("name", row.name)), clearance)
        require(principal, "identity.write", row.path, {"classification": clearance})
        await tx.connection.execute(update(person).where(person.c.id == person_id).values(values))
        if change.grants is not None:
            await _replace_grants(tx, person_id, change.grants)
        if change.disabled:
            await tx.connection.execute(delete(session).where(session.c.person_id == person_id))
        # An auditor must be able to say who gave which power to whom.
        detail: dict[str, object] = {name: values[name] for name in ("clearance", "disabled") if name in values}
        if change.grants is not None:
            detail["grants"] = change.grants
        await tx.audit(
            "person.change",
            "person",
            person_id,
            {"fields": sorted(values), **detail},
            organization_id=row.organization_id,
        )


async def reset_password(database: Database, principal: Principal, person_id: UUID) -> str:
    """A new first password for someone who lost theirs; ends their sessions and the lock-out."""
    if person_id == principal.id:
        # One's own password is changed with the present one (`change_password`), not with a found session.
        raise Problem("forbidden", action="password.reset")
    secret = new_password()
    hashed = await to_thread(hash_password, secret)
    async with begin(database, principal) as tx:
        row = await locked_below(tx, person_id)
        if row.kind != "person":
            raise Problem("conflict", reason=f"{row.username}: {row.kind}")
        await tx.connection.execute(
            update(person)
            .where(person.c.id == person_id)
            .values(
                password_hash=hashed,
                must_change_password=True,
                failures=0,
                locked_until=None,
                version=person.c.version + 1,
            )
        )
        await tx.connection.execute(delete(session).where(session.c.person_id == person_id))
        await tx.audit("password.reset", "person", person_id, organization_id=row.organization_id)
    return secret


def _people() -> Select[Any]:
    entry = func.json_build_object(
        "role", role_grant.c.role, "organization_id", organization.c.id, "organization", organization.c.name
    )
    grants = (
        select(func.coalesce(func.json_agg(entry, type_=JSON), cast([], JSON)))
        .select_from(role_grant.join(organization, organization.c.id == role_grant.c.organization_id))
        .where(role_grant.c.person_id == person.c.id)
        .scalar_subquery()
    )
    home = organization.alias("home")
    return select(person, home.c.name.label("home_name"), home.c.code.label("home_code"), grants.label("grants")).join(
        home, home.c.id == person.c.organization_id
    )


def _person(row: Any) -> Person:
    return Person(
        id=row.id,
        username=row.username,
        kind=row.kind,
        name=row.name,
        organization={"id": str(row.organization_id), "code": row.home_code, "name": row.home_name},
        clearance=row.clearance,
        disabled=row.disabled,
        locked_until=row.locked_until,
        must_change_password=row.must_change_password,
        version=row.version,
        grants=row.grants,
    )


async def locked_below(tx: Transaction, person_id: UUID) -> Any:
    """The account's row, locked, when it reaches no further than the administrator who acts does.

    Whoever could reset the password of one that does, or take its clearance away first, could act as it.
    """
    statement = (
        select(person, organization.c.path)
        .join(organization, organization.c.id == person.c.organization_id)
        .where(person.c.id == person_id)
        .with_for_update(of=person)
    )
    row = (
        await tx.connection.execute(visible(statement, tx.principal, "identity.read", person.c.organization_id))
    ).one_or_none()
    if row is None:
        raise Problem("not_found", what=person_id)
    require(tx.principal, "identity.write", row.path, {"classification": row.clearance})
    paths = await tx.connection.scalars(
        select(organization.c.path)
        .join(role_grant, role_grant.c.organization_id == organization.c.id)
        .where(role_grant.c.person_id == person_id)
    )
    for path in paths:
        require(tx.principal, "identity.write", path)
    return row


async def _path(tx: Transaction, organization_id: UUID) -> str:
    path = await tx.connection.scalar(select(organization.c.path).where(organization.c.id == organization_id))
    if path is None:
        raise Problem("not_found", what=organization_id)
    return str(path)


async def _replace_grants(tx: Transaction, person_id: UUID, grants: Sequence[GrantRequest]) -> None:
    await tx.connection.execute(delete(role_grant).where(role_grant.c.person_id == person_id))
    for grant in dict.fromkeys(grants):
        if grant.role not in ROLES:
            raise Problem("invalid_input", reason=f"role: {grant.role}; one of {', '.join(ROLES)}")
        # Nobody grants beyond the organisations where they themselves manage identities.
        require(tx.principal, "identity.write", await _path(tx, grant.organization_id))
        await tx.connection.execute(
            insert(role_grant).values(
                id=new_id(), person_id=person_id, role=grant.role, organization_id=grant.organization_id
            )
        )


def _check_words(username: str, name: str, clearance: int) -> None:
    errors = []
    if not 1 <= len(username) <= 64 or not username.isprintable() or any(c.isspace() for c in username):
        errors.append(FieldError("/username", "length", "1–64 个可见字符 / 1–64 visible characters"))
    if not 1 <= len(name.strip()) <= 100 or "\0" in name:
        errors.append(FieldError("/name", "length", "1–100 个字符 / 1–100 characters"))
    if not 1 <= clearance <= 4:
        errors.append(FieldError("/clearance", "range", "1–4"))
    if errors:
        raise Problem("invalid_input", errors, reason=", ".join(error.pointer for error in errors))
