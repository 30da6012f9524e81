"""A gateway on the embedded tests' broker and worker, and a browser or a reason for none."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from gateway.client import Gateway, GatewayError
from streams.items import Item
from tests.embedded.conftest import broker, settings, worker
from tests.support.gateways import GatewayProgram
from tests.support.processes import WorkerProgram, wait_until

__all__ = ["broker", "settings", "worker"]

PATIENCE = 90.0
"""Seconds; the machine of the tests may be small and busy, and what is tested is no speed."""
LOADING = 300.0
"""Seconds until worker and gateway have an encoder each: 10 s of a processor, if one is free."""
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
"""A title that would run, were it taken for markup."""
SEA = [
    Item(
        item_id=f"p-sea-{k}",
        title=f"Voyage {k}" if k else HOSTILE,
        description=f"Sailors cross ocean number {k}.",
        attributes={"subjects": ("sea", "travel")},
    )
    for k in range(8)
]


@pytest.fixture(scope="module")
def chromium() -> str:
    """Where it is; without it tests are skipped, unless HEADWATER_REQUIRE_BROWSER=1."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("HEADWATER_REQUIRE_BROWSER") != "1":
        pytest.skip("no Chromium on the PATH (Debian: apt install chromium)")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def program(
    chromium: str,
    settings: Mapping[str, str],
    worker: WorkerProgram,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayProgram]:
    """A gateway whose items can be found and whose encoder is loaded."""
    log: Path = tmp_path_factory.mktemp("page") / "gateway.log"
    with GatewayProgram(settings=settings, log=log) as gateway:
        gateway.wait_ready()
        with Gateway(gateway.url) as client:
            client.announce(*SEA)
            for ask in (lambda: client.search("ocean"), lambda: client.similar(SEA[-1].item_id)):
                wait_until(partial(_answered, ask), what="findable voyages", patience=LOADING)
        yield gateway


def _answered(ask: Callable[[], object]) -> bool:
    try:
        return bool(ask())
    except GatewayError:
        return False


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        # A container's /dev/shm may be too small for it.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(
            executable_path=chromium, args=arguments, timeout=PATIENCE * 1000
        )
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, program: GatewayProgram, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of a user of the test's own, with a feed; an error in its console fails the test."""
    context = browser.new_context(**getattr(request, "param", {}))
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
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
