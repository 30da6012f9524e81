"""
Every error Headwater raises on purpose, sorted by what the caller does about it.

HeadwaterError
 ├ RejectedEvent     the input is wrong       → dead letter, carry on
 │  ├ MalformedEvent   cannot be decoded, lacks a field, or breaks a rule
 │  ├ UnknownAction    an action without a gain in the settings
 │  ├ MalformedItem    an item that cannot be shown or encoded
 │  ├ MalformedVector  wrong size, not finite, or all zero
 │  └ MalformedRequest a slate request that cannot be answered as asked
 ├ StateUnusable     our own state is wrong   → rebuild it from the log
 │  ├ SnapshotCorrupt  a file is missing, short or altered
 │  ├ DimensionMismatch a snapshot of vectors of another size
 │  ├ EncoderMismatch  a snapshot or vector of another encoder
 │  ├ IndexUnfit       an index that must not serve: its canary found fault, or it is another kind
 │  ├ ChangelogUnreadable a value of a changelog from another version
 │  └ LocalStateUnusable a local copy of a changelog that is not to be trusted
 ├ Degraded          a helper is unavailable  → fall back, count it, show it
 │  └ ModelUnavailable no usable answer from a language model, for the reason it names
 ├ DeliveryFailed    the broker took no record → stop before the offset moves
 ├ MembershipLost    others may own our partitions → write nothing, join again
 └ SetupError        the surroundings are wrong → say what to do, exit
    ├ BadSetting       a setting is unknown or has a wrong value
    ├ BrokerUnreachable no broker answers at the address
    ├ TopicMismatch    a topic is missing or declared differently
    ├ LogReplaced      a log ends before what was read of it
    ├ GroupShared      another application is in our consumer group
    └ CapacityExceeded the embedded broker cannot hold this

Anything else is a bug and crashes the agent before the offset moves.
"""


class HeadwaterError(Exception):
    """The root of the tree; never raised itself."""


class RejectedEvent(HeadwaterError):
    """The input is wrong: it goes to the dead letters and the stream goes on."""


class MalformedEvent(RejectedEvent):
    """An event that cannot be decoded, lacks a field, or breaks a rule."""


class UnknownAction(RejectedEvent):
    """An interaction whose action has no gain in the settings."""


class MalformedItem(RejectedEvent):
    """An item without an id, a title or any text."""


class MalformedVector(RejectedEvent):
    """A vector of the wrong size, with NaN or infinity, or of length zero."""


class MalformedRequest(RejectedEvent):
    """A slate request that cannot be answered as asked."""


class StateUnusable(HeadwaterError):
    """Our own state is wrong: it is rebuilt from the log."""


class SnapshotCorrupt(StateUnusable):
    """A snapshot with a missing, short or altered file."""


class DimensionMismatch(StateUnusable):
    """A snapshot of vectors of another size."""


class EncoderMismatch(StateUnusable):
    """A snapshot or a vector made by another encoder."""


class IndexUnfit(StateUnusable):
    """An index that must not serve: it searches badly, or is of another kind or another log."""


class ChangelogUnreadable(StateUnusable):
    """A value on a changelog that this version cannot decode."""


class LocalStateUnusable(StateUnusable):
    """A local copy of a changelog that is damaged, old, of another log, or cannot be written."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """Fit for a metric's label."""


class Degraded(HeadwaterError):
    """A helper is unavailable: the answer falls back and says so."""


class ModelUnavailable(Degraded):
    """A language model gave no answer that can be used."""

    def __init__(self, message: str, *, reason: str, tokens: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        """Fit for a metric's label, such as `timeout`, `budget` or `breaker-open`."""
        self.tokens = tokens
        """What the server counted all the same: an answer that cannot be used is paid for, too."""


class DeliveryFailed(HeadwaterError):
    """The broker did not take what was sent; the offset that caused it must not move."""


class MembershipLost(HeadwaterError):
    """This worker's partitions may belong to another one by now; it must not write."""


class SetupError(HeadwaterError):
    """The surroundings are wrong: the program says what to do and exits."""


class BadSetting(SetupError):
    """A setting is unknown or has a wrong value."""


class BrokerUnreachable(SetupError):
    """No broker answers at the address."""


class TopicMismatch(SetupError):
    """A topic is missing, or declared otherwise than `streams.topics` says."""


class LogReplaced(SetupError):
    """A log that ends before what was read of it: it is another one, or has lost its end."""


class GroupShared(SetupError):
    """Another application is in our consumer group and would be given a part of our events."""


class CapacityExceeded(SetupError):
    """The embedded broker cannot hold what it is asked to."""
