from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from guard.garbage import MIN_KEPT_OBJECTS, no_garbage_collection


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_garbage_is_collected_again_once_the_last_has_left() -> None:
    with no_garbage_collection():
        with no_garbage_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_is_collected_again_after_a_failure() -> None:
    with pytest.raises(OSError, match="unreadable"), no_garbage_collection():
        raise OSError("unreadable")
    assert gc.isenabled()


def test_who_had_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with no_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_very_many_new_objects_are_not_looked_through_again() -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with no_garbage_collection():
        kept = [[] for _ in range(MIN_KEPT_OBJECTS + 10_000)]
    assert gc.get_freeze_count() >= before + len(kept)


def test_few_new_objects_are_looked_through_as_ever() -> None:
    before = gc.get_freeze_count()
    with no_garbage_collection():
        kept = [[] for _ in range(10_000)]
    assert gc.get_freeze_count() == before
    assert len(kept) == 10_000
