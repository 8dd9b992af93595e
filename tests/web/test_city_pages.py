"""The pages on a real city, in a real browser: what a duty officer, an auditor and a reader on a phone meet."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.running import RunningCity, running_city
from tests.web.browsing import SIZES, open_browser, open_context, settle, violations, watch, wider_than_the_screen

pytestmark = pytest.mark.city

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "packs/air/recordings/made-air-week.csv"
SILENT_STATION = "XA-AIR-610124-01"
"""A station of the ledger for which nothing is recorded."""
BUDGET = 500 * 1024
HOUR = 3600
STEPS = ["受理", "立案", "派遣", "处置完成", "核查通过", "结案", "评价"]
TABS = ["account", "people", "calendar", "packs", "engines", "rejections", "boundaries", "about"]
SHELL = "nav.rail, header [placeholder], header [aria-label], main h1, main th, main summary, main [role=tab]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (ROOT / "web/node_modules/axe-core").is_dir():
        pytest.skip("web/node_modules is missing: run `npm ci` in web/ (bin/run does)")
    if not (ROOT / "src/citybase/server/pages/index.html").is_file():
        pytest.skip("the pages are not built: run `npm run build` in web/ (bin/run does)")
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def city(browser: Browser) -> Iterator[RunningCity]:
    """A city in which a made week of air was measured; it opened five cases."""
    with running_city() as city:
        command = [sys.executable, "-m", "citybase", "replay", str(RECORDING), "--data", str(city.data)]
        subprocess.run([*command, "--speed", "0", "--times", "now"], check=True, capture_output=True, timeout=180)
        with city.client() as client:
            eventually(lambda: len(items(client, "/cases", queue="all")) >= 5)
        yield city


@pytest.fixture(scope="module")
def signed_in(browser: Browser, city: RunningCity) -> StorageState:
    """Signed in by the form, as a person does."""
    context = open_context(browser)
    page = context.new_page()
    page.goto(f"{city.address}/cases")
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill(city.password or "")
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{city.address}/cases")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(browser: Browser, city: RunningCity, signed_in: StorageState) -> Iterator[Page]:
    context = open_context(browser, state=signed_in)
    page = context.new_page()
    faults = watch(page, city.address)
    yield page
    context.close()
    assert faults == []


def eventually(check: Any, seconds: float = 60.0) -> None:
    """Wait until it is so; what was expected is said by the check."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def items(client: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    body = client.get(f"/api/v1{path}", params=query).raise_for_status().json()
    found: list[dict[str, Any]] = body if isinstance(body, list) else body["items"]
    return found


def every_address(city: RunningCity) -> list[str]:
    with city.client() as client:
        case = items(client, "/cases", queue="all")[0]["id"]
        resource = items(client, "/resources", q="XA-AIR-610102-01")[0]["id"]
        indicator = items(client, "/indicators")[0]["id"]
    plain = ["/", "/cases", "/cases/new", "/ledger", "/ledger/import", "/alarms", "/indicators", "/audit", "/audit/1"]
    things = [f"/cases/{case}", f"/resources/{resource}", f"/indicators/{indicator}", "/no/such/page"]
    return [*plain, *things, *(f"/settings/{tab}" for tab in TABS)]


@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_for_everybody_fits_the_screen_and_stays_at_home(
    browser: Browser, city: RunningCity, signed_in: StorageState, size: str
) -> None:
    context = open_context(browser, size, signed_in)
    page = context.new_page()
    complaints = watch(page, city.address)
    faults: list[str] = []
    for address in every_address(city):
        page.goto(city.address + address)
        settle(page)
        faults += [f"{address} {one}" for one in violations(page)]
        if (pixels := wider_than_the_screen(page)) > 0:
            faults.append(f"{address} is {pixels} px too wide")
        faults += [f"{address} {one}" for one in complaints]
        complaints.clear()
    context.close()
    assert faults == []


def test_a_new_person_changes_the_first_password_and_goes_on(browser: Browser, city: RunningCity) -> None:
    with city.client() as client:
        bureau = items(client, "/organizations")[0]["id"]
        person = {"username": "newcomer", "name": "新来的", "organization_id": bureau}
        grants = [{"role": "operator", "organization_id": bureau}]
        secret = client.post("/api/v1/people", json={**person, "grants": grants}).raise_for_status().json()["secret"]
    context = open_context(browser)
    page = context.new_page()
    page.goto(f"{city.address}/sign-in?next=/alarms")
    page.get_by_label("用户名").fill("newcomer")
    page.get_by_label("密码").fill(secret)
    page.get_by_role("button", name="登录").click()
    page.get_by_label("新密码", exact=True).fill("a long enough password")
    page.get_by_label("再输入一次新密码").fill("a long enough password")
    page.get_by_role("button", name="更换密码并进入").click()
    page.wait_for_url(f"{city.address}/alarms")
    context.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_sign_in_page_is_for_everybody(browser: Browser, city: RunningCity, size: str) -> None:
    context = open_context(browser, size)
    page = context.new_page()
    faults = watch(page, city.address)
    page.goto(f"{city.address}/sign-in")
    page.get_by_label("用户名").wait_for()
    found = violations(page)
    context.close()
    assert (found, faults) == ([], [])


def test_the_first_load_is_small(page: Page, city: RunningCity) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(city.address)
    settle(page)
    page.wait_for_selector(".canvas[data-idle]")
    assert 100 * 1024 < sum(sizes) <= BUDGET


def test_a_case_is_walked_to_its_end_by_clicking(page: Page, city: RunningCity) -> None:
    page.goto(f"{city.address}/cases")
    page.locator("a.case").first.click()
    page.locator(".view h2").wait_for()
    for step in STEPS:
        page.locator(".actions").get_by_role("button", name=step, exact=True).click()
        dialog = page.get_by_role("dialog")
        for choice in dialog.locator("select[required]").all():
            choice.select_option(index=1)
        for field in dialog.locator("input[required], textarea[required]").all():
            field.fill("5" if field.get_attribute("type") == "number" else "已按要求办理")
        dialog.get_by_role("button", name=step, exact=True).click()
        dialog.wait_for(state="detached")
    page.locator(".view").get_by_text("已评价").first.wait_for()
    assert page.locator(".actions button").count() == 0


def test_an_alarm_and_its_case_appear_without_reloading(page: Page, city: RunningCity) -> None:
    page.goto(city.address)
    settle(page)
    counts = page.locator(".todo header a")
    before = counts.inner_text()
    send_two_bad_hours(city)
    expect(counts).not_to_have_text(before, timeout=60_000)
    expect(page.locator(".todo").get_by_text("300 µg/m³")).to_be_visible()
    expect(page.locator(".legend label", has_text="活动告警").locator(".count")).not_to_have_text("0")


def send_two_bad_hours(city: RunningCity) -> None:
    with city.client() as client:
        station = items(client, "/resources", q=SILENT_STATION)[0]["id"]
        credential = client.post(f"/api/v1/resources/{station}/credential").raise_for_status().json()
    hour = int(time.time()) // HOUR * HOUR
    readings = [
        {"device": SILENT_STATION, "t": (hour - ago * HOUR) * 1000, "v": {"pm25": 300.0}} for ago in (3, 2, 1, 0)
    ]
    identity = (credential["device"], credential["password"])
    answer = httpx.post(f"{city.address}/api/v1/observations", json=readings, auth=identity, trust_env=False)
    assert answer.raise_for_status().json()["accepted"] == len(readings)


def test_in_english_no_chinese_is_left_in_the_shell(page: Page, city: RunningCity) -> None:
    page.goto(city.address)
    page.get_by_role("button", name="English").click()
    page.wait_for_selector("html[lang=en]")
    left: dict[str, list[str]] = {}
    for address in ["/", "/cases", "/ledger", "/alarms", "/indicators", "/audit", "/settings/engines"]:
        page.goto(city.address + address)
        settle(page)
        texts = page.locator(SHELL).evaluate_all(
            "all => all.filter(one => !one.closest('[lang]:not(html)') && !one.matches('.me'))"
            ".flatMap(one => [one.innerText, one.placeholder, one.ariaLabel])"
        )
        chinese = [text for text in texts if text and any("\u4e00" <= sign <= "\u9fff" for sign in text)]
        left |= {address: chinese} if chinese else {}
    assert left == {}


def test_the_keyboard_goes_everywhere(page: Page, city: RunningCity) -> None:
    page.goto(f"{city.address}/cases")
    page.locator("a.case").first.wait_for()
    search = page.get_by_role("combobox", name="搜索")
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("a.case").nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("a.case").nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.locator(".view h2").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: url.partition("?")[0] == f"{city.address}/cases")
