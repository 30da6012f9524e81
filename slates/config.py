"""The constants of slate building, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from streams.events import DEFAULT_GAINS, Gains

DAY = 86_400.0


Source: TypeAlias = Literal["companions", "similar", "popular", "fresh", "own"]
"""Where candidates come from; `own` is what the user had before."""

Language: TypeAlias = Literal["en", "de", "zh"]
"""English, German, Chinese: the languages that sentences are made in."""


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
    """Candidates taken from each taste and each other source."""
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
