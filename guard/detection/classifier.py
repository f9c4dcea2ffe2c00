"""GUARD's trained classifier: which of the targets with examples a text is about, from its vector."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.detection.calibration import Calibration, Signals
from guard.detection.embedder import Vectors
from guard.errors import ModelUnavailable
from guard.files import atomic_file

FORMAT_VERSION = 1
FILE_NAME = "detector.npz"

# Vectors have length 1; the first layer gets them multiplied by this.
INPUT_SCALE = 10.0
# Below this probability a window is no vote for a target.
MIN_VOTE_PROBABILITY = 0.02


class Layer(NamedTuple):
    """Weights float32 [in, out] and bias float32 [out]."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A perceptron with two hidden layers over a window's vector, the texts it learnt from, and a calibration.

    embedder     name and digest of the model whose vectors it was trained on
    targets      ids; class 0 is none of them, class k is targets[k - 1]
    layers       three, with ReLU between them
    positives    float32 [m, dimension]: vectors of the targets' training texts
    owners       int32 [m]: the class of each
    retain       float32 [n, dimension]: vectors of retain texts, which must be answered
    calibration  weighs the signals; fitted on examples held out of the perceptron's training
    """

    embedder: str
    targets: tuple[str, ...]
    layers: tuple[Layer, ...]
    positives: Vectors
    owners: NDArray[np.int32]
    retain: Vectors
    calibration: Calibration

    def __contains__(self, target: str) -> bool:
        return target in self.targets

    def belongs_to(self, embedder: str) -> None:
        """Raise ModelUnavailable unless it was trained on the vectors of the model named `embedder`."""
        if self.embedder != embedder:
            raise ModelUnavailable(
                "the detector was trained on the vectors of another embedder; run `lethe detector fit` again"
            )

    def log_odds(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return float32 [n, targets]: the log-odds that each vector's text is about each target."""
        values = vectors * INPUT_SCALE
        for layer in self.layers[:-1]:
            values = np.maximum(values @ layer.weight + layer.bias, 0.0)
        values = values @ self.layers[-1].weight + self.layers[-1].bias
        values -= values.max(axis=1, keepdims=True)
        shares = np.exp(values)
        shares /= shares.sum(axis=1, keepdims=True)
        chosen = shares[:, 1:].clip(1e-6, 1 - 1e-6)
        odds: NDArray[np.float32] = np.log(chosen / (1 - chosen)).astype(np.float32)
        return odds

    def votes(self, vectors: Vectors) -> Mapping[str, float]:
        """Return the targets that any of the vectors is a vote for, with the best log-odds."""
        if not len(vectors):
            return {}
        best = self.log_odds(vectors).max(axis=0)
        min_odds = np.log(MIN_VOTE_PROBABILITY / (1 - MIN_VOTE_PROBABILITY))
        return {target: float(odds) for target, odds in zip(self.targets, best, strict=True) if odds >= min_odds}

    def signals(self, known: Signals, vectors: Vectors, target: str, rows: Vectors) -> Signals:
        """Return `known` with what the classifier adds for a target, given the vectors `rows` of its texts."""
        if not len(vectors):
            return known
        index = self.targets.index(target)
        own = np.concatenate([rows, self.positives[self.owners == index + 1]])
        near = (vectors @ own.T).max(axis=1)
        lead = near - (vectors @ self.retain.T).max(axis=1) if len(self.retain) else near
        odds = self.log_odds(vectors)[:, index]
        return replace(
            known,
            semantic=max(known.semantic, min(float(near.max()), 1.0)),
            contrast=float(lead.max()),
            classifier=float(odds.max()),
        )


def save(classifier: Classifier, folder: Path) -> Path:
    """Write the classifier into `folder` atomically, readable by its owner alone, and return its path."""
    head = {
        "version": FORMAT_VERSION,
        "embedder": classifier.embedder,
        "targets": classifier.targets,
        "calibration": asdict(classifier.calibration),
    }
    arrays: dict[str, Any] = {
        "head": np.frombuffer(json.dumps(head).encode(), np.uint8),
        # The name in the files of released versions.
        "taught": classifier.positives,
        "owners": classifier.owners,
        "retain": classifier.retain,
    }
    for number, layer in enumerate(classifier.layers):
        arrays |= {f"weight{number}": layer.weight, f"bias{number}": layer.bias}
    folder.mkdir(parents=True, exist_ok=True)
    # Durable: a torn classifier would keep the next server from starting.
    with atomic_file(folder / FILE_NAME, durable=True, private=True) as file:
        np.savez(file, **arrays)
    return folder / FILE_NAME


def load(folder: Path) -> Classifier | None:
    """Return the classifier in `folder`, None when there is none; ModelUnavailable when it cannot be read."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            if head["version"] != FORMAT_VERSION:
                raise ModelUnavailable(
                    "the trained detector is of another version; run `lethe detector fit` again"
                )
            layers = tuple(Layer(stored[f"weight{number}"], stored[f"bias{number}"]) for number in range(3))
            return Classifier(
                head["embedder"],
                tuple(head["targets"]),
                layers,
                stored["taught"],
                stored["owners"],
                stored["retain"],
                Calibration(**head["calibration"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(f"the trained detector cannot be read: {type(error).__name__}") from error
