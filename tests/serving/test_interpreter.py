from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from serving.interpreter import (
    MIN_KEPT_OBJECTS,
    OLDEST_THRESHOLD,
    SWITCH_INTERVAL_S,
    keep_objects,
    serve_many_threads,
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_threads_take_short_turns_and_the_oldest_objects_are_seldom_looked_through() -> None:
    youngest, middle, _ = gc.get_threshold()
    serve_many_threads()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)
    assert gc.get_threshold() == (youngest, middle, OLDEST_THRESHOLD)


def test_what_is_kept_is_not_looked_through_again() -> None:
    kept = [[number] for number in range(MIN_KEPT_OBJECTS)]
    before = gc.get_freeze_count()
    keep_objects()
    assert gc.get_freeze_count() >= before + len(kept)
    # A list made later is the only one that a full collection looks through.
    assert len(gc.get_objects()) < len(kept)


def test_few_objects_are_not_kept_so_that_cycles_which_live_now_can_be_collected_later() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    gc.freeze()
    circle = Circle()
    gone = weakref.ref(circle)
    keep_objects()
    del circle
    gc.collect()
    assert gone() is None


def test_young_garbage_is_collected_before() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    gone = weakref.ref(Circle())
    keep_objects()
    assert gone() is None
