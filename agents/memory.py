"""
Keep Python's collector of cycles away from what stays for ever.

A full collection walks through the catalogue, the libraries and the encoder: 400 ms in which no
event is answered, for nothing, because none of it is ever garbage.  (The values of our folds are
not looked at in any case: they have no cycles and are declared so, `gc=False`.)

What an encoder frees stays with the C library, in gaps between what others hold: 310 MB after
9,742 texts in 32 bits (by hand).  `give_back` returns that to the system.
"""

from __future__ import annotations

import ctypes
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


def give_back() -> None:
    """
    Return freed memory to the system; nothing where the C library is none that can (glibc can).

    Takes 0.1 to 0.2 s after a load, in which other threads may go on but get no large blocks.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
