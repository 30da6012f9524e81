"""
Clicks on the live page in a real browser; the only benchmark that imports Playwright.

A click's time begins with its input event and ends behind the frame that shows the changed feed,
all on the browser's own clock.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.pacing import Latency

USERS = 10
CLICKS = 10
"""Of each user: a hundred in all, whose p95 is the fifth from the top."""
VISITS = 10
"""Of a browser that knows nothing of the page yet."""
PAUSE = 0.4
"""Seconds between a changed feed and the next click: people look, and cards have slid."""
PATIENCE = 60_000.0
"""Milliseconds."""

_TIMER = """
window.took = [];
const feed = document.getElementById("feed");
let began = null;
addEventListener("click", (event) => {
  if (event.target.closest("[data-action]")) began = event.timeStamp;
}, true);
new MutationObserver(() => {
  if (began === null) return;
  const from = began;
  began = null;
  requestAnimationFrame(() => setTimeout(() => window.took.push(performance.now() - from)));
}).observe(feed, { childList: true });
"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_WEIGHT = """[
  ...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource').filter((one) => one.initiatorType !== 'fetch'),
].reduce((sum, one) => sum + one.decodedBodySize, 0)"""


@dataclass(frozen=True, slots=True)
class Clicks:
    """What came of it."""

    latency: Latency
    paints: Sequence[float]
    """Milliseconds until something was painted, of each first visit."""
    weight: int
    """Bytes of the page and all it loads, not compressed."""
    browser: str

    @property
    def paint(self) -> float:
        """The median."""
        return median(self.paints)


def measure(url: str, *, key: str) -> Clicks | None:
    """Visit and click, for about two minutes; None where there is no Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        return None
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        expect.set_options(timeout=PATIENCE)
        visits = [_visit(browser, url, key=key) for _ in range(VISITS)]
        took = [ms for k in range(USERS) for ms in _click(browser, url, f"clicker-{k}", key=key)]
        version = browser.version
        browser.close()
    latency = Latency.of([ms / 1000 for ms in took], sent=USERS * CLICKS)
    return Clicks(latency, [ms for ms, _ in visits], visits[-1][1], f"Chromium {version}")


def _open(browser: Browser, url: str, user: str, *, key: str) -> Page:
    context = browser.new_context()
    context.add_init_script(f"sessionStorage.setItem('key', '{key}')")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{url}/#{user}")
    expect(page.locator(".card").first).to_be_visible()
    return page


def _visit(browser: Browser, url: str, *, key: str) -> tuple[float, int]:
    page = _open(browser, url, "visitor", key=key)
    seen = float(page.evaluate(_PAINT)), int(page.evaluate(_WEIGHT))
    page.context.close()
    return seen


def _click(browser: Browser, url: str, user: str, *, key: str) -> list[float]:
    page = _open(browser, url, user, key=key)
    page.evaluate(_TIMER)
    for k in range(CLICKS):
        time.sleep(PAUSE)
        action = ("click", "like", "dislike", "dismiss")[k % 4]
        page.locator(f".card [data-action={action}]").nth(k % 3).click()
        page.wait_for_function(f"window.took.length > {k}")
    took: list[float] = page.evaluate("window.took")
    page.context.close()
    return took
