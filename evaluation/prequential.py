"""
Test, then train: before each event of the stream, what would have been recommended?

The protocol that counts for a stream: nobody knows the future, and everything is learned.
"""

from __future__ import annotations

from evaluation.contender import Contender
from evaluation.replaying import OnStep, Rules, Stream, begin, first_scored, ignore, sampled
from evaluation.scores import Scores


def prequential(
    contender: Contender, stream: Stream, *, rules: Rules, on_step: OnStep = ignore
) -> Scores:
    """
    Rank before every event behind the warm part, then learn it.

    An event whose item the user has had is learned and not scored.

    Args:
        contender: Knows nothing yet.
        stream: In the order of `evaluation.replaying.in_order`.
        rules: How much is warm, asked, and how late things are learned.
        on_step: Told after each event how many are done.

    Source:
        Gama, Sebastião and Rodrigues, KDD 2009; for recommenders Vinagre, Jorge and Gama,
        RecSysTV 2014.
    """
    replay = begin(contender, stream, rules)
    asked = sampled(len(stream.observations), rules)
    first = first_scored(stream, rules)
    for k, event in enumerate(stream.observations):
        if k >= first and asked[k]:
            if replay.past.has_had(event.user_id, event.item_id):
                replay.scores.not_scored += 1
            else:
                replay.ask(event.user_id, [event.item_id], now=event.at, repeats=False)
        replay.tell(event, warm=k < first)
        on_step(k + 1)
    return replay.scores
