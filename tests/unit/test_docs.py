"""What the documents promise is there."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify
from typer.main import get_command

from agents.__main__ import ALL, PLUGINS, app_of, mount
from agents.metrics import Metrics
from tests.support.documents import PAGES, ROOT, USAGE, Block, all_blocks

_app = app_of(ALL)
mount(_app, entry_points(group=PLUGINS))
COMMANDS = get_command(_app)
BLOCKS = all_blocks()
SHELL = [block for block in BLOCKS if block.language == "sh"]
LANGUAGES = {"sh", "text", "json", "toml", "ini", "csv", "python"}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_every_metric_has_a_line_in_the_runbook() -> None:
    text = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    families = [f for f in Metrics().registry.collect() if f.name.startswith("headwater_")]
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert set(re.findall(r"^\| `(headwater_\w+)`", text, re.MULTILINE)) == names


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {slugify(heading, "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_function_and_file_named_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:streams|indexes|slates|agents|gateway|tests|benchmarks|evaluation)/[\w/]+\.py)"
        r"(?::([\w.]+))?`",
        page.read_text(encoding="utf-8"),
    )
    for file, name in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        for part in filter(None, name.split(".")):
            assert re.search(rf"(?:def|class) {part}\b|^    {part}\b", source), f"{file}:{name}"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_every_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_code_hides_in_indented_lines(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"\n\n    (?![ *-])(?!<!-- )\S", text)


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language in ("json", "toml")], ids=lambda block: block.name
)
def test_every_piece_of_data_can_be_read(block: Block) -> None:
    if block.language == "toml":
        assert tomllib.loads(block.text)
        return
    for line in block.text.splitlines():
        assert json.loads(line)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_every_command_has_the_options_that_it_is_given(block: Block) -> None:
    """Also those that are not run."""
    for command in block.commands():
        words = shlex.split(command, comments=True)
        for place, word in enumerate(words):
            if word == "headwater":
                _check(words[place + 1 :])


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_named_in_a_sentence_exists(page: Path) -> None:
    for text in re.findall(r"`headwater ([^`…]+)`", page.read_text(encoding="utf-8")):
        if page != USAGE:
            _check(shlex.split(text))


def _check(words: list[str]) -> None:
    command = COMMANDS
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    assert command is not COMMANDS, words
    assert not (hasattr(command, "commands") and words and words[0].isalpha()), words
    parser = command.make_parser(command.context_class(command))
    parser.parse_args(args=list(words))


def test_the_makefile_calls_what_the_readme_says() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^up: setup .*\n\t@\$\(BIN\)/headwater up \$\(ARGS\)$", text, re.MULTILINE)


def test_what_is_not_run_says_why() -> None:
    marked = [line for page in PAGES for line in page.read_text("utf-8").splitlines()]
    marks = [line.strip() for line in marked if line.strip().startswith("<!-- not run")]
    assert all(re.fullmatch(r"<!-- not run: .{12,} -->", mark) for mark in marks)
    assert len(marks) == sum(bool(block.skipped) for block in BLOCKS)
