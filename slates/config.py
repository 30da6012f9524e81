"""The constants of slate building, each with its reason."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DAY = 86_400.0


class SlateConfig(BaseModel):
    """How slates are built."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

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
    weight_similarity: float = 0.5
    """Weight of the similarity to the tastes, whose values differ by about 0.3 among candidates."""
    weight_attributes: float = 1.0
    """Weight of the leaning towards the words of the attributes, -1 to 1 and mostly within 0.3."""
    weight_popularity: float = 0.1
    """Weight of popularity, scaled to 0..1 by logarithm; a tie-breaker for users with history."""
    weight_freshness: float = 0.1
    """Weight of freshness, 1 when published and halved every `fresh_days`."""
    diversity: float = Field(0.2, ge=0, le=1)
    """Share of maximal marginal relevance that goes against likeness to what is on the slate."""
    fresh_days: float = Field(7.0, gt=0)
    """Days after publication during which an item is new."""
    explore_share: float = Field(0.1, ge=0, le=0.5)
    """Share of the slate's places given to items few people know; rounded down, at least one."""
    supporters: int = Field(5, ge=1)
    """Users needed before a count of people is quoted in a reason, and below which one explores."""
    popularity_half_life_days: float = Field(7.0, gt=0)
    """Days after which an interaction counts half in an item's popularity."""
