"""The live page in a real browser, on a real gateway and worker, end to end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Gateway, GatewayError
from streams.items import Item
from tests.support.gateways import GatewayProgram
from tests.support.processes import WorkerProgram, wait_until

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
if BROWSER is None:
    pytest.skip("no Chromium on the PATH (Debian: apt install chromium)", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PATIENCE = 20_000
"""Milliseconds; the machine of the tests may be busy."""
SEA = [
    Item(
        item_id=f"p-sea-{k}",
        title=f"Voyage {k}",
        description=f"Sailors cross ocean number {k}.",
        attributes={"subjects": ("sea", "travel")},
    )
    for k in range(8)
]
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def program(
    settings: Mapping[str, str], worker: WorkerProgram, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProgram]:
    log: Path = tmp_path_factory.mktemp("page") / "gateway.log"
    with GatewayProgram(settings=settings, log=log) as gateway:
        gateway.wait_ready()
        with Gateway(gateway.url) as client:
            client.announce(*SEA)
            wait_until(lambda: _findable(client), what="findable voyages")
        yield gateway


def _findable(gateway: Gateway) -> bool:
    try:
        return bool(gateway.similar("p-sea-7"))
    except GatewayError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, program: GatewayProgram, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(**getattr(request, "param", {}))
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if _is_error(message) else None)
    name = re.sub(r"\W+", "-", request.node.name)
    page.goto(f"{program.url}/#{name}")
    expect(page.locator(".card").first).to_be_visible()
    yield page
    context.close()
    assert said == []


def _is_error(message: Any) -> bool:
    """A status that the page expects, such as 404 for an item that is not findable yet, is none."""
    return bool(message.type == "error") and not message.text.startswith("Failed to load resource")


def _titles(page: Page) -> list[str]:
    return page.locator("#feed h3").all_inner_texts()


def test_a_like_changes_the_feed_and_its_time_is_shown(page: Page) -> None:
    liked = _titles(page)[0]
    page.locator(".card [data-action=like]").first.click()
    line = page.locator("#timeline li", has_text=f"like: {liked}")
    expect(line).to_contain_text(re.compile(r"new feed after \d+ ms \([\d.]+ ms inside\)"))
    expect(page.locator("#feed h3", has_text=re.compile(f"^{re.escape(liked)}$"))).to_have_count(0)
    expect(page.locator("#about")).to_contain_text("after like")
    expect(page.locator("#known")).to_contain_text(f"The last was like on “{liked}”")


def test_what_is_muted_goes(page: Page) -> None:
    muted = _titles(page)[1]
    page.locator(".card [data-action=dismiss]").nth(1).click()
    expect(page.locator("#feed h3", has_text=re.compile(f"^{re.escape(muted)}$"))).to_have_count(0)


def test_a_card_opens_to_its_evidence(page: Page) -> None:
    card = page.locator(".card").first
    card.locator("summary").click()
    expect(card.locator(".evidence dl").last).to_contain_text("score")
    expect(card.locator(".why")).not_to_be_empty()


def test_a_new_item_is_seen_to_become_findable(page: Page) -> None:
    page.fill("#title", HOSTILE)
    page.fill("#text", "Sailors cross an ocean that nobody has seen.")
    page.fill("#subjects", "sea, travel")
    page.click("#add button")
    expect(page.locator("#added")).to_contain_text(re.compile(r"Findable after \d+ ms"))
    assert page.title() == "Headwater"


def test_words_find_items_and_markup_stays_text(page: Page) -> None:
    page.fill("#q", "crossing the ocean")
    page.click("#search button")
    expect(page.locator("#found li b").first).to_be_visible()
    assert page.locator("#found img").count() == 0


def test_it_works_by_keyboard_alone(page: Page) -> None:
    page.locator(".card [data-action=like]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#timeline li").first).to_contain_text("new feed after")


def test_another_user_is_another_feed(page: Page) -> None:
    page.click("#invent")
    expect(page.locator("#user")).to_have_value(re.compile(r"^guest-\d+$"))
    expect(page.locator(".card").first).to_be_visible()


@pytest.mark.parametrize(
    "page",
    [
        {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"},
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
    ],
    ids=["light", "phone in the dark"],
    indirect=True,
)
def test_nothing_keeps_anybody_out(page: Page) -> None:
    """WCAG A and AA by axe, with a card open; and nothing to scroll sideways for."""
    page.locator(".card summary").first.click()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert [violation["id"] for violation in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_nothing_comes_from_elsewhere_and_it_is_small(
    browser: Any, program: GatewayProgram
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{program.url}/#budget")
    expect(page.locator(".card").first).to_be_visible()
    paint = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
    )
    page.close()
    assert all(url.startswith(program.url) for url in asked)
    assert paint >= 0
