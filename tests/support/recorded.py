"""A small folder of recorded replies, with the films and the split that they are about."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILMS = {f"m{k}": f"Film {k}, The ({1950 + k})" for k in range(30)}
USERS = [f"{u}" for u in range(1, 13)]
GIVEN = [f"m{k}" for k in range(10, 20)]
"""Films that all models were given to order."""
HELD_BACK = {user: {"m12", f"m{13 + int(user) % 5}"} for user in USERS}


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking of the engine that is known beforehand: by the number of the film."""

    had: dict[str, frozenset[str]]

    def best(self, user_id: str, *, n: int) -> Sequence[str]:
        """By number."""
        return [i for i in FILMS if i not in self.had.get(user_id, ())][:n]

    def order(self, user_id: str, given: Sequence[str]) -> Sequence[str]:
        """By number."""
        return sorted(
            (i for i in given if i not in self.had.get(user_id, ())), key=list(FILMS).index
        )


def write_data(folder: Path) -> Path:
    """Catalogue and split; each user has had three films, the first three users many."""
    films = folder / "movielens-small"
    (films / "random-80-20").mkdir(parents=True)
    rows = [f'{i},"{title}",War|Sea,,"About {title}"' for i, title in FILMS.items()]
    heading = "movieId,title,genres,year,description"
    (films / "items_with_text.csv").write_text("\n".join([heading, *rows, ""]))
    train = [
        f"{user}\tm{(k + int(user)) % 10}\t4.0\t{1000 * k + int(user)}"
        for user in USERS
        for k in range(9 if int(user) <= 9 else 3)
    ]
    test = [f"{u}\t{i}\t5.0\t9000" for u, items in HELD_BACK.items() for i in sorted(items)]
    (films / "random-80-20/train.tsv").write_text("\n".join([*train, ""]))
    (films / "random-80-20/test.tsv").write_text("\n".join([*test, ""]))
    return folder


def write_replies(folder: Path) -> Path:
    """Three tasks of one model: good, bad and empty replies."""
    inside = folder / "movielens-small"
    (inside / "candidates_and_parsed").mkdir(parents=True)
    titles = [FILMS[i] for i in GIVEN]
    (inside / "rerank_mostpop_candidates.txt").write_text("\n".join(titles))
    lists = [f"{u}\t{i}\t{k}" for u in USERS for k, i in enumerate(GIVEN, 1)]
    name = "output_exp_3_rec_movie_no_rerank_userknn.tsv"
    (inside / "candidates_and_parsed" / name).write_text("\n".join(lists))
    replies = {user: _said(int(user), titles) for user in USERS}
    for task in ("topn", "rerank_mostpop", "rerank_userknn"):
        write_recording(inside / f"tiny_{task}.jsonl.gz", replies)
    return folder


def write_recording(path: Path, replies: dict[str, str | None]) -> None:
    """One file."""
    lines = [json.dumps({"userId": int(u), "response": text}) for u, text in replies.items()]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))


def _said(user: int, titles: Sequence[str]) -> str | None:
    """The film that is held back first, by most; some say nothing or something else."""
    if user % 6 == 0:
        return None
    if user % 6 == 1:
        return "I am sorry, but I cannot recommend 3 films of 1962."
    first = [FILMS["m12"], *(title for title in titles if "12" not in title)]
    lines = [f"{k}. {title}" for k, title in enumerate(first, 1)]
    return "\n".join(["Here are 10:", "", *lines, "11. Never Made (2031)"])
