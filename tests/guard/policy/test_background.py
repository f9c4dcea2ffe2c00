from __future__ import annotations

import sys
import threading
import time

import pytest

from guard.policy.background import Later


def within_seconds(later: Later[int]) -> int:
    deadline = time.monotonic() + 20
    while (made := later.get()) is None:
        assert time.monotonic() < deadline
    return made


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made: list[int] = []
    later = Later(lambda: made.append(1), 20.0)
    assert made == []
    later.get()
    assert made == [1]


def test_what_is_made_in_time_is_returned_at_once_and_made_once() -> None:
    made: list[int] = []
    later = Later(lambda: made.append(1) or len(made), 20.0)
    assert (later.get(), later.get()) == (1, 1)


def test_until_it_is_made_there_is_nothing() -> None:
    go = threading.Event()
    later = Later(lambda: go.wait(20) and 7, 0.01)
    assert (later.get(), later.get()) == (None, None)
    go.set()
    assert within_seconds(later) == 7


def test_what_is_made_the_moment_it_is_asked_for_is_not_lost() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(1, 2001):
            assert within_seconds(Later(lambda made=number: made, 0.0)) == number
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("kind", [ValueError, TimeoutError])
def test_a_failure_is_raised_and_the_next_asks_again(kind: type[Exception]) -> None:
    answers: list[Exception | int] = [kind("no"), 7]

    def make() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    later = Later(make, 20.0)
    with pytest.raises(kind, match="no"):
        later.get()
    assert later.get() == 7
