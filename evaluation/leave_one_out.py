"""
The last event of every user held back, and asked for when all others are learned.

The usual protocol of papers: it lets a contender learn what others did later, which no stream
allows, so its figures are comparable with theirs and not with those of `prequential`.
"""

from __future__ import annotations

from evaluation.contender import Contender
from evaluation.replaying import OnStep, Rules, Stream, begin, ignore, sampled
from evaluation.scores import Scores


def leave_one_out(
    contender: Contender, stream: Stream, *, rules: Rules, on_step: OnStep = ignore
) -> Scores:
    """
    Learn all but the last event of each user, in order of time, then rank for each.

    A user with a single event, or whose last one repeats an item, is not scored.  It is asked at
    the end of what was learned, since nothing learned may be later than a question.  Of the
    rules only the sample, here of users, and the seed count.
    """
    replay = begin(contender, stream, Rules())
    events = stream.observations
    held_back = {event.user_id: k for k, event in enumerate(events)}
    learned = [event for k, event in enumerate(events) if held_back[event.user_id] != k]
    for done, event in enumerate(learned, 1):
        replay.tell(event, warm=True)
        on_step(done)
    asked = sampled(len(held_back), rules)
    latest = learned[-1].at if learned else 0.0
    for done, k in enumerate(sorted(held_back.values())):
        user, item = events[k].user_id, events[k].item_id
        if replay.past.has_had(user, item) or not replay.past.had(user):
            replay.scores.not_scored += 1
        elif asked[done]:
            replay.ask(user, [item], now=max(latest, events[k].at), repeats=False)
        on_step(len(learned) + done + 1)
    return replay.scores
