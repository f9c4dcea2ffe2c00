from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import PolicyUnavailable
from guard.soft.bias import PRUNE_COSINE, Bias, bias_of, closeness

rng = np.random.default_rng(3)


def unit(rows: int) -> np.ndarray:
    vectors = rng.standard_normal((rows, 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def per_step(candidate: np.ndarray, forbidden: np.ndarray, delta: float) -> float:
    """The published formula for one candidate token: its penalty, infinite from delta on."""
    c = max(float(sum(a * b for a, b in zip(candidate, word, strict=True))) for word in forbidden)
    if c >= delta:
        return np.inf
    return c if c > 0 else 0.0


@pytest.mark.parametrize("delta", [0.3, PRUNE_COSINE, 0.7])
def test_the_bias_has_the_numbers_of_the_formula_at_every_step(delta: float) -> None:
    vocabulary, forbidden = unit(300), unit(4)
    tokens = rng.permutation(1000)[:300]
    bias = bias_of(tokens, closeness(vocabulary, forbidden), delta)
    logits = np.zeros(1000)
    np.add.at(logits, bias.tokens, bias.values)
    expected = np.zeros(1000)
    for token, candidate in zip(tokens, vocabulary, strict=True):
        expected[token] -= per_step(candidate, forbidden, delta)
    assert logits == pytest.approx(expected, abs=1e-6)
    assert 0 < np.isinf(logits).sum() < 300


def test_nothing_forbidden_is_no_bias() -> None:
    bias = bias_of(np.arange(5), closeness(unit(5), unit(0)))
    assert len(bias.tokens) == 0


CELLS = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.floats(width=32, max_value=0)), max_size=20)


@given(cells=CELLS)
def test_a_saved_bias_is_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[int, float]]
) -> None:
    folder = tmp_path_factory.mktemp("bias")
    bias = Bias(np.array([t for t, _ in cells], np.int64), np.array([v for _, v in cells], np.float32))
    loaded = Bias.load(folder, bias.save(folder))
    assert np.array_equal(loaded.tokens, bias.tokens)
    assert np.array_equal(loaded.values, bias.values)
    assert loaded.digest == bias.digest


@pytest.mark.parametrize("content", [None, b"", b"12345678"])
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    digest = bias_of(np.arange(5), np.full(5, 0.2, np.float32)).digest
    if content is not None:
        (tmp_path / f"{digest}.bias").write_bytes(content)
    with pytest.raises(PolicyUnavailable):
        Bias.load(tmp_path, digest)
