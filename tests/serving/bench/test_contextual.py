from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard.detection.target_texts import vectors_name
from guard.registry.registry import Registry
from guard.targets.target import Draft, ForgetTarget
from serving.bench import contextual
from serving.bench.load import Load
from serving.bench.run import Case, Ratio, people
from serving.settings import Settings

CASE = Case("100 contextual targets", Load(32, 192, 64, stream=False))


class Embedder:
    """Each text has a unit vector of its own."""

    name = "numbered"
    dimension = 16

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Any:
        self.embedded += len(texts)
        vectors = np.random.default_rng(self.embedded).standard_normal((len(texts), 16)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_rounds_of_a_case_become_one_ratio() -> None:
    other = Case("0 contextual targets", CASE.load)
    rounds = [
        Ratio(case, "throughput", "tok/s", [stock], [guarded])
        for case, stock, guarded in (
            (CASE, 100.0, 99.0),
            (other, 50.0, 50.0),
            (CASE, 10.0, 9.7),
            (CASE, 90.0, 81.0),
        )
    ]
    first, second = contextual.merged(rounds)
    assert (first.case, first.stock, first.guarded) == (CASE, [100.0, 10.0, 90.0], [99.0, 9.7, 81.0])
    assert first.ratio == pytest.approx(0.97)
    assert (second.case, second.stock) == (other, [50.0])
    assert contextual.merged([]) == []


def test_a_registry_is_filled_with_targets_whose_vectors_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts on it embeds nothing; only the first targets' texts were embedded."""
    monkeypatch.setattr(contextual, "MAX_EMBEDDED", 2)
    monkeypatch.setattr(contextual, "BATCH", 3)
    embedder = Embedder()
    contextual.fill(tmp_path / "guarded", 5, lambda: embedder)
    registry = Registry(Settings(data_dir=tmp_path / "guarded").registry)
    try:
        active, kept = registry.active(), registry.vectors(vectors_name(embedder.name))
    finally:
        registry.close()
    assert [target.draft.name for target in active] == [one["name"] for one in people(5)]
    assert {(key.target_id, key.revision) for key in kept} == {(target.id, target.revision) for target in active}
    rows = [np.frombuffer(vectors, np.float32).reshape(-1, 16) for vectors in kept.values()]
    assert embedder.embedded == sum(map(len, rows[:2]))
    assert np.allclose(np.linalg.norm(np.concatenate(rows), axis=1), 1.0, atol=1e-5)


def test_a_fill_goes_on_where_an_interrupted_one_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contextual, "BATCH", 3)
    registry, add_many = Registry(tmp_path / "lethe.db"), Registry.add_many
    batches = iter([add_many])

    def interrupted(self: Registry, drafts: Sequence[Draft]) -> list[ForgetTarget]:
        return next(batches)(self, drafts)

    try:
        with monkeypatch.context() as patched:
            patched.setattr(Registry, "add_many", interrupted)
            with pytest.raises(StopIteration):
                contextual.fill_registry(registry, 7, Embedder())
        contextual.fill_registry(registry, 7, Embedder())
        contextual.fill_registry(registry, 7, Embedder())
        assert [target.draft.name for target in registry.active()] == [one["name"] for one in people(7)]
        assert len(registry.vectors(vectors_name(Embedder.name))) == 7
    finally:
        registry.close()


def test_a_bench_never_fills_the_database_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHE_DATABASE", f"sqlite:///{tmp_path / 'in-use.db'}")
    contextual.fill(tmp_path / "guarded", 0, lambda: pytest.fail("loaded"))
    assert not (tmp_path / "in-use.db").exists()


def test_without_targets_no_encoder_is_loaded(tmp_path: Path) -> None:
    contextual.fill(tmp_path / "guarded", 0, lambda: pytest.fail("loaded"))
    assert (tmp_path / "guarded" / "lethe.db").exists()


def test_as_many_people_are_invented_as_asked_for() -> None:
    assert len({target["name"] for target in people(20_000)}) == 20_000
