"""Signing in and out, changing the password, locking out after repeated failures."""

from asyncio import to_thread
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, insert, or_, select, update

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

_NOBODY = UUID(int=0)


async def sign_in(
    database: Database, settings: Settings, username: str, password: str, replaces: str = ""
) -> tuple[Principal, str]:
    """Open a session; returns the principal and the cookie's secret. The session `replaces` ends with it.

    Raises `wrong_credentials`, or `locked_out` when there were too many failures in a row.
    """
    account = await _account(database, username)
    await _check_password(database, settings, account, password)
    return await _open_session(database, settings, account.id if account else _NOBODY, replaces)


async def _account(database: Database, username: str) -> Row[Any] | None:
    # U+0000 cannot be stored, so nobody is called that; PostgreSQL would refuse the parameter.
    if "\0" in username:
        return None
    async with database.begin() as connection:
        found = await connection.execute(select(person).where(person.c.username == username, person.c.kind == "person"))
        return found.one_or_none()


async def _check_password(database: Database, settings: Settings, account: Row[Any] | None, password: str) -> None:
    """Verify a password or count a failure. An unknown name costs the same work, so that names cannot be probed."""
    attempt = await _count_attempt(database, settings, account.id if account else _NOBODY)
    # In a thread: the hash is slow on purpose, and everybody else's requests must not wait for it.
    if await to_thread(verify_password, account.password_hash if account else None, password):
        return
    await _record_failure(database, settings, account, lock=attempt >= settings.lockout_failures)
    raise Problem("wrong_credentials")


async def _count_attempt(database: Database, settings: Settings, person_id: UUID) -> int:
    """Count an attempt before its password is looked at, so that parallel guesses get no more tries than others.

    A right password sets the count back; a lock that has run out begins a new one.
    """
    moment = now()
    begins_anew = person.c.locked_until <= moment
    async with database.begin() as connection:
        attempt = await connection.scalar(
            update(person)
            .where(person.c.id == person_id, or_(person.c.locked_until.is_(None), begins_anew))
            .values(
                failures=case((begins_anew, 1), else_=person.c.failures + 1),
                # Beyond the limit while the last tries are still being looked at: locked until they are known.
                locked_until=case(
                    (begins_anew, None),
                    (person.c.failures >= settings.lockout_failures, _lock_end(settings)),
                    else_=None,
                ),
            )
            .returning(person.c.failures)
        )
        until = await connection.scalar(select(person.c.locked_until).where(person.c.id == person_id))
    if until is not None:
        raise Problem("locked_out", minutes=_minutes_left(until))
    return attempt or 0


async def _record_failure(database: Database, settings: Settings, account: Row[Any] | None, *, lock: bool) -> None:
    person_id = account.id if account else _NOBODY
    async with begin(database, SYSTEM) as tx:
        if lock:
            await tx.connection.execute(
                update(person).where(person.c.id == person_id).values(locked_until=_lock_end(settings))
            )
        await tx.audit(
            "session.open",
            "person",
            person_id,
            {"locked": lock},
            organization_id=account.organization_id if account else None,
            outcome="refused",
        )


async def _open_session(
    database: Database, settings: Settings, person_id: UUID, replaces: str
) -> tuple[Principal, str]:
    secret = new_secret()
    async with database.begin() as connection:
        principal = await load_principal(connection, person_id)
        if principal is None:
            raise Problem("wrong_credentials")
        tx = Transaction(connection, principal)
        await connection.execute(update(person).where(person.c.id == person_id).values(failures=0, locked_until=None))
        await connection.execute(
            delete(session).where(or_(session.c.expires_at < now(), session.c.digest == digest(replaces)))
        )
        await connection.execute(
            insert(session).values(
                digest=digest(secret),
                person_id=person_id,
                created_at=now(),
                expires_at=now() + timedelta(hours=settings.session_hours),
            )
        )
        await tx.audit("session.open", "person", person_id)
    return principal, secret


async def sign_out(database: Database, principal: Principal, secret: str) -> None:
    """Close one session."""
    async with begin(database, principal) as tx:
        await tx.connection.execute(delete(session).where(session.c.digest == digest(secret)))
        await tx.audit("session.close", "person", principal.id)


async def change_password(database: Database, settings: Settings, principal: Principal, current: str, new: str) -> None:
    """Replace one's own password; every session of the account ends.

    A wrong current password counts towards the lock-out as at sign-in: whoever found an open session must not guess.
    """
    account = await _account(database, principal.username)
    if account is None or account.id != principal.id or principal.actions is not None:
        # Devices, service accounts and API tokens have no password to change.
        raise Problem("forbidden", action="password.change")
    await _check_password(database, settings, account, current)
    if len(new) < MINIMUM_PASSWORD or new in {current, account.username}:
        raise Problem("weak_password", minimum=MINIMUM_PASSWORD)
    hashed = await to_thread(hash_password, new)
    async with begin(database, principal) as tx:
        await tx.connection.execute(
            update(person)
            .where(person.c.id == principal.id)
            .values(password_hash=hashed, must_change_password=False, failures=0, version=person.c.version + 1)
        )
        await tx.connection.execute(delete(session).where(session.c.person_id == principal.id))
        await tx.audit("password.change", "person", principal.id)


def _lock_end(settings: Settings) -> datetime:
    return now() + timedelta(minutes=settings.lockout_minutes)


def _minutes_left(until: datetime) -> int:
    return max(1, round((until - now()).total_seconds() / 60))
