"""Commands as a user runs them: real processes on an embedded broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.backlog import UNREAD_BYTES, backlog_of
from agents.commands.checking import check_broker
from agents.commands.processes import free_port
from agents.commands.surroundings import EMBEDDED_FETCH_WAIT
from agents.feeding import Parcel, Placed
from agents.settings import Settings
from examples import books_file
from streams.deadletters import dead_letter
from streams.embedded import EmbeddedBroker, address_file, find_address
from streams.errors import CapacityExceeded, MalformedEvent
from streams.kafka import Broker, Outbox, Record, partition_of, read_to_end
from streams.origins import Origin
from tests.support.processes import WorkerProgram

PATIENCE = 120.0


class Bench:
    """A folder with a running broker in it."""

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        self.folder = folder
        self.port = free_port(0)
        self.settings = Settings(state_dir=folder / "state", topic_prefix=prefix)

    def name(self, topic: str) -> str:
        return f"{self.settings.topic_prefix}{topic}"

    @property
    def broker(self) -> Broker:
        return Broker(find_address(self.settings.state_dir), fetch_wait=EMBEDDED_FETCH_WAIT)

    def environment(self, **more: str) -> Mapping[str, str]:
        ours = {
            "HEADWATER_STATE_DIR": str(self.settings.state_dir),
            "HEADWATER_METRICS__PORT": str(self.port),
            "HEADWATER_TOPIC_PREFIX": self.settings.topic_prefix,
        }
        return {**os.environ, **ours, **more}

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        child = subprocess.Popen(
            [sys.executable, "-m", "agents", *command],
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with child:
            try:
                yield child
            finally:
                child.kill()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agents", *command],
            env=self.environment(**environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name

    async def records(self, topic: str) -> list[Record]:
        return [r async for records in read_to_end(self.broker, self.name(topic)) for r in records]

    async def post(self, topic: str, *records: tuple[bytes, bytes]) -> None:
        outbox = Outbox(self.broker)
        await outbox.start()
        for key, value in records:
            await outbox.post(self.name(topic), key=key, value=value)
        await outbox.settle()
        await outbox.stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedBroker]:
    """A broker within this process: a process of its own takes a second or two to start."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def bench(tmp_path: Path, cluster: EmbeddedBroker) -> Bench:
    """The broker, with topics that no other test knows."""
    bench = Bench(tmp_path, prefix=f"{tmp_path.name}.")
    for name, partitions in bench.settings.topics().partition_counts().items():
        cluster.declare(name, partitions)
    announced = {"bootstrap": cluster.bootstrap, "pid": os.getpid()}
    bench.settings.state_dir.mkdir(mode=0o700)
    address_file(bench.settings.state_dir).write_text(json.dumps(announced))
    return bench


# -- ingest ----------------------------------------------------------------------------


async def test_a_catalogue_is_sent_keyed_by_item_and_bad_rows_are_put_aside(bench: Bench) -> None:
    bench.write("books.csv", "item_id,title\nemma,Emma\n,Nobody\ndune,Dune\n")
    done = bench.run("ingest", "items", "books.csv")
    assert done.returncode == 0
    assert f"sent 2 rows to topic {bench.name('items')!r}" in done.stdout
    assert "1 bad row put into books.csv.rejected.jsonl" in done.stdout
    (rejected,) = (bench.folder / "books.csv.rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["number"] == 2
    records = await bench.records("items")
    assert {record.key for record in records} == {b"emma", b"dune"}
    assert all(r.partition == partition_of(r.key or b"", 4) for r in records)


async def test_a_file_without_a_good_row_exits_with_1_and_a_dry_run_sends_nothing(
    bench: Bench,
) -> None:
    bench.write("bad.csv", "user_id,item_id,timestamp\n,,\n")
    bench.write("good.csv", "user_id,item_id,timestamp\nann,emma,5\n")
    bad, dry = (
        bench.run("ingest", "events", "bad.csv"),
        bench.run("ingest", "events", "good.csv", "--dry-run"),
    )
    assert (bad.returncode, dry.returncode) == (1, 0)
    assert "1 good row, 0 bad; nothing was sent" in dry.stdout
    assert await bench.records("events") == []


async def test_a_catalogue_that_does_not_fit_is_refused_before_anything_is_sent(
    bench: Bench,
) -> None:
    rows = "".join(f"it{i},T,{'x' * 20_000}\n" for i in range(1100))
    bench.write("large.csv", f"item_id,title,description\n{rows}")
    done = bench.run("ingest", "items", "large.csv")
    assert done.returncode == 2
    assert "would get" in done.stderr
    assert "HEADWATER_PARTITIONS=8" in done.stderr
    assert await bench.records("items") == []


def test_another_prefix_than_the_brokers_is_said_to_be_the_reason(bench: Bench) -> None:
    bench.write("good.csv", "user_id,item_id,timestamp\nann,emma,5\n")
    done = bench.run("ingest", "events", "good.csv", HEADWATER_TOPIC_PREFIX="shop.")
    assert done.returncode == 2
    assert "topic 'shop.events' is missing" in done.stderr
    assert "HEADWATER_TOPIC_PREFIX" in done.stderr


async def test_events_that_wait_since_before_count_and_nobody_reading_is_said(
    bench: Bench,
) -> None:
    value = b"x" * 100_000
    count = UNREAD_BYTES // len(value) + 1
    await bench.post("events", *[(b"ann", value)] * count)
    backlog = await backlog_of(
        bench.broker,
        bench.settings.topics(),
        group=bench.settings.group,
        on_wait=lambda waiting: None,
        patience=0.5,
    )
    with pytest.raises(CapacityExceeded, match="no worker has read any"):
        await backlog([Placed(Parcel(1, b"ann", b"{}"), Origin("events", 2, count))])


# -- tail ------------------------------------------------------------------------------


async def test_tail_prints_one_json_object_a_line_and_ends_after_so_many(bench: Bench) -> None:
    await bench.post("events", *[(user, b'{"user_id":"%s"}' % user) for user in (b"ann", b"bob")])
    done = bench.run("tail", "--topic", "events", "--from-start", "--json", "-n", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert {json.loads(line)["user_id"] for line in done.stdout.splitlines()} == {"ann", "bob"}


async def test_tail_ends_cleanly_when_nobody_reads_its_output_any_more(bench: Bench) -> None:
    await bench.post("events", (b"ann", b"{}"))
    with bench.running("tail", "--topic", "events", "--from-start", "--json") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "{}\n"
        child.stdout.close()
        assert child.wait(PATIENCE) == 0


async def test_tail_of_one_user_shows_no_other_and_ends_cleanly_on_ctrl_c(bench: Bench) -> None:
    await bench.post("events", *[(user, b'{"u":"%s"}' % user) for user in (b"ann", b"eve")])
    command = ("tail", "--topic", "events", "--from-start", "--json", "--user", "eve")
    with bench.running(*command) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == '{"u": "eve"}\n'
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 0
        assert child.stdout.read() == ""


async def test_tail_draws_dead_letters(bench: Bench) -> None:
    error = MalformedEvent("not an event")
    letter = dead_letter(Origin("events", 0, 7), key=b"ann", value=b"\x1b[31m", error=error)
    outbox = Outbox(bench.broker)
    await outbox.start()
    await outbox.post(
        bench.name("dead-letters"), key=letter.key, value=letter.value, headers=letter.headers
    )
    await outbox.settle()
    await outbox.stop()
    done = bench.run("tail", "--topic", "dead-letters", "--from-start", "-n", "1")
    assert "events-0-7  malformed_event" in done.stdout
    assert r"\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout


# -- doctor and why --------------------------------------------------------------------


async def test_the_doctor_finds_broker_and_topics_well_and_events_unread(bench: Bench) -> None:
    await bench.post("events", (b"ann", b"{}"))
    findings = await check_broker(bench.settings)
    assert [f.level for f in findings if f.name in {"broker", "topics", "clock"}] == ["ok"] * 3
    (unread,) = [finding for finding in findings if finding.level != "ok"]
    assert unread.text == f"{bench.name('events')}: 1 records to read, never read"


def test_why_says_clearly_that_a_user_is_unknown(bench: Bench) -> None:
    done = bench.run("why", "ghost")
    assert (done.returncode, done.stdout) == (1, "")
    assert "headwater: user 'ghost' is not known" in done.stderr


def test_why_explains_the_slate_that_a_worker_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    books = [json.loads(line) for line in books_file().read_text().splitlines()[:24]]
    bench.write("books.jsonl", "".join(json.dumps(book) + "\n" for book in books))
    liked, other = books[0]["item_id"], books[1]["item_id"]
    bench.write("like.csv", f"user_id,item_id,timestamp,action\nann,{liked},1700000000,like\n")
    own = {"HEADWATER_STATE_DIR": str(bench.settings.state_dir)}
    with (
        bench.running("broker"),
        WorkerProgram(settings=own, log=tmp_path / "worker.log", hashing=True) as worker,
    ):
        worker.wait_ready()
        assert bench.run("ingest", "items", "books.jsonl").returncode == 0
        worker.wait_until(
            lambda: worker.figures().total("headwater_index_items") == 24, what="24 books"
        )
        assert bench.run("ingest", "events", "like.csv").returncode == 0
        tail = bench.run("tail", "--from-start", "--json", "-n", "1", "--user", "ann")
        slate = json.loads(tail.stdout)
        told = json.loads(bench.run("why", "ann", "--item", liked, "--json").stdout)
        drawn = bench.run("why", "ann", "--item", other)
    assert told["slate"]["slate_id"] == slate["slate_id"]
    assert told["event"]["item_id"] == liked
    assert told["now"] == 1700000000
    assert len(told["built"]["items"]) == 10
    assert told["item"]["kind"] == "seen"
    assert "newest slate of ann" in drawn.stdout
    assert f"like of {books[0]['title']!r}" in drawn.stdout
