"""
Explanations measured: how near to the truth, how much alike, how much of them proven.

Three ways to say why from the same profiles: what a model published, our template, and the model's
sentences as far as `slates.told` proves them, with the template in the place of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.claims import Claims, count_claims
from evaluation.profile_words import phrase_of
from evaluation.profiled import Explained, Published, Row
from evaluation.summary import Figures, interval
from slates.told.claims import Record
from slates.told.proving import PROFILE, prove
from slates.told.tongues import load_tongue

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors, one row each."""

LANGUAGE = "en"
"""Of the profiles."""
_SENTENCE = re.compile(r"(?<=[\w’'”)]{4}[.!?])\s+(?=\W?[A-Z])")
"""Where a sentence ends: not behind Mr., St. and the like."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one way says of a row."""

    text: str
    claims: Claims


@dataclass(frozen=True, slots=True)
class Checked:
    """A model's text after the check."""

    text: str
    kept: int
    replaced: int
    """Sentences that were not proven."""


def measure(published: Published, encode: Encode, *, seed: int = 0) -> Figures:
    """
    Measure all ways on the rows that the model wrote for.

    Args:
        published: Of a folder.
        encode: The encoder.
        seed: Of the resampling.

    Returns:
        `n`; under `published`, `template` and `checked` each `cosine`, its interval, `unique`,
        `proven`, `claims`; how many sentences of the model were kept and replaced.
    """
    rows = [one.row for one in published.explained]
    templates = [template(row) for row in rows]
    checked = list(map(check, published.explained, templates))
    texts = {
        "published": [one.prediction for one in published.explained],
        "template": templates,
        "checked": [one.text for one in checked],
    }
    truth = encode([row.explanation for row in rows])
    cosines = {name: _cosines(encode(said), truth) for name, said in texts.items()}
    return {
        "n": len(rows),
        "without_row": published.without_row,
        "mismatched": published.mismatched,
        "sentences_kept": sum(one.kept for one in checked),
        "sentences_unproven": sum(one.replaced for one in checked),
        **{name: _figures(said, rows, cosines[name], seed) for name, said in texts.items()},
        "template_over_published": _mean(cosines["template"] - cosines["published"], seed),
        "checked_over_published": _mean(cosines["checked"] - cosines["published"], seed),
    }


def evidence_of(row: Row) -> list[Record]:
    """The title and both profiles: what XRec had."""
    return [
        Record(PROFILE, {"text": text}) for text in (row.title, row.item_summary, row.user_summary)
    ]


def template(row: Row) -> str:
    """What is said without a model; all of the item's profile where no part can be taken out."""
    said = phrase_of(row.title, row.item_summary, row.user_summary, load_tongue(LANGUAGE))
    return said if said and is_proven(said, row) else f"“{row.title}”: “{row.item_summary}”"


def is_proven(text: str, row: Row) -> bool:
    """Is all of a text proven by the profiles?"""
    quoted = f"“{row.title}”: “{row.item_summary}”"
    tongue = load_tongue(LANGUAGE)
    return text == quoted or not prove(text, evidence_of(row), title=row.title, tongue=tongue).fault


def check(one: Explained, instead: str) -> Checked:
    """Keep the sentences that are proven; the template once for all that are not."""
    sentences = _SENTENCE.split(one.prediction.strip())
    kept = [sentence for sentence in sentences if sentence and is_proven(sentence, one.row)]
    replaced = len(sentences) - len(kept)
    said = [*kept, instead] if replaced or not kept else kept
    return Checked(" ".join(said), len(kept), replaced)


def _cosines(rows: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", rows, truth, dtype=np.float64))


def _figures(
    texts: Sequence[str], rows: Sequence[Row], cosines: NDArray[np.float64], seed: int
) -> Figures:
    claims = [
        count_claims(text, (row.title, row.item_summary, row.user_summary))
        for text, row in zip(texts, rows, strict=True)
    ]
    made, proven = sum(one.made for one in claims), sum(one.proven for one in claims)
    return {
        "cosine": float(cosines.mean()),
        "cosine_ci": _mean(cosines, seed)["ci"],
        "unique": len(set(texts)) / len(texts),
        "proven": proven / made if made else 1.0,
        "claims": made,
        "wholly_proven": sum(not one.unproven for one in claims) / len(claims),
        "words": float(np.mean([len(text.split()) for text in texts])),
    }


def _mean(values: NDArray[np.float64], seed: int) -> Figures:
    low, high = interval(values[:, None], np.arange(len(values)), seed=seed)
    return {"mean": float(values.mean()), "ci": [float(low[0]), float(high[0])]}
