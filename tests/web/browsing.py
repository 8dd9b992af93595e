"""A real browser on a running city, and what it must never do: complain, overflow, or call another machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from scripts.screenshot import FLAGS, find_chromium

__all__ = ["SIZES", "open_browser", "open_context", "settle", "violations", "watch", "wider_than_the_screen"]

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
_AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
_PATIENCE_MS = 30_000


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium without a window; where there is none the tests say which package brings it."""
    binary = find_chromium()
    if binary is None:
        pytest.skip("no Chromium: install the packages `chromium` and `fonts-noto-cjk` to test the pages in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        yield browser
        browser.close()


def open_context(browser: Browser, size: str = "desk", state: StorageState | None = None) -> BrowserContext:
    """A browser of a person in Xi'an, signed in where `state` says so."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        storage_state=state,
    )
    context.set_default_timeout(_PATIENCE_MS)
    return context


def watch(page: Page, address: str) -> list[str]:
    """Everything the page complains of, and every request to another host, from now on."""
    faults: list[str] = []

    def asked(url: str) -> None:
        if urlsplit(url).netloc != urlsplit(address).netloc and not url.startswith(("data:", "blob:")):
            faults.append(f"asked {url}")

    page.on("console", lambda line: faults.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    return faults


def settle(page: Page) -> None:
    """Wait until a page shows its heading and nothing on it is still being read."""
    page.wait_for_selector("#main h1", state="attached")
    expect(page.locator(".skeleton")).to_have_count(0, timeout=_PATIENCE_MS)


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page: rule and place."""
    page.evaluate(_AXE.read_text("utf-8"))
    answer: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{found['id']}: {node['target']}" for found in answer["violations"] for node in found["nodes"]]


def wider_than_the_screen(page: Page) -> int:
    """Pixels by which the page, or its content, can be pushed sideways."""
    pixels: int = page.evaluate(
        "Math.max(...[document.documentElement, document.querySelector('#main')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    return pixels
