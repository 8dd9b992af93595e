"""Signing in and out, changing the password, locking out after repeated failures."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.identity.authenticate import load_principal
from citybase.security.identity.models import person, session
from citybase.security.identity.secrets import MINIMUM_PASSWORD, digest, hash_password, new_secret, verify_password
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import Transaction, begin

__all__ = ["change_password", "sign_in", "sign_out"]


async def sign_in(database: Database, settings: Settings, username: str, password: str) -> tuple[Principal, str]:
    """Open a session; returns the principal and the cookie's secret.

    Raises `wrong_credentials`, or `locked_out` when there were too many failures in a row.
    """
    async with database.begin() as connection:
        account = (
            await connection.execute(
                select(person).where(person.c.username == username.replace("\0", ""), person.c.kind == "person")
            )
        ).one_or_none()
    if account is not None and account.locked_until is not None and account.locked_until > now():
        raise Problem("locked_out", minutes=_minutes_left(account.locked_until))
    if not verify_password(account.password_hash if account else None, password) or account is None:
        if account is not None:
            await _count_failure(database, settings, account)
        raise Problem("wrong_credentials")
    return await _open_session(database, settings, account.id)


async def _open_session(database: Database, settings: Settings, person_id: UUID) -> tuple[Principal, str]:
    secret = new_secret()
    async with database.begin() as connection:
        principal = await load_principal(connection, person_id)
        if principal is None:
            raise Problem("wrong_credentials")
        tx = Transaction(connection, principal)
        await connection.execute(update(person).where(person.c.id == person_id).values(failures=0, locked_until=None))
        await connection.execute(delete(session).where(session.c.expires_at < now()))
        await connection.execute(
            insert(session).values(
                digest=digest(secret),
                person_id=person_id,
                expires_at=now() + timedelta(hours=settings.session_hours),
            )
        )
        await tx.audit("session.open", "person", person_id)
    return principal, secret


async def _count_failure(database: Database, settings: Settings, account: Row[Any]) -> None:
    async with begin(database, SYSTEM) as tx:
        # Counted in the database, so that parallel guesses cannot share one count.
        failures = await tx.connection.scalar(
            update(person)
            .where(person.c.id == account.id)
            .values(failures=person.c.failures + 1)
            .returning(person.c.failures)
        )
        locked = failures is not None and failures >= settings.lockout_failures
        if locked:
            until = now() + timedelta(minutes=settings.lockout_minutes)
            await tx.connection.execute(
                update(person).where(person.c.id == account.id).values(failures=0, locked_until=until)
            )
        await tx.audit(
            "session.open",
            "person",
            account.id,
            {"locked": locked},
            organization_id=account.organization_id,
            outcome="refused",
        )


async def sign_out(database: Database, principal: Principal, secret: str) -> None:
    """Close one session."""
    async with begin(database, principal) as tx:
        await tx.connection.execute(delete(session).where(session.c.digest == digest(secret)))
        await tx.audit("session.close", "person", principal.id)


async def change_password(database: Database, principal: Principal, current: str, new: str) -> None:
    """Replace one's own password; every session of the account ends."""
    async with begin(database, principal) as tx:
        account = (await tx.connection.execute(select(person).where(person.c.id == principal.id))).one()
        if not verify_password(account.password_hash, current):
            raise Problem("wrong_credentials")
        if len(new) < MINIMUM_PASSWORD or new in {current, account.username}:
            raise Problem("weak_password", minimum=MINIMUM_PASSWORD)
        await tx.connection.execute(
            update(person)
            .where(person.c.id == principal.id)
            .values(password_hash=hash_password(new), must_change_password=False, version=person.c.version + 1)
        )
        await tx.connection.execute(delete(session).where(session.c.person_id == principal.id))
        await tx.audit("password.change", "person", principal.id)


def _minutes_left(until: datetime) -> int:
    return max(1, round((until - now()).total_seconds() / 60))
