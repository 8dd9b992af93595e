"""The manifest of a pack, `pack.toml`."""

from typing import Annotated

import msgspec

__all__ = ["Manifest"]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`requires` names packs by id; `serves` the items of the city's plan that the pack answers to."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Annotated[str, msgspec.Meta(min_length=1)]
    title_en: Annotated[str, msgspec.Meta(min_length=1)]
    description: str = ""
    description_en: str = ""
    requires: list[str] = []
    serves: list[str] = []
