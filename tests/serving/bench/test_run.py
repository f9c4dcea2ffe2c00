from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.bench import run as module
from serving.bench.load import Load, Measured, median
from serving.bench.processes import Endpoint
from serving.bench.run import Case, Comparison, Ratio, _seed, literals, markdown, people, run

CASE = Case("0 phrases", Load(1, 8, 64, stream=False))


def test_rounds_are_compared_pair_by_pair() -> None:
    """A round that was slow for both sides does not move the ratio."""
    row = Ratio(CASE, "throughput", "tok/s", [100.0, 10.0, 100.0], [98.0, 9.8, 98.0])
    assert row.ratio == pytest.approx(0.98)


def test_throughput_counts_every_token_over_the_whole_run() -> None:
    assert Measured(2.0, 128, (), (), ()).throughput == 64.0


def test_nothing_measured_is_no_number() -> None:
    assert median([]) != median([])


def test_the_table_has_a_line_for_each_figure() -> None:
    lines = markdown([Ratio(CASE, "throughput", "tok/s", [100.0], [97.0])]).splitlines()
    assert len(lines) == 3
    assert lines[-1] == "| 0 phrases | throughput | 1 | no | 100.0 tok/s | 97.0 tok/s | 0.970 |"


@pytest.mark.parametrize("count", [100, 10_000])
def test_literals_are_as_many_phrases_as_asked_for_in_targets_that_are_always_in_force(count: int) -> None:
    targets = literals(count)
    assert sum(len(target["phrases"]) for target in targets) == count
    assert {target["scope"] for target in targets} == {"always"}
    assert literals(count) == targets


def test_people_are_contextual_targets_with_facts() -> None:
    targets = people(3)
    assert len({target["name"] for target in targets}) == 3
    assert all(target["facts"] and "scope" not in target for target in targets)


def test_no_two_cases_or_rounds_share_their_prompts() -> None:
    other = Case("0 phrases", Load(1, 8, 64, stream=True))
    assert len({_seed(case, turn) for case in (CASE, other) for turn in range(3)}) == 6


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_in_limited_time_every_policy_has_its_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A load takes half a minute on both servers: five policies have two each in five minutes."""
    clock = Clock()

    @contextlib.contextmanager
    def server(model: str, folder: Path) -> Iterator[Endpoint]:
        yield Endpoint(model, "http://127.0.0.1:1")

    async def measured(url: str, model: str, load: Load, seed: int) -> Measured:
        clock.now += 15
        return Measured(1.0, 64, (), (), ())

    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "warm_up", lambda *_: None)
    monkeypatch.setattr(module, "measure", measured)
    monkeypatch.setattr(module, "stock", server)
    monkeypatch.setattr(module, "guarded", server)
    monkeypatch.setattr(Endpoint, "model", lambda self: "m")
    monkeypatch.setattr(Endpoint, "forget", lambda self, targets: [])
    monkeypatch.setattr(Endpoint, "remember", lambda self, ids: None)
    monkeypatch.setattr(module, "POLICIES", dict.fromkeys(module.POLICIES, list))
    said: list[str] = []
    comparison = Comparison()
    run(comparison, "toy", tmp_path, 3, 16, said.append, minutes=5)
    assert [case.policy for case in comparison.measured] == [name for name in module.POLICIES for _ in range(2)]
    assert len({row.case for row in comparison.ratios()}) == 2 * len(module.POLICIES)
    assert said[1].endswith("adding them")


def test_what_only_one_server_has_measured_when_the_run_is_stopped_is_left_out() -> None:
    one = Measured(1.0, 64, (), (), ())
    assert [row.stock for row in Comparison({CASE: ([one, one], [one])}).ratios()] == [[64.0]]
    assert Comparison({CASE: ([one], [])}).ratios() == []
