"""
Keep Python's collector of cycles away from what stays for ever.

A full collection walks through the catalogue, the libraries and the encoder: 400 ms in which no
event is answered, for nothing, because none of it is ever garbage.  (The values of our folds are
not looked at in any case: they have no cycles and are declared so, `gc=False`.)
"""

from __future__ import annotations

import gc

YOUNG = 50_000
"""Objects made before the youngest are looked through; what a record brings is gone by then."""


def begin_loading() -> None:
    """Collect nothing while much is made that stays; whoever makes the last of it ends this."""
    gc.disable()


def end_loading() -> None:
    """Leave alone for good what there is now, and collect what comes."""
    gc.set_threshold(YOUNG, 20, 50)
    gc.freeze()
    gc.enable()
