"""A data folder belongs to one running city."""

import os
from pathlib import Path

import pytest

from citybase.engines.datafolder import own_folder, owner_of
from citybase.kernel.errors import Problem


def test_a_second_owner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with own_folder(tmp_path):
        with pytest.raises(Problem) as caught, own_folder(tmp_path):
            pass
        assert caught.value.code == "data_folder_busy"
        assert caught.value.params["pid"] == os.getpid()


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with own_folder(tmp_path / "new"):
        pass
    with own_folder(tmp_path / "new"):
        assert owner_of(tmp_path / "new") == os.getpid()
