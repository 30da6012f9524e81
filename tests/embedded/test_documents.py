"""The documents, read by somebody who types every command and looks at what it prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.client import Gateway, GatewayError
from streams.events import Interaction
from streams.items import Item
from tests.support.documents import PAGES, USAGE, Block, blocks_of
from tests.support.gateways import GatewayProgram
from tests.support.processes import WorkerProgram, wait_until
from tests.support.readers import PATIENCE, Reader

BOOKS = [
    Item(item_id="moby-dick", title="Moby-Dick", description="A captain hunts a white whale."),
    Item(item_id="sea-wolf", title="The Sea-Wolf", description="A castaway on a sealing ship."),
    Item(item_id="castle", title="The Castle", description="A surveyor is never let in."),
]


def _typed(page: Path) -> list[Block]:
    """The blocks that are run here, and the files they need."""
    return [b for b in blocks_of(page) if not (b.kafka or b.skipped or page == USAGE)]


def _is_run(block: Block) -> bool:
    return block.language in ("sh", "python")


ALONE = [
    page for page in PAGES if any("headwater broker" in b.text for b in _typed(page) if _is_run(b))
]
"""These start a broker of their own."""
SHARED = [page for page in PAGES if any(map(_is_run, _typed(page))) and page not in ALONE]


@pytest.fixture(scope="module")
def program(
    settings: Mapping[str, str], worker: WorkerProgram, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProgram]:
    log: Path = tmp_path_factory.mktemp("documents") / "gateway.log"
    with GatewayProgram(settings=settings, log=log) as gateway:
        gateway.wait_ready()
        with Gateway(gateway.url) as client:
            client.announce(*BOOKS)
            wait_until(lambda: _is_findable(client), what="findable books", patience=PATIENCE)
        yield gateway


def _is_findable(client: Gateway) -> bool:
    try:
        return len(client.similar("moby-dick")) > 1
    except GatewayError:
        return False


def _make_known(client: Gateway, user: str) -> None:
    """The users that the documents speak of have done something, and have a slate."""
    client.send(Interaction(user_id=user, item_id="moby-dick", action="like"))
    wait_until(lambda: _has_slate(client, user), what="a slate", patience=PATIENCE)


def _has_slate(client: Gateway, user: str) -> bool:
    try:
        return bool(client.slate(user).items)
    except GatewayError:
        return False


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", SHARED, ids=lambda page: page.name)
def test_every_command_does_what_the_page_says(
    page: Path, settings: Mapping[str, str], program: GatewayProgram, tmp_path: Path
) -> None:
    with Gateway(program.url) as client:
        _make_known(client, "ann")
        _make_known(client, "sim-7")
    blocks = _typed(page)
    own = any("headwater gateway\n" in f"{b.text}\n" for b in blocks if b.language == "sh")
    port = 0 if own else program.port
    broker = settings["HEADWATER_BROKER"]
    with Reader(tmp_path, settings=settings, broker=broker, port=port) as reader:
        for block in blocks:
            reader.read(block)
        reader.finish()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", ALONE, ids=lambda page: page.name)
def test_every_command_of_a_page_that_starts_all_by_itself(page: Path, tmp_path: Path) -> None:
    with Reader(tmp_path, settings={"HEADWATER_COMMIT_INTERVAL": "0.2"}) as reader:
        for block in _typed(page):
            reader.read(block)
        reader.finish()
