"""The live page in a real browser, on a real gateway and worker, end to end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, expect

from tests.page.conftest import HOSTILE, LOADING, PATIENCE
from tests.support.gateways import GatewayProgram

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.timeout(LOADING + 5 * PATIENCE),
]

LARGEST = 100_000
"""Bytes of all that the page loads before its first slate."""


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
    expect(card.locator(".why")).not_to_be_empty()
    expect(card.locator(".evidence *")).to_have_count(0)
    card.locator("summary").click()
    expect(card.locator(".evidence dl").last).to_contain_text("score")
    card.locator("summary").click()
    expect(card.locator(".evidence *")).to_have_count(0)


def test_cards_that_are_open_stay_so_with_the_evidence_of_the_new_feed(page: Page) -> None:
    for summary in page.locator(".card summary").all():
        summary.click()
    page.locator(".evidence").evaluate_all("all => all.forEach(each => each.replaceChildren())")
    page.locator(".card [data-action=click]").first.click()
    expect(page.locator("#about")).to_contain_text("after click")
    stayed = page.locator(".card:has(details[open])").all()
    assert stayed  # of ten some are on the next slate, too
    for card in stayed:
        expect(card.locator(".evidence dl").last).to_contain_text("score")


def test_a_new_item_is_seen_to_become_findable(page: Page) -> None:
    page.fill("#title", HOSTILE)
    page.fill("#text", "Sailors cross an ocean that nobody has seen.")
    page.fill("#subjects", "sea, travel")
    page.click("#add button")
    expect(page.locator("#added")).to_contain_text(re.compile(r"Findable after \d+ ms"))
    assert page.title() == "Headwater"


def test_words_find_items_and_markup_stays_text(page: Page) -> None:
    page.fill("#q", HOSTILE)
    page.click("#search button")
    expect(page.locator("#found li b", has_text=HOSTILE).first).to_be_visible()
    assert page.locator("#found img").count() == 0
    assert page.title() == "Headwater"


def test_markup_on_a_card_and_in_the_timeline_stays_text(page: Page) -> None:
    card = page.locator(".card", has=page.locator("h3", has_text=HOSTILE)).first
    expect(card).to_be_visible()
    card.locator("[data-action=click]").click()
    expect(page.locator("#timeline li", has_text=HOSTILE)).to_contain_text("new feed after")
    expect(page.locator("#known")).to_contain_text(HOSTILE)
    assert page.locator("main img").count() == 0
    assert page.title() == "Headwater"


def test_it_works_by_keyboard_alone(page: Page) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.action === 'like'"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#timeline li", has_text="like: ")).to_contain_text("new feed after")


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
    page.set_default_timeout(PATIENCE * 1000)
    came: list[Response] = []

    def heard(answer: Response) -> None:  # Playwright takes no method of a list
        came.append(answer)

    page.on("response", heard)
    page.goto(f"{program.url}/#budget")
    expect(page.locator(".card").first).to_be_visible()
    files = [answer for answer in came if "/slates" not in answer.url]
    sizes = {answer.url: len(answer.body()) for answer in files if answer.request.method == "GET"}
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint').length")
    page.close()
    assert all(answer.url.startswith(program.url) for answer in came)
    assert len(sizes) >= 4
    assert sum(sizes.values()) <= LARGEST, sizes
    assert painted == 1
