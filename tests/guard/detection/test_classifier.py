from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from guard.detection.calibration import Calibration, Signals
from guard.detection.classifier import FILE_NAME, Classifier, Layer, load, save
from guard.errors import ModelUnavailable

RANDOM = np.random.default_rng(0)


def layer(inward: int, outward: int) -> Layer:
    return Layer(RANDOM.standard_normal((inward, outward)).astype(np.float32), np.zeros(outward, np.float32))


CLASSIFIER = Classifier(
    "words@1",
    ("ft_a", "ft_b"),
    (layer(4, 8), layer(8, 8), layer(8, 3)),
    RANDOM.standard_normal((3, 4)).astype(np.float32),
    np.array([1, 2, 2], np.int32),
    RANDOM.standard_normal((5, 4)).astype(np.float32),
    Calibration(-1.0, 2.0, 3.0, 4.0, 5.0, 0.25),
)
VECTORS = RANDOM.standard_normal((6, 4)).astype(np.float32)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = save(CLASSIFIER, tmp_path / "detector")
    assert path.stat().st_mode & 0o077 == 0
    loaded = load(tmp_path / "detector")
    assert loaded is not None
    assert (loaded.embedder, loaded.targets, loaded.calibration) == (
        CLASSIFIER.embedder,
        CLASSIFIER.targets,
        CLASSIFIER.calibration,
    )
    assert np.array_equal(loaded.log_odds(VECTORS), CLASSIFIER.log_odds(VECTORS))
    for name in ("positives", "owners", "retain"):
        assert np.array_equal(getattr(loaded, name), getattr(CLASSIFIER, name))


def test_without_a_file_there_is_no_classifier(tmp_path: Path) -> None:
    assert load(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04cut"])
def test_a_damaged_file_is_an_error_and_not_no_classifier(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load(tmp_path)


def test_a_file_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.detection.classifier.FORMAT_VERSION", 2)
    save(CLASSIFIER, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ModelUnavailable, match="another version"):
        load(tmp_path)


def test_the_vectors_of_another_embedder_are_refused() -> None:
    CLASSIFIER.belongs_to("words@1")
    with pytest.raises(ModelUnavailable, match="another embedder"):
        CLASSIFIER.belongs_to("words@2")


def test_log_odds_are_those_of_the_softmax_of_a_perceptron() -> None:
    hidden = VECTORS * 10
    for weight, bias in CLASSIFIER.layers[:2]:
        hidden = np.maximum(hidden @ weight + bias, 0)
    scores = hidden @ CLASSIFIER.layers[2].weight
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = (shares / shares.sum(axis=1, keepdims=True))[:, 1:].clip(1e-6, 1 - 1e-6)
    assert np.allclose(CLASSIFIER.log_odds(VECTORS), np.log(shares / (1 - shares)), atol=1e-4)


def test_without_windows_there_are_no_votes() -> None:
    none = np.empty((0, 4), np.float32)
    assert CLASSIFIER.votes(none) == {}
    known = Signals(0.0, 0.0)
    assert CLASSIFIER.signals(known, none, "ft_a", VECTORS) == known


def test_the_lead_is_over_the_nearest_retain_text() -> None:
    kept = replace(CLASSIFIER, retain=np.eye(4, dtype=np.float32)[:1], owners=np.full(3, 2, np.int32))
    asked = np.array([[0.6, 0.8, 0, 0]], np.float32)
    signals = kept.signals(Signals(0.0, 0.8), asked, "ft_a", np.eye(4, dtype=np.float32)[1:2])
    assert signals.contrast == pytest.approx(0.2)
    assert replace(kept, retain=np.empty((0, 4), np.float32)).signals(
        Signals(0.0, 0.8), asked, "ft_a", np.eye(4, dtype=np.float32)[1:2]
    ).contrast == pytest.approx(0.8)


def test_an_example_counts_as_a_row_of_its_target() -> None:
    own = replace(CLASSIFIER, positives=np.eye(4, dtype=np.float32)[:3], retain=np.empty((0, 4), np.float32))
    asked = np.eye(4, dtype=np.float32)[:1]
    far = np.eye(4, dtype=np.float32)[3:]
    assert own.signals(Signals(0.0, 0.0), asked, "ft_a", far).semantic == pytest.approx(1.0)
    assert own.signals(Signals(0.0, 0.0), asked, "ft_b", far).semantic == 0.0
