"""One credential for each device: made here, shown once, kept as a digest. A terminal publishes only as itself."""

from uuid import UUID

import msgspec
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from citybase.city.resources.kinds import read_kind
from citybase.city.resources.reach import within_reach
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.security.identity.models import device_credential
from citybase.security.identity.secrets import digest, new_secret
from citybase.security.transactions import Transaction

__all__ = ["DeviceCredential", "drop_credential", "issue_credential", "revoke_credential"]


class DeviceCredential(msgspec.Struct, frozen=True):
    """What a device signs in with, over MQTT, HTTP and TCP alike. The password is not kept and cannot be read again."""

    device: str
    password: str


async def issue_credential(tx: Transaction, identifier: UUID) -> DeviceCredential:
    """Issue a terminal's credential, or replace it: the former secret ends at once.

    Raises `conflict` where the kind observes nothing or the terminal's life cycle has ended.
    """
    terminal = await within_reach(tx, "credential.issue", identifier)
    kind = await read_kind(tx.connection, terminal.kind)
    if not kind.is_terminal:
        raise Problem("conflict", reason="这一类资源不上报观测值,不需要设备凭据")
    state = kind.state(terminal.life_cycle)
    if state is not None and state.final:
        raise Problem("conflict", reason=f"已{state.name}的终端不能签发凭据")
    credential = DeviceCredential(terminal.code, new_secret())
    values = {"resource_id": identifier, "digest": digest(credential.password), "created_at": now()}
    statement = insert(device_credential).values(device=terminal.code, **values)
    await tx.connection.execute(
        statement.on_conflict_do_update(index_elements=[device_credential.c.device], set_=values)
    )
    detail = {"device": terminal.code}
    await tx.audit("credential.issue", "resource", identifier, detail, organization_id=terminal.owner_id)
    await tx.emit("credential.issued", identifier, detail)
    return credential


async def revoke_credential(tx: Transaction, identifier: UUID) -> None:
    """End a terminal's credential. Raises `not_found` when it has none."""
    await within_reach(tx, "credential.issue", identifier)
    if not await drop_credential(tx, identifier):
        raise Problem("not_found", what=str(identifier))


async def drop_credential(tx: Transaction, identifier: UUID) -> bool:
    """Delete the credential of a terminal already within reach; open connections hear of it by the event."""
    revoked = await tx.connection.scalar(
        delete(device_credential)
        .where(device_credential.c.resource_id == identifier)
        .returning(device_credential.c.device)
    )
    if revoked is None:
        return False
    await tx.audit("credential.revoke", "resource", identifier, {"device": revoked})
    await tx.emit("credential.revoked", identifier, {"device": revoked})
    return True
