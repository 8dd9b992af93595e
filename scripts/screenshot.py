"""Make the picture of the operations centre anew, from a running city: `python scripts/screenshot.py ADDRESS`.

Signs in as `admin` with the password in `CITYBASE_PASSWORD`, waits until map and figures stand, and writes
`docs/images/operations-centre.png`. What the picture shows is what the city holds: the shipped picture shows a
city of its own into which the made week was replayed several times (`citybase replay --times now`), onto stations of
every district (`--map`) and up to different hours (`--to`), so that some of its alarms are still active.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

__all__ = ["FLAGS", "find_chromium", "take"]

TARGET = Path(__file__).parents[1] / "docs" / "images" / "operations-centre.png"
FLAGS = (
    "--no-sandbox",
    # The map draws with WebGL: on a machine without a graphics card it is computed.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SIZE = (1440, 900)
_MOST_BYTES = 300_000


def find_chromium() -> str | None:
    """Where Chromium is on this machine, if anywhere."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def take(address: str, username: str, password: str) -> bytes:
    """The operations centre at 1440x900, dark, as a PNG."""
    binary = find_chromium()
    if binary is None:
        raise SystemExit("no Chromium: install the packages `chromium` and `fonts-noto-cjk`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        width, height = _SIZE
        page = browser.new_page(
            viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        page.goto(f"{address}/sign-in")
        page.locator("#username").fill(username)
        page.locator("#password").fill(password)
        page.locator("form button[type=submit]").click()
        for shown in (".figures", ".todo .case", ".legend"):
            page.locator(shown).first.wait_for()
        page.locator(".canvas[data-idle]").wait_for()
        page.mouse.move(1, 1)
        picture = page.screenshot()
        browser.close()
    return picture


def main() -> None:
    """Write the picture, or say why not."""
    if len(sys.argv) != 2 or "CITYBASE_PASSWORD" not in os.environ:
        raise SystemExit(__doc__)
    picture = take(sys.argv[1].rstrip("/"), "admin", os.environ["CITYBASE_PASSWORD"])
    if len(picture) > _MOST_BYTES:
        raise SystemExit(f"the picture has {len(picture)} bytes, {_MOST_BYTES} is the most")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(picture)
    sys.stdout.write(f"{TARGET} {len(picture)} bytes\n")


if __name__ == "__main__":
    main()
