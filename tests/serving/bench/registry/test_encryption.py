from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serving.bench.load import Load, Measured
from serving.bench.processes import Endpoint
from serving.bench.registry import encryption
from serving.bench.registry.encryption import PAIRS, STARTS, Cost, markdown, run, throughput


def test_every_step_is_measured_with_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "CHANGES", 3)
    costs = run(5, 2, tmp_path, lambda _: None)
    starts, steps = costs[:2], costs[2:]
    assert [len(side) for one in starts for side in (one.plain, one.encrypted)] == [2 * STARTS] * 4
    assert [len(side) for one in steps for side in (one.plain, one.encrypted)] == [2] * 12
    assert all(value > 0 for one in costs for side in (one.plain, one.encrypted) for value in side)


def test_the_ratio_is_that_of_the_pairs() -> None:
    cost = Cost("a step", "ms, wall", [1.0, 2.0, 4.0], [1.1, 2.0, 5.0], "1.2")
    assert cost.ratio == pytest.approx(1.1)
    assert "| a step | ms, wall | 2.00 | 2.00 | 1.100 | 1.000 to 1.250 | 3 | 1.2 |" in markdown([cost])


def test_throughput_is_measured_in_pairs_and_told_after_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Server(Endpoint):
        def model(self) -> str:
            return "toy"

        def forget(self, targets: Sequence[Mapping[str, Any]]) -> list[str]:
            return []

    @contextmanager
    def started(model: str, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Endpoint]:
        yield Server("guarded", f"http://{folder.name}")

    async def measured(url: str, model: str, load: Load, seed: int) -> Measured:
        asked.append(url.removeprefix("http://"))
        return Measured(2.0 if url == "http://plain" else 2.5, 200, [], [], [])

    monkeypatch.setattr(encryption, "guarded", started)
    monkeypatch.setattr("serving.bench.run.measure", measured)
    costs = list(throughput("toy", tmp_path, tmp_path, 1, 8, lambda _: None))
    assert [len(cost.ratios) for cost in costs] == list(range(1, PAIRS + 1))
    assert costs[-1].ratio == pytest.approx(0.8)
    # After the loads that warm up both, each comes first in turn.
    assert asked[2:6] == ["plain", "encrypted", "encrypted", "plain"]
