"""Trains the detector's classifier on the CPU, and calibrates it by cross-validation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from guard.detection.calibration import Calibration, Signals
from guard.detection.classifier import INPUT_SCALE, Classifier, Layer
from guard.detection.embedder import Embedder, Vectors
from guard.detection.names import Names
from guard.errors import InvalidTarget
from guard.targets.target import ForgetTarget
from guard.text.conversation import message_windows, windows

FOLDS = 5
HIDDEN_UNITS = 256
DROPOUT = 0.3
EPOCHS = 20
BATCH_VECTORS = 128
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.01
LABEL_SMOOTHING = 0.05
MIN_EXAMPLES = 6

FitProgress = Callable[[str, float], None]
"""Called with what is being done and the share of the work that is done."""


class DetectorExample(NamedTuple):
    """A question, the texts to train on for it, and the target it is about: "" for one that must be answered."""

    target: str
    question: str
    texts: tuple[str, ...]


class FittedClassifier(NamedTuple):
    """A classifier, and its rates on examples held out of training: recall on the targets', false positives on
    the negatives; with the counts of both."""

    classifier: Classifier
    recall: float
    false_positives: float
    examples: int
    negatives: int


class _HeldOut(NamedTuple):
    """An example of the held-out fold: its signals towards a target, and whether it is about that target."""

    example: int
    signals: Signals
    about: bool


def examples_of(targets: Iterable[ForgetTarget]) -> list[DetectorExample]:
    """Return one example for each fact of the targets."""
    return [
        DetectorExample(
            target.id,
            fact.question or fact.answer,
            tuple(filter(None, (fact.question, f"{fact.question} {fact.answer}".strip(), fact.answer))),
        )
        for target in targets
        for fact in target.draft.facts
    ]


@cache
def commonplaces() -> tuple[str, ...]:
    """Return messages that any assistant gets: wishes, instructions and small talk without facts."""
    lines = files("guard.detection").joinpath("commonplaces.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def fit(
    embedder: Embedder,
    targets: Sequence[ForgetTarget],
    examples: Sequence[DetectorExample],
    negatives: Sequence[str],
    *,
    false_positives: float = 0.01,
    seed: int = 0,
    progress: FitProgress = lambda what, share: None,
) -> FittedClassifier:
    """Return the classifier of the targets with examples, and its rates on examples held out of training.

    The examples are split into FOLDS folds; each is scored by a classifier trained on the others, and the
    calibration is fitted to those signals. Its cut, never below even odds, lets `false_positives` of the negatives
    that name no target match. Commonplaces are added to the negatives: a line unlike all examples must not match.
    Deterministic by `seed`. Raises InvalidTarget when there are too few examples or negatives.
    """
    positives = [example for example in examples if example.target]
    answered = dict.fromkeys(negatives)
    examples_and_negatives = [
        *positives,
        *(DetectorExample("", text, (text,)) for text in answered | dict.fromkeys(commonplaces())),
    ]
    if len(positives) < MIN_EXAMPLES or len(answered) < MIN_EXAMPLES:
        raise InvalidTarget(
            f"a detector needs {MIN_EXAMPLES} examples of targets and as many texts to be answered"
        )
    names = {target.id: (target.draft.name, *target.draft.aliases) for target in targets}
    ids = tuple(target for target in names if any(example.target == target for example in positives))
    trainer = _Trainer(embedder, examples_and_negatives, ids, names, seed, progress)
    folds = [np.array([_fold(example) == fold for example in examples_and_negatives]) for fold in range(FOLDS)]
    held_out = [one for number, fold in enumerate(folds) for one in trainer.held_out(fold, number)]
    calibration, rates = _calibrated(held_out, examples_and_negatives, false_positives)
    progress("training on all examples", 0.8)
    classifier = trainer.train(np.ones(len(examples_and_negatives), np.bool_), FOLDS)
    return FittedClassifier(replace(classifier, calibration=calibration), *rates, len(positives), len(answered))


class _Trainer:
    """The examples, embedded once, and classifiers trained on any subset of them."""

    def __init__(
        self,
        embedder: Embedder,
        examples: Sequence[DetectorExample],
        ids: tuple[str, ...],
        names: Mapping[str, tuple[str, ...]],
        seed: int,
        progress: FitProgress,
    ) -> None:
        self._embedder = embedder.name
        self._examples = examples
        self._ids = ids
        self._names = Names.build({target: names[target] for target in ids})
        self._seed = seed
        self._progress = progress
        texts = dict.fromkeys(
            w
            for one in examples
            for w in (*message_windows(one.question), *(w for text in one.texts for w in windows(text)))
        )
        named = {target: [w for name in names[target] for w in windows(name)] for target in ids}
        order = list(texts | dict.fromkeys(w for given in named.values() for w in given))
        vectors = _embedded(embedder, order, progress)
        index = {text: number for number, text in enumerate(order)}

        def rows(given: Iterable[str]) -> Vectors:
            chosen: Vectors = vectors[[index[text] for text in dict.fromkeys(given)]]
            return chosen

        self._questions = [rows(message_windows(one.question)) for one in examples]
        self._texts = [rows(w for text in one.texts for w in windows(text)) for one in examples]
        self._named = {target: rows(given) for target, given in named.items()}

    def train(self, subset: NDArray[np.bool_], number: int) -> Classifier:
        """Return an uncalibrated classifier trained on the examples in `subset`, bool [examples]."""
        classes = {target: index for index, target in enumerate(self._ids, start=1)} | {"": 0}
        chosen = [index for index in range(len(self._examples)) if subset[index]]
        inputs = np.concatenate([*(self._texts[index] for index in chosen), *self._named.values()])
        labels = [classes[self._examples[index].target] for index in chosen for _ in self._texts[index]]
        labels += [classes[target] for target, rows in self._named.items() for _ in rows]
        retain = [self._texts[index] for index in chosen if not self._examples[index].target]
        layers = _perceptron(inputs, np.array(labels), len(self._ids) + 1, self._seed + number)
        about = np.array(labels) > 0
        return Classifier(
            self._embedder,
            self._ids,
            layers,
            inputs[about],
            np.array(labels, np.int32)[about],
            np.concatenate(retain),
            Calibration(0.0, 0.0, 0.0),
        )

    def held_out(self, fold: NDArray[np.bool_], number: int) -> Iterable[_HeldOut]:
        """Yield the signals of the examples in `fold`, bool [examples], by a classifier trained on the others."""
        self._progress(f"fold {number + 1} of {FOLDS}", 0.5 + 0.06 * number)
        classifier = self.train(~fold, number)
        for index in np.flatnonzero(fold):
            yield from self._signals(classifier, int(index))

    def _signals(self, classifier: Classifier, index: int) -> Iterable[_HeldOut]:
        one, vectors = self._examples[index], self._questions[index]
        if not len(vectors):
            return
        named, parts = self._names.found(one.question), self._names.parts(one.question)
        near = (vectors @ classifier.positives.T).max(axis=0)
        cosines = {
            target: float(near[classifier.owners == number].max())
            for number, target in enumerate(self._ids, start=1)
        }
        odds = dict(zip(self._ids, classifier.log_odds(vectors).max(axis=0).tolist(), strict=True))
        likely = {max(odds, key=odds.__getitem__), max(cosines, key=cosines.__getitem__), *parts, *named}
        for target in {one.target} if one.target else likely:
            signals = Signals(float(target in named), cosines[target], parts.get(target, 0.0))
            signals = classifier.signals(signals, vectors, target, self._named[target])
            yield _HeldOut(index, signals, target == one.target)


def _fold(example: DetectorExample) -> int:
    return hashlib.blake2b(example.question.encode("utf-8", "replace"), digest_size=8).digest()[0] % FOLDS


def _embedded(embedder: Embedder, texts: Sequence[str], progress: FitProgress) -> Vectors:
    parts = []
    for start in range(0, len(texts), 256):
        progress("embedding", 0.5 * start / len(texts))
        parts.append(embedder.embed(texts[start : start + 256]))
    return np.concatenate(parts)


def _perceptron(inputs: Vectors, labels: NDArray[np.int64], classes: int, seed: int) -> tuple[Layer, ...]:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden = [torch.nn.Linear(inputs.shape[1], HIDDEN_UNITS), torch.nn.Linear(HIDDEN_UNITS, HIDDEN_UNITS)]
        linear = [*hidden, torch.nn.Linear(HIDDEN_UNITS, classes)]
        steps = [part for layer in hidden for part in (layer, torch.nn.ReLU(), torch.nn.Dropout(DROPOUT))]
        model = torch.nn.Sequential(*steps, linear[-1])
        optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        values, classes_ = torch.from_numpy(inputs * INPUT_SCALE), torch.from_numpy(labels)
        for _ in range(EPOCHS):
            order = torch.randperm(len(values), generator=generator)
            for batch in torch.split(order, BATCH_VECTORS):
                logits = model(values[batch])
                loss = torch.nn.functional.cross_entropy(logits, classes_[batch], label_smoothing=LABEL_SMOOTHING)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    return tuple(
        Layer(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear
    )


def _calibrated(
    held_out: Sequence[_HeldOut], examples: Sequence[DetectorExample], false_positives: float
) -> tuple[Calibration, tuple[float, float]]:
    from sklearn.linear_model import LogisticRegression

    # A name decides by itself: an example with one teaches nothing about the other signals.
    unnamed = [one for one in held_out if not one.signals.name]
    inputs = [[s.semantic, s.partial, s.contrast, s.classifier] for s in (one.signals for one in unnamed)]
    model = LogisticRegression(C=10.0, max_iter=1000).fit(inputs, [one.about for one in unnamed])
    semantic, partial, contrast, classifier = (float(weight) for weight in model.coef_[0])
    calibration = Calibration(float(model.intercept_[0]), semantic, partial, contrast, classifier)
    best: dict[int, float] = {}
    for one in held_out:
        best[one.example] = max(calibration.probability(one.signals), best.get(one.example, 0.0))
    named = {one.example for one in held_out if one.signals.name}
    wrong = np.array([best[index] for index in best if not examples[index].target and index not in named])
    right = np.array([best[index] for index in best if examples[index].target])
    cut = float(np.nextafter(np.quantile(wrong, 1 - false_positives, method="higher"), 2.0))
    # Below even odds, texts unlike all examples would match; above the score of a name, nothing would.
    cut = min(max(cut, 0.5), 0.999)
    return replace(calibration, cut=cut), (float((right >= cut).mean()), float((wrong >= cut).mean()))
