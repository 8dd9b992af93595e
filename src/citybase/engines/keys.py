"""Generated secrets of this city: made once, kept in `<data>/keys` readable by the owner only."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import mkstemp

__all__ = ["kept_secret"]


def kept_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """The secret of that name, made by `make` on first use. All who ask at once get the same one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        # mkstemp gives each thread its own file, readable by the owner only.
        descriptor, made = mkstemp(dir=folder, prefix=f".{name}.")
        fresh = Path(made)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, not a rename: it refuses to replace what another process made first.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
