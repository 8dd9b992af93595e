"""What applying a pack would change, told by the digests of its definitions."""

import hashlib
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.packs.models import pack_definition
from citybase.city.packs.reading import Definition, Pack

__all__ = ["SectionDiff", "definition_digest", "diff_pack", "pack_digest"]


@dataclass(frozen=True, slots=True)
class SectionDiff:
    """Ids that a section would gain, change, or no longer state. What is no longer stated stays in the city."""

    section: str
    added: list[str]
    changed: list[str]
    removed: list[str]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


def definition_digest(definition: Definition) -> bytes:
    """SHA-256 of a typed definition: layout, comments and order of fields do not matter, defaults do."""
    return hashlib.sha256(msgspec.json.encode(definition.value, order="sorted")).digest()


def pack_digest(pack: Pack) -> bytes:
    """SHA-256 over the manifest and every definition."""
    whole = hashlib.sha256(msgspec.json.encode(pack.manifest, order="sorted"))
    for name in sorted(pack.sections):
        for definition in sorted(pack.sections[name], key=lambda item: item.id):
            whole.update(name.encode() + b"\0" + definition.id.encode() + b"\0" + definition_digest(definition))
    return whole.digest()


async def diff_pack(connection: AsyncConnection, pack: Pack) -> list[SectionDiff]:
    """The sections that differ from what was last applied, in the order they are applied."""
    rows = await connection.execute(select(pack_definition).where(pack_definition.c.pack == pack.manifest.id))
    applied: dict[str, dict[str, bytes]] = {}
    for row in rows:
        applied.setdefault(row.section, {})[row.id] = row.digest
    diffs = [
        _compare(name, {item.id: definition_digest(item) for item in definitions}, applied.get(name, {}))
        for name, definitions in pack.sections.items()
    ]
    return [diff for diff in diffs if not diff.is_empty]


def _compare(section: str, stated: dict[str, bytes], applied: dict[str, bytes]) -> SectionDiff:
    return SectionDiff(
        section,
        added=sorted(stated.keys() - applied.keys()),
        changed=sorted(id_ for id_ in stated.keys() & applied.keys() if stated[id_] != applied[id_]),
        removed=sorted(applied.keys() - stated.keys()),
    )
