"""The constants of slate building, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from streams.events import DEFAULT_GAINS, Gains

DAY = 86_400.0


Source: TypeAlias = Literal[
    "companions", "similar", "popular", "trending", "topical", "fresh", "own", "keywords"
]
"""
Where candidates come from; `own` is what the user had before.

`trending` is what rises, whoever visits; `topical` is what is popular of the words that the user
leans to most.

`keywords` are those with the words that were asked for, or else of what was liked; a worker looks
for words where it has a language model.
"""

Language: TypeAlias = Literal["en", "de", "zh"]
"""English, German, Chinese: the languages that sentences are made in."""


RefinementName: TypeAlias = Literal[
    "prompt",
    "prompt-recency",
    "prompt-in-context",
    "rerank",
    "rerank-shuffled",
    "rerank-windows",
    "ra-rec",
    "explain",
    "generate",
]
"""What a language model can be asked for; see docs/language-model.md."""
Cause: TypeAlias = Literal["always", "cold", "new", "uncertain"]
"""When a slate is worth it; see `slates.cascade`."""


class SlateConfig(BaseModel):
    """How slates are built: the constants, and what a strategy may set otherwise."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    strategy: str = "hybrid"
    """The strategy's name; also the key of what its ranker has learned."""
    visits: frozenset[str] = Gains(DEFAULT_GAINS).visits()
    """By which actions one comes to an item: those with a gain above 0; nobody sets it apart."""
    candidates: tuple[Source, ...] = ("companions", "similar", "popular", "fresh")
    """Where candidates come from."""
    ranker: Literal["learned"] | Mapping[str, float] = "learned"
    """`learned`, or a fixed weight for each feature of `slates.features`; those left out are 0."""
    taught_by: str = ""
    """Whose learned weights are taken, and taught; its own where empty."""
    repeats: bool = False
    """May what the user had before be shown again?"""
    caps: Mapping[str, int] = {"author": 2}
    """Attribute to the most items of a slate that may share a word of it."""
    rotation: float = Field(0.3, ge=0)
    """What an item loses for each doubling of the times it was shown and not touched."""
    calibration: float = Field(0.1, ge=0)
    """What an item gains by bringing the slate's words nearer to those of the history."""
    calibrated: tuple[str, ...] = ("genres", "subjects")
    """The attributes whose words are meant."""
    size: int = Field(10, ge=1, le=100)
    """Items on a slate, where the request does not say."""
    retrieve: int = Field(20, ge=1, le=1000)
    """Candidates taken from each taste and each other source; for a longer slate, its length."""
    recent: int = Field(20, ge=1, le=200)
    """Interactions that make up the recent taste."""
    recency: float = Field(5.0, gt=0)
    """Interactions after which an older one counts half in the recent taste."""
    last_items: int = Field(2, ge=0, le=10)
    """Newest liked items that are each a taste of their own."""
    companions: int = Field(100, ge=0, le=2000)
    """Candidates taken from what the crowd did before and after the items of the history."""
    diversity: float = Field(0.2, ge=0, le=1)
    """Share of maximal marginal relevance that goes against likeness to what is on the slate."""
    fresh_days: float = Field(7.0, gt=0)
    """Days after publication during which an item is new."""
    explore_share: float = Field(0.1, ge=0, le=0.5)
    """Share of the slate's places given to items few people know; rounded down, at least one."""
    supporters: int = Field(5, ge=1)
    """Users needed before a count of people is quoted in a reason, and below which one explores."""
    language: Language = "en"
    """Of the sentences of reasons, and of what stands above a row."""
    popularity_half_life_days: float = Field(7.0, gt=0)
    """Days after which an interaction counts half in an item's popularity."""
    refinement: RefinementName | Literal["none"] = "none"
    """What a language model is asked for after the slate has left; `none` asks for nothing."""
    refine_when: tuple[Cause, ...] = ("cold", "new", "uncertain")
    """
    What makes a slate worth the model's time.

    Requests in words, and requests that name the strategy, are refined in any case.
    """
    refine_scenarios: tuple[str, ...] = ()
    """Scenarios of which every slate is refined."""
    refine_within: float = Field(5.0, gt=0, le=600)
    """
    Seconds after which nobody wants the model's answer.

    Enough for the slowest 1 in 100 of the calls that `docs/language-model.md` lists; a user who
    has looked at a feed for longer has found something on it or is gone.
    """
    refine_top: int = Field(20, ge=1, le=100)
    """Candidates the model is shown, the best by score: a window of 20 is one call."""
    refine_cold: int = Field(5, ge=0)
    """
    Interactions below which a user is cold.

    Published comparisons on the same candidates put a language model above a ranker for those
    alone: NDCG@10 .126 against .026 without a history, .467 against .763 with one.
    """
    refine_new: int = Field(2, ge=1)
    """
    Items few people know, on a slate by merit, that make it new.

    One is what exploring puts there anyway.
    """
    refine_undecided: float = Field(0.95, gt=0, le=1)
    """
    Share of the shortlist among which the engine may waver before it counts as uncertain.

    On the first fifth of ml-100k its NDCG@20 is .17 below .88, .12 up to .92 and .09 above; a
    quarter of the slates is above .95.
    """

    @property
    def school(self) -> str:
        """The name under which its ranker's weights are learned and kept."""
        return self.taught_by or self.strategy

    def weighs(self, features: Iterable[str]) -> bool:
        """
        May a score depend on one of these?

        >>> SlateConfig().weighs(["fresh"]), SlateConfig(ranker={"times": 1.0}).weighs(["fresh"])
        (True, False)
        """
        return self.ranker == "learned" or any(self.ranker.get(name) for name in features)
