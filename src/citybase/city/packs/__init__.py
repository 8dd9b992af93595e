"""Pack 场景包: a folder of definitions. A city is a pack, an application is a pack; packs require packs.

`check` reads a folder offline and names file, line and remedy of every error; `diff` says what applying would change;
`apply` does it in one transaction, twice to the same end.
"""

from citybase.city.packs.applying import apply_packs, apply_shipped
from citybase.city.packs.checking import check_pack
from citybase.city.packs.functions import pack_functions
from citybase.city.packs.locating import find_pack, shipped_packs

__all__ = ["apply_packs", "apply_shipped", "check_pack", "find_pack", "pack_functions", "shipped_packs"]
