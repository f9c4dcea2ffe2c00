from __future__ import annotations

import pytest

from eval.benchmarks.registry import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_is_registered_under_its_name_and_says_what_its_command_does(name: str) -> None:
    benchmark = BENCHMARKS[name]()
    assert benchmark.name == name
    assert benchmark.__doc__
    assert benchmark().split
