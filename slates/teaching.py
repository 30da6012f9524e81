"""What one interaction teaches a ranker: the chosen item should have stood higher."""

from __future__ import annotations

from slates.ranking import slope
from slates.shortlisting import Prepared
from streams.rankers import Lesson


def lesson_of(prepared: Prepared, item_id: str, *, partition: int, offset: int) -> Lesson | None:
    """
    Compare what the user chose with everything they could have been shown.

    Args:
        prepared: Made from the profile as it was before the interaction.
        item_id: What they chose.
        partition: Where the interaction stands in `events`.
        offset: Its offset there.

    Returns:
        None where the item was no candidate: nothing was compared, so nothing is learned.
    """
    shortlist = prepared.shortlist
    if item_id not in shortlist.candidates.item_ids:
        return None
    row = shortlist.candidates.item_ids.index(item_id)
    return Lesson(slope(shortlist.features, shortlist.scores, row), partition, offset)
