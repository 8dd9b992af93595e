"""A pack's `functions.py`: the arithmetic that a national standard needs, as vectorised Python."""

import importlib.util
from pathlib import Path
from types import ModuleType

from citybase.kernel.errors import Problem

__all__ = ["pack_functions"]


def pack_functions(source: Path) -> ModuleType:
    """The module `functions.py` of the pack in this folder (column `source` of table `pack`).

    Raises `unknown_pack` when it is not there. It is code that the operator installed: applying a pack needs the
    permission `pack.apply`, and only a folder on this machine can be applied.
    """
    path = source / "functions.py"
    specification = importlib.util.spec_from_file_location(f"citybase_pack_{source.name}", path)
    if specification is None or specification.loader is None or not path.is_file():
        raise Problem("unknown_pack", pack=str(path))
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
