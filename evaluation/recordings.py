"""
Folders of recorded replies: what real models answered when they were asked to recommend films.

A file holds the replies of one model to one task, a user a line.  Two tasks gave 50 films to order;
in the third the model named 50 of its own accord.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from evaluation.cells import identity
from slates.titles import Titles
from streams.errors import MalformedEvent, SetupError
from streams.rows import BadRow, read_rows

Task: TypeAlias = Literal["topn", "rerank_mostpop", "rerank_userknn"]
TASKS: Sequence[Task] = ("topn", "rerank_mostpop", "rerank_userknn")
INSIDE = "movielens-small"
"""Name of the folder, where the one given holds it."""
GIVEN_TO_ALL = "rerank_mostpop_candidates.txt"
GIVEN_TO_EACH = "candidates_and_parsed/output_exp_3_rec_movie_no_rerank_userknn.tsv"
_BY_AUTHORS = "candidates_and_parsed/output_exp_{}_copy.tsv"
PARSED: Mapping[str, str] = {
    "chatgpt_topn": _BY_AUTHORS.format("1_rec_movie"),
    "chatgpt_rerank_mostpop": _BY_AUTHORS.format("2_rec_movie_rerank_most_pop"),
    "chatgpt_rerank_userknn": _BY_AUTHORS.format("3_rec_movie_rerank_userknn"),
}
"""Recording to what its authors made of it."""

Lists: TypeAlias = Mapping[str, Sequence[str]]
"""User to items, in order."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One reply."""

    user_id: str
    text: str
    """As it came; empty where the provider failed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The replies of one model to one task."""

    name: str
    task: Task
    replies: Sequence[Recorded]
    given: Lists
    """What each user's model was given to order; empty where it was given nothing."""


def load_recordings(folder: Path, titles: Titles) -> list[Recording]:
    """
    Read all recordings of a folder, in the order of their names.

    Raises:
        SetupError: The folder or a file of it is missing, or is another kind of file.
    """
    folder = _settled(folder)
    paths = sorted(path for path in folder.iterdir() if ".jsonl" in path.suffixes)
    if not paths:
        raise SetupError(f"{folder}: no replies, expected files such as MODEL_{TASKS[1]}.jsonl.gz")
    recordings = []
    for path in paths:
        replies, task = list(_replies(path)), _task(path)
        users = [reply.user_id for reply in replies]
        given = _given(folder, task, titles=titles, users=users)
        recordings.append(Recording(_stem(path), task, replies, given))
    return recordings


def load_parsed(folder: Path, name: str) -> Lists | None:
    """What the authors of a recording made of its replies; None where that is not there."""
    path = _settled(folder) / PARSED.get(name, "-")
    return load_lists(path) if path.is_file() else None


def _settled(folder: Path) -> Path:
    inside = folder / INSIDE
    if inside.is_dir():
        return inside
    if not folder.is_dir():
        raise SetupError(f"{folder}: no such folder, expected one with recorded replies")
    return folder


def _stem(path: Path) -> str:
    return path.name.split(".jsonl")[0]


def _task(path: Path) -> Task:
    for task in TASKS:
        if _stem(path).endswith(f"_{task}"):
            return task
    raise SetupError(f"{path}: not a known task, expected a name that ends in {', '.join(TASKS)}")


def _replies(path: Path) -> Iterator[Recorded]:
    for row in read_rows(path, required=("userId", "response")):
        if isinstance(row, BadRow):
            raise SetupError(f"{path}: row {row.number}: {row.reason}")
        lacking = [name for name in ("userId", "response") if name not in row.cells]
        if lacking:
            found = ", ".join(row.cells) or "none"
            raise SetupError(f"{path}: row {row.number}: no {' and '.join(lacking)}; found {found}")
        try:
            user_id = identity(row.cells, "userId")
        except MalformedEvent as exc:
            raise SetupError(f"{path}: row {row.number}: {exc}") from exc
        response = row.cells["response"]
        if not isinstance(response, str | None):
            raise SetupError(f"{path}: row {row.number}: response is no text")
        yield Recorded(user_id, response or "")


def _given(folder: Path, task: Task, *, titles: Titles, users: Sequence[str]) -> Lists:
    if task == "topn":
        return {}
    if task == "rerank_userknn":
        return load_lists(folder / GIVEN_TO_EACH)
    path = folder / GIVEN_TO_ALL
    names = [line.strip() for line in _text(path).splitlines() if line.strip()]
    found = [item_id for item_id in map(titles.find, names) if item_id is not None]
    if len(found) < len(names):
        missing = next(name for name in names if titles.find(name) is None)
        raise SetupError(f"{path}: {missing!r} is not in the catalogue, expected its titles")
    return dict.fromkeys(users, found)


def load_lists(path: Path) -> Lists:
    """
    Read lines of user, item and place, with tabs between.

    Raises:
        SetupError: There is no such file, or a line is another.
    """
    placed: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, line in enumerate(_text(path).splitlines(), 1):
        cells = line.split("\t")
        if len(cells) != 3 or not cells[2].strip().isdigit():
            raise SetupError(f"{path}: line {number}: expected user, item and place, with tabs")
        placed[cells[0]].append((int(cells[2]), cells[1]))
    return {user: [item for _, item in sorted(items)] for user, items in placed.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path}: cannot be read: {exc}") from exc
