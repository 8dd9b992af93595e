"""The mechanism that executes documentation."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.blocks import Outcome, blocks_of, execute, script_of

PAGE = """# A page

```sh
never executed
```

```sh run background
while :; do sleep 0.1; done
```

```sh run
WORD=first
say() { echo "said $1"; }
```

Words between.

```sh run
say "$WORD WORD"
```
"""


def run(folder: Path, text: str) -> Outcome:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return execute(page, folder, {'WORD"': 'word"'}, os.environ, patience=30)


def test_only_marked_blocks_are_taken_with_their_lines() -> None:
    found = blocks_of(PAGE)
    assert [(block.line, block.background) for block in found] == [(7, True), (11, False), (18, False)]
    assert found[2].code == 'say "$WORD WORD"\n'


def test_blocks_share_one_shell_and_the_background_is_ended(tmp_path: Path) -> None:
    outcome = run(tmp_path, PAGE)
    assert outcome.code == 0, outcome.output
    assert "said first word" in outcome.output


def test_the_first_failure_ends_the_page_and_is_told_by_its_line(tmp_path: Path) -> None:
    outcome = run(tmp_path, PAGE + "\n```sh run\nfalse\n```\n\n```sh run\necho never\n```\n")
    assert outcome.code != 0
    assert "failed: line 22" in outcome.output
    assert "never" not in outcome.output.replace("# never", "")


def test_a_failure_in_a_substitution_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, "```sh run\nFOUND=$(false)\necho never\n```\n").code != 0


@pytest.mark.parametrize("page", sorted((Path(__file__).parents[2] / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_marked_block_of_the_documentation_is_a_shell_script(page: Path) -> None:
    script = script_of(blocks_of(page.read_text("utf-8")))
    checked = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)  # noqa: S607
    assert checked.returncode == 0, checked.stderr
