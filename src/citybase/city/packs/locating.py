"""Where packs are: a folder somebody names, or one shipped with the program."""

from pathlib import Path

import citybase
from citybase.kernel.errors import Problem

__all__ = ["MANIFEST", "find_pack", "shipped_packs"]

MANIFEST = "pack.toml"


def shipped_packs() -> dict[str, Path]:
    """Id → folder of every pack that came with the program: `citybase/packs` in a wheel, `packs` in a checkout."""
    package = Path(citybase.__file__).parent
    folders = [package / "packs", package.parents[1] / "packs"]
    found = (path.parent for folder in folders for path in sorted(folder.glob(f"*/{MANIFEST}")))
    return {folder.name: folder for folder in found}


def find_pack(name: str | Path, near: Path | None = None) -> Path:
    """The folder of a pack named by path or id; an id is also looked for beside the pack `near`.

    Raises `unknown_pack`.
    """
    beside = [near.parent / name] if near is not None else []
    shipped = shipped_packs().get(str(name))
    candidates = [Path(name), *beside, *([shipped] if shipped else [])]
    for candidate in candidates:
        if (candidate / MANIFEST).is_file():
            return candidate.resolve()
    raise Problem("unknown_pack", pack=str(name))
