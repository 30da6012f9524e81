"""Doubles of what a slate is made from: a small knowledge, and a model server with a script."""

from slates.testing.knowledge import Near, SmallIndex, SmallKnowledge
from slates.testing.script import Asked, Reply, Script, Step
from slates.testing.sensible import sensible
from slates.testing.server import ModelServer

__all__ = [
    "Asked",
    "ModelServer",
    "Near",
    "Reply",
    "Script",
    "SmallIndex",
    "SmallKnowledge",
    "Step",
    "sensible",
]
