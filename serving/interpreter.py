"""Keeps the interpreter free for the event loop: short turns of threads, and little garbage to look through."""

from __future__ import annotations

import gc
import sys

# A thread that computes in Python keeps the interpreter for so long while others wait. With Python's own 5 ms the
# loop waited for 100 ms behind the threads that read 32 conversations; with this it waits for 20, at equal speed.
SWITCH_INTERVAL_S = 0.0005
# Collections of the middle generation for each of the oldest, instead of 10: that one looks through all objects of
# all requests, which takes some 70 ms while large ones are read.
OLDEST_THRESHOLD = 100
MIN_NEW_BLOCKS = 200_000
"""Blocks of memory, of which an object takes one to three: one look through so many objects takes some 20 ms."""


def serve_many_threads() -> None:
    """Set the interpreter's switch interval and thresholds of garbage collection for a server of many threads."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    youngest, middle, _ = gc.get_threshold()
    gc.set_threshold(youngest, middle, OLDEST_THRESHOLD)


class LastingObjects:
    """Leaves what there is out of later garbage collections, after a policy of many objects has come into force.

    One look at a policy of 10,000 targets would take a third of a second, in which no probe is answered. What is
    kept is freed as its last reference goes; garbage in cycles is not, so fewer than MIN_NEW_BLOCKS blocks more
    than the last time are looked through as ever: with each change of one target, the cycles of the requests in
    progress would stay.
    """

    def __init__(self) -> None:
        self._blocks = 0

    def keep(self) -> None:
        """Collect young garbage, and leave the rest out of later collections if it has become much more."""
        gc.collect(1)
        # Not counted by gc.get_objects: while its list lives, other threads cannot make tuples of generators, as
        # one with a second reference cannot grow (SystemError).
        blocks = sys.getallocatedblocks()
        if blocks - self._blocks >= MIN_NEW_BLOCKS:
            gc.freeze()
            self._blocks = blocks
        self._blocks = min(self._blocks, blocks)
