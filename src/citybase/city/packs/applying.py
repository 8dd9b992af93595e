"""Applying packs: all of them and what they require in one transaction; a second time writes nothing."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from citybase.city.packs.checking import errors_of, with_required
from citybase.city.packs.diffing import SectionDiff, definition_digest, diff_pack, pack_digest
from citybase.city.packs.locating import find_pack
from citybase.city.packs.models import pack, pack_definition
from citybase.city.packs.reading import Definition, Pack
from citybase.city.packs.sections import SECTIONS
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import FieldError, Problem
from citybase.security.principals import SYSTEM, Principal
from citybase.security.scope import require_citywide
from citybase.security.transactions import Transaction, begin

__all__ = ["apply_packs", "apply_shipped"]

_PACK_LOCK = 7_202_613


async def apply_shipped(database: Database, names: Sequence[str]) -> None:
    """Apply packs at start, by id or path, as the program itself. Raises `unknown_pack` or `bad_pack`."""
    await apply_packs(database, SYSTEM, [find_pack(name) for name in names])


async def apply_packs(
    database: Database, principal: Principal, folders: Sequence[Path]
) -> dict[str, list[SectionDiff]]:
    """Apply packs and everything they require; returns what changed, by pack.

    Raises `bad_pack` with every error of the first pack that has some; then nothing is written.
    """
    packs = with_required(folders)
    async with begin(database, principal) as tx:
        await require_citywide(tx.connection, principal, "pack.apply")
        # Two processes that start at once apply one after the other; the second finds nothing to do.
        await tx.connection.execute(select(func.pg_advisory_xact_lock(_PACK_LOCK)))
        changed = [each for each in packs if not await _is_applied(tx, each)]
        for each in changed:
            _refuse_errors(each, packs)
        return {each.manifest.id: await _apply(tx, each) if each in changed else [] for each in packs}


async def _is_applied(tx: Transaction, each: Pack) -> bool:
    if each.errors:
        return False
    applied = await tx.connection.execute(select(pack.c.digest, pack.c.source).where(pack.c.id == each.manifest.id))
    return applied.one_or_none() == (pack_digest(each), str(each.folder))


def _refuse_errors(each: Pack, packs: Sequence[Pack]) -> None:
    errors = errors_of(each, packs)
    if errors:
        fields = [FieldError(f"{error.file}:{error.line}", "bad_definition", error.what) for error in errors]
        raise Problem("bad_pack", fields, pack=each.manifest.id, count=len(errors))


async def _apply(tx: Transaction, each: Pack) -> list[SectionDiff]:
    diffs = await diff_pack(tx.connection, each)
    await _write_pack(tx, each)
    sections = {section.name: section for section in SECTIONS}
    for diff in diffs:
        section, definitions = sections[diff.section], each.sections[diff.section]
        touched = {*diff.added, *diff.changed}
        handed = [item for item in definitions if item.id in touched] if section.rows else definitions
        await section.apply(tx, each.manifest.id, [item.value for item in handed])
        await _write_digests(tx, each, diff, [item for item in definitions if item.id in touched])
    detail = {
        "version": each.manifest.version,
        "changed": {diff.section: [len(diff.added), len(diff.changed), len(diff.removed)] for diff in diffs},
    }
    await tx.audit("pack.apply", "pack", each.manifest.id, detail)
    await tx.emit("pack.applied", each.manifest.id, detail)
    return diffs


async def _write_pack(tx: Transaction, each: Pack) -> None:
    values = {
        "version": each.manifest.version,
        "title": each.manifest.title,
        "title_en": each.manifest.title_en,
        "requires": each.manifest.requires,
        "serves": each.manifest.serves,
        "source": str(each.folder),
        "digest": pack_digest(each),
        "applied_at": now(),
    }
    statement = insert(pack).values(id=each.manifest.id, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=[pack.c.id], set_=values))


async def _write_digests(tx: Transaction, each: Pack, diff: SectionDiff, definitions: Sequence[Definition]) -> None:
    own = (pack_definition.c.pack == each.manifest.id) & (pack_definition.c.section == diff.section)
    gone = [*diff.changed, *diff.removed]
    await tx.connection.execute(delete(pack_definition).where(own, pack_definition.c.id.in_(gone)))
    rows = [
        {"pack": each.manifest.id, "section": diff.section, "id": item.id, "digest": definition_digest(item)}
        for item in definitions
    ]
    if rows:
        await tx.connection.execute(insert(pack_definition), rows)
