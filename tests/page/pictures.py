"""
The pictures of the page in the README: `python -m tests.page.pictures docs`.

A worker and a gateway on the embedded broker, the shipped books, and readers who have their tastes;
then two more readers click on the page in Chromium, one of them on a phone in the dark.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from examples import books_file
from gateway.client import Gateway, GatewayError
from streams.embedded import EmbeddedBroker
from streams.events import Interaction
from streams.files import read_items
from streams.items import Item
from streams.rows import BadRow
from streams.topics import Topics
from tests.support.gateways import GatewayProgram
from tests.support.processes import WorkerProgram, wait_until

READERS = 40
SETTLED = 8.0
"""Seconds until trends and profiles have come to their topics."""
PATIENCE = 120_000.0
"""Milliseconds."""
DESK = {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"}
PHONE = {
    "viewport": {"width": 390, "height": 1180},
    "device_scale_factor": 2,
    "color_scheme": "dark",
}


def main() -> None:
    """Write page.png and page-phone.png into the folder named."""
    folder = Path(sys.argv[1])
    books = [item for item in read_items(books_file()) if not isinstance(item, BadRow)]
    home = Path(tempfile.mkdtemp(prefix="headwater-pictures-"))
    with EmbeddedBroker() as broker:
        for name, partitions in Topics(prefix="", partitions=4).partition_counts().items():
            broker.declare(name, partitions)
        settings = {"HEADWATER_BROKER": broker.bootstrap, "HEADWATER_STATE_DIR": str(home)}
        with (
            WorkerProgram(settings=settings, log=home / "worker.log") as worker,
            GatewayProgram(settings=settings, log=home / "gateway.log") as gateway,
        ):
            worker.wait_ready()
            gateway.wait_ready()
            with Gateway(gateway.url) as client:
                _read(client, books)
            _take(gateway.url, folder)


def _read(client: Gateway, books: Sequence[Item]) -> None:
    """Readers who like what has a subject in common."""
    client.announce(*books)
    wait_until(lambda: _findable(client, books[-1]), what="findable books", patience=600)
    by_subject: defaultdict[str, list[Item]] = defaultdict(list)
    for book in books:
        for subject in (book.attributes or {}).get("subjects", ()):  # type: ignore[union-attr]
            by_subject[str(subject)].append(book)
    shelves = [shelf for shelf in by_subject.values() if len(shelf) >= 4]
    rng = random.Random(5)
    for n in range(READERS):
        client.send(
            *(
                Interaction(user_id=f"reader-{n}", item_id=book.item_id, action="like")
                for book in rng.sample(rng.choice(shelves), 4)
            )
        )
    time.sleep(SETTLED)


def _findable(client: Gateway, item: Item) -> bool:
    try:
        return bool(client.similar(item.item_id, n=1))
    except GatewayError:
        return False


def _take(url: str, folder: Path) -> None:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        steps = (("like", 0), ("click", 1), ("dismiss", 2), ("like", 1))
        _picture(browser, f"{url}/#ann", DESK, steps, path=folder / "page.png")
        _picture(browser, f"{url}/#ben", PHONE, steps, path=folder / "page-phone.png")
        browser.close()


def _picture(
    browser: Browser, url: str, looks: Any, steps: Sequence[tuple[str, int]], *, path: Path
) -> None:
    context = browser.new_context(**looks)
    page: Page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    for k, (action, nth) in enumerate(steps, 1):
        page.locator(f".card [data-action={action}]").nth(nth).click()
        done = page.locator("#timeline li", has_text="new feed after")
        expect(done).to_have_count(k)
        time.sleep(2)
    page.locator(".card summary").first.click()
    time.sleep(SETTLED)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main()
