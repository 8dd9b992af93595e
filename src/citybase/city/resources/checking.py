"""What must hold of one entry of the ledger, whoever writes it: a form, a pack, an import, another system."""

import re
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec

from citybase.city.resources.attributes import attribute_errors
from citybase.city.resources.definitions import KindDefinition
from citybase.kernel.errors import FieldError
from citybase.kernel.text import unstorable

__all__ = ["DEVICE_ID", "ResourceDraft", "check_draft"]

DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A terminal's code is a token of NATS subjects and MQTT topics and a client id: no blanks, dots or wildcards."""

ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ResourceDraft(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new entry. Longitude and latitude are WGS 84 degrees; classification 1 public … 4 core."""

    kind: str
    code: ShortText
    name: ShortText
    owner_id: UUID
    area_code: Annotated[str, msgspec.Meta(max_length=12)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    address: Annotated[str, msgspec.Meta(max_length=500)] = ""
    classification: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    life_cycle: str | None = None
    """Unset: the kind's initial state."""
    attributes: dict[str, Any] = {}
    tags: Annotated[list[ShortText], msgspec.Meta(max_length=50)] = []


def check_draft(kind: KindDefinition, draft: ResourceDraft) -> list[FieldError]:
    """Every error of an entry against its kind, with JSON pointers."""
    errors = list(unstorable(msgspec.to_builtins(draft)))
    if kind.is_terminal and not DEVICE_ID.fullmatch(draft.code):
        errors.append(FieldError("/code", "bad_device_id", "终端编码只能含字母、数字、- 和 _,不超过 64 个字符"))
    if not _pattern(kind.code.pattern).fullmatch(draft.code):
        message = f"编码不符合“{kind.name}”的规则,例如 {kind.code.example}"
        errors.append(FieldError("/code", "bad_code", message))
    if (draft.longitude is None) != (draft.latitude is None):
        errors.append(FieldError("/longitude", "half_a_point", "经度和纬度必须同时给出或同时留空"))
    if draft.life_cycle is not None and kind.state(draft.life_cycle) is None:
        known = "、".join(f"{state.id}({state.name})" for state in kind.life_cycle.states)
        errors.append(FieldError("/life_cycle", "unknown_state", f"没有这个状态;可用:{known}"))
    return errors + attribute_errors(kind.schema, draft.attributes)


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
