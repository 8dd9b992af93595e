"""What packs declare for the operations centre: `views/*.yaml`."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from citybase.applications.operations.models import view
from citybase.kernel.errors import FieldError
from citybase.security.transactions import Transaction

__all__ = ["Band", "Layer", "StationState", "View", "apply_definitions", "check"]

StationState = Literal["ok", "good", "warn", "high", "alarm"]


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to and including `upto` the value means `state`; without `upto`: everything above."""

    state: StationState
    upto: float | None = None


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terminals of one kind on the map, coloured by the latest value of one property."""

    id: str
    name: str
    name_en: str
    kind: str
    property: str
    bands: tuple[Band, ...]
    stale_after_seconds: int = 7200
    """Without a reading for so long a terminal is shown as offline; measured by when the reading was received."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pack's contribution to the screen: figures (ids of indicators, in order) and map layers."""

    id: str
    name: str
    name_en: str
    figures: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()


def check(definition: View) -> list[FieldError]:
    """Bands must rise and end open, or some value would have no state."""
    errors = []
    for number, layer in enumerate(definition.layers):
        limits = [band.upto for band in layer.bands]
        bounded = [limit for limit in limits if limit is not None]
        if not limits or limits[-1] is not None or len(bounded) != len(limits) - 1 or bounded != sorted(set(bounded)):
            message = "各档上限须递增,最后一档不写 upto / limits must rise and the last band has no `upto`"
            errors.append(FieldError(f"/layers/{number}/bands", "bands", message))
    return errors


async def apply_definitions(tx: Transaction, pack: str, definitions: Sequence[View]) -> list[str]:
    """Make the pack's views what the definitions say; returns the ids that changed."""
    rows = await tx.connection.execute(select(view.c.id, view.c.definition).where(view.c.pack == pack))
    before = {row.id: row.definition for row in rows}
    after = {item.id: msgspec.to_builtins(item) for item in definitions}
    changed = [id_ for id_ in after if before.get(id_) != after[id_]]
    for id_ in changed:
        statement = insert(view).values(id=id_, pack=pack, definition=after[id_])
        await tx.connection.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_={"pack": pack, "definition": after[id_]})
        )
    gone = sorted(set(before) - set(after))
    await tx.connection.execute(delete(view).where(view.c.id.in_(gone)))
    return changed + gone
