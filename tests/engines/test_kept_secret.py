"""Generated secrets are made once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from citybase.engines.keys import kept_secret


def test_all_who_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    numbers = count()
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda _: kept_secret(tmp_path / "keys", "a", lambda: str(next(numbers))), range(32)))
    assert len(given) == 1
    (path,) = (tmp_path / "keys").iterdir()
    assert (path.name, path.read_text()) == ("a", given.pop())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
