"""Commands in the documentation that a test executes: fenced blocks marked `sh run` or `sh run background`.

All blocks of a page run in one shell, in order, in one folder, as a reader would type them; a background block is
left running beside the others and ended at the end. The first command that fails ends the page, told by its line.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Outcome", "blocks_of", "execute", "script_of"]

_FENCE = re.compile(r"^```sh run( background)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# The background block is a process group of its own (`set -m`), so that Ctrl-C can be sent to all of it.
_PROLOGUE = """set -euo pipefail
set -m
end() { for job in $(jobs -p); do kill -INT -- "-$job" 2>/dev/null || true; done; wait; }
trap end EXIT
trap 'echo "failed: line $LINE" >&2' ERR
"""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is that of its fence."""

    line: int
    code: str
    background: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    output: str


def blocks_of(text: str) -> list[Block]:
    """The marked blocks of a page, in order."""
    return [
        Block(text.count("\n", 0, found.start()) + 1, found[2], found[1] is not None) for found in _FENCE.finditer(text)
    ]


def script_of(blocks: Sequence[Block]) -> str:
    """One shell script of all blocks."""
    parts = [_PROLOGUE]
    for block in blocks:
        code = f"( {block.code.rstrip()} ) </dev/null &\n" if block.background else block.code
        parts.append(f"LINE={block.line}\necho '### line {block.line}'\n{code}")
    return "\n".join(parts)


def execute(
    page: Path, folder: Path, replace: Mapping[str, str], environment: Mapping[str, str], patience: float
) -> Outcome:
    """Run a page's blocks in a folder and environment, with words replaced (a port, a data folder) that would collide.

    Raises `subprocess.TimeoutExpired` after `patience` seconds.
    """
    script = script_of(blocks_of(page.read_text("utf-8")))
    for word, other in replace.items():
        script = script.replace(word, other)
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - the bash of whoever runs the tests
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=patience,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(errors="replace"))
