"""The tutorial is true: a test does what it says."""

import os
from pathlib import Path

import pytest

from citybase.engines.ports import free_port
from tests.docs.blocks import blocks_of, execute

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial"
MINUTES = 10.0


@pytest.mark.city
def test_the_tutorial_works_from_the_first_command_to_the_last(tmp_path: Path) -> None:
    if not (ROOT / ".venv/bin/citybase").is_file():
        pytest.skip("the tutorial starts bin/run, which has not prepared .venv in this checkout: run bin/test")
    # Its data folder and its port must not meet those of the person who runs the tests.
    replace = {"first-city": str(tmp_path / "first-city"), "8080": str(free_port("127.0.0.1"))}
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CITYBASE_")}
    outcome = execute(TUTORIAL / "README.md", ROOT, replace, environment, MINUTES * 60)
    assert outcome.code == 0, outcome.output
    for state in ("accepted", "registered", "dispatched", "handled", "verified", "closed", "rated"):
        assert f"\n{state}\n" in outcome.output


def test_both_languages_have_the_same_commands() -> None:
    english, chinese = (
        [block.code for block in blocks_of((TUTORIAL / name).read_text("utf-8"))]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english
    assert chinese == english
