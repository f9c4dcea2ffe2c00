from __future__ import annotations

import sys
import threading
import time

import pytest

from guard.policy.background import BackgroundValue


def within_seconds(value: BackgroundValue[int]) -> int:
    deadline = time.monotonic() + 20
    while (made := value.get()) is None:
        assert time.monotonic() < deadline
    return made


def test_nothing_is_computed_before_first_use() -> None:
    made: list[int] = []
    value = BackgroundValue(lambda: made.append(1), 20.0)
    assert made == []
    value.get()
    assert made == [1]


def test_a_value_computed_in_time_is_returned_at_once_and_computed_once() -> None:
    made: list[int] = []
    value = BackgroundValue(lambda: made.append(1) or len(made), 20.0)
    assert (value.get(), value.get()) == (1, 1)


def test_until_it_is_computed_there_is_none() -> None:
    go = threading.Event()
    value = BackgroundValue(lambda: go.wait(20) and 7, 0.01)
    assert (value.get(), value.get()) == (None, None)
    go.set()
    assert within_seconds(value) == 7


def test_a_value_computed_the_moment_it_is_asked_for_is_not_lost() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(1, 2001):
            assert within_seconds(BackgroundValue(lambda made=number: made, 0.0)) == number
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("kind", [ValueError, TimeoutError])
def test_a_failure_is_raised_and_the_next_call_computes_again(kind: type[Exception]) -> None:
    answers: list[Exception | int] = [kind("no"), 7]

    def make() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = BackgroundValue(make, 20.0)
    with pytest.raises(kind, match="no"):
        value.get()
    assert value.get() == 7
