"""The first account of a new city, and the way back in for who lost every password."""

from uuid import UUID

from sqlalchemy import delete, insert, select, update

from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.identity.models import person, role_grant, session
from citybase.security.identity.people import ROLES
from citybase.security.identity.secrets import hash_password, new_password
from citybase.security.organizations import read_root
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["FIRST_USERNAME", "ensure_first_person", "recover_password"]

FIRST_USERNAME = "admin"


async def ensure_first_person(database: Database) -> str | None:
    """Create the first account when there is none; returns its password, which is not kept anywhere.

    It holds every role at the root of the tree, so that one person can try everything; a bureau gives each person
    their own account and role and then takes roles from this one (`docs/how-to/people-and-roles.md`).
    """
    async with begin(database, SYSTEM) as tx:
        # Two processes starting at once must not both find nobody.
        await tx.connection.exec_driver_sql("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE")
        if await tx.connection.scalar(select(person.c.id).limit(1)):
            return None
        root = await read_root(tx.connection)
        if root is None:
            return None
        secret, new = new_password(), new_id()
        await tx.connection.execute(
            insert(person).values(
                id=new,
                username=FIRST_USERNAME,
                name="首任管理员",
                organization_id=root.id,
                clearance=4,
                password_hash=hash_password(secret),
            )
        )
        for role in ROLES:
            if role != "collector":
                await tx.connection.execute(
                    insert(role_grant).values(id=new_id(), person_id=new, role=role, organization_id=root.id)
                )
        await tx.audit("person.create", "person", new, {"username": FIRST_USERNAME}, organization_id=root.id)
    return secret


async def recover_password(database: Database, username: str) -> str:
    """A new first password, given by whoever holds the machine; audited as the program's own act."""
    secret = new_password()
    async with begin(database, SYSTEM) as tx:
        person_id: UUID | None = await tx.connection.scalar(select(person.c.id).where(person.c.username == username))
        if person_id is None:
            raise Problem("not_found", what=username)
        await tx.connection.execute(
            update(person)
            .where(person.c.id == person_id)
            .values(
                password_hash=hash_password(secret),
                must_change_password=True,
                failures=0,
                locked_until=None,
                version=person.c.version + 1,
            )
        )
        await tx.connection.execute(delete(session).where(session.c.person_id == person_id))
        await tx.audit("password.reset", "person", person_id)
    return secret
