from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from serving.interpreter import (
    MIN_NEW_BLOCKS,
    OLDEST_THRESHOLD,
    SWITCH_INTERVAL_S,
    LastingObjects,
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


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_what_is_kept_is_not_looked_through_again() -> None:
    kept = [[number] for number in range(MIN_NEW_BLOCKS)]
    before = gc.get_freeze_count()
    LastingObjects().keep()
    assert gc.get_freeze_count() >= before + len(kept)
    # A list made later is the only one that a full collection looks through.
    assert len(gc.get_objects()) < len(kept)


def test_few_new_objects_are_not_kept_so_that_cycles_which_live_now_can_be_collected_later() -> None:
    lasting = LastingObjects()
    lasting.keep()
    circle = Circle()
    gone = weakref.ref(circle)
    lasting.keep()
    del circle
    gc.collect()
    assert gone() is None


def test_as_many_objects_again_are_kept_after_the_first_have_gone() -> None:
    first = [[number] for number in range(MIN_NEW_BLOCKS)]
    lasting = LastingObjects()
    lasting.keep()
    del first
    lasting.keep()
    second = [[number] for number in range(MIN_NEW_BLOCKS)]
    before = gc.get_freeze_count()
    lasting.keep()
    assert gc.get_freeze_count() >= before + len(second)


def test_young_garbage_is_collected_before() -> None:
    gone = weakref.ref(Circle())
    LastingObjects().keep()
    assert gone() is None


def test_other_threads_go_on_making_tuples_meanwhile() -> None:
    serve_many_threads()
    many = [[number] for number in range(MIN_NEW_BLOCKS)]
    errors: list[BaseException] = []
    ended = threading.Event()

    def make() -> None:
        try:
            while not ended.is_set():
                tuple([number] for number in range(200))
        except SystemError as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 1
    while time.monotonic() < ends:
        LastingObjects().keep()
        gc.unfreeze()
    ended.set()
    for thread in threads:
        thread.join()
    assert (errors, len(many)) == ([], MIN_NEW_BLOCKS)
