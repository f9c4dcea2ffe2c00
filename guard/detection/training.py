"""Training the detector's classifier on the CPU, and calibrating it on examples that it has not seen."""

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
from guard.detection.classifier import SCALE, Classifier, Layer
from guard.detection.embedder import Embedder, Vectors
from guard.detection.names import Names
from guard.errors import InvalidTarget
from guard.targets.target import ForgetTarget
from guard.text.conversation import readings, windows

FOLDS = 5
HIDDEN = 256
DROPOUT = 0.3
EPOCHS = 20
BATCH = 128
RATE = 2e-3
SMOOTHING = 0.05
FEWEST = 6

Progress = Callable[[str, float], None]


class Example(NamedTuple):
    """Something asked, the texts that teach of it, and the target it is about; "" for what is to be answered."""

    target: str
    asked: str
    taught: tuple[str, ...]


class Fitted(NamedTuple):
    """A classifier; the share of examples it found, and of texts to be answered it stopped, none of them seen."""

    classifier: Classifier
    recall: float
    false_positives: float
    examples: int
    kept: int


class _Seen(NamedTuple):
    """What an example looks like in one fold: its signals towards a target, and whether it is about that one."""

    example: int
    signals: Signals
    about: bool


def examples_of(targets: Iterable[ForgetTarget]) -> list[Example]:
    """Return an example for each fact of the targets."""
    return [
        Example(
            target.id,
            fact.question or fact.answer,
            tuple(filter(None, (fact.question, f"{fact.question} {fact.answer}".strip(), fact.answer))),
        )
        for target in targets
        for fact in target.draft.facts
    ]


@cache
def commonplaces() -> tuple[str, ...]:
    """Return what is said to any assistant: wishes, instructions and small talk that hold no fact."""
    lines = files("guard.detection").joinpath("commonplaces.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def fit(
    embedder: Embedder,
    targets: Sequence[ForgetTarget],
    examples: Sequence[Example],
    kept: Sequence[str],
    *,
    false_positives: float = 0.01,
    seed: int = 0,
    progress: Progress = lambda what, share: None,
) -> Fitted:
    """Return the classifier of the targets with examples, and how it did on examples held out of its training.

    The examples are parted into five; each part is weighed by a classifier of the others, and the calibration is
    fitted to those signals. Its cut, never below even odds, lets `false_positives` of the texts to answer pass
    that name no target; commonplaces are among them, as a line that is like no example must not count as a sign.
    Deterministic by `seed`. Raises InvalidTarget when there are too few examples or texts to be answered.
    """
    about = [example for example in examples if example.target]
    answered = dict.fromkeys(kept)
    every = [*about, *(Example("", text, (text,)) for text in answered | dict.fromkeys(commonplaces()))]
    if len(about) < FEWEST or len(answered) < FEWEST:
        raise InvalidTarget(f"a detector needs {FEWEST} examples of targets and as many texts to be answered")
    names = {target.id: (target.draft.name, *target.draft.aliases) for target in targets}
    ids = tuple(target for target in names if any(example.target == target for example in about))
    task = _Task(embedder, every, ids, names, seed, progress)
    parts = [np.array([_fold(example) == fold for example in every]) for fold in range(FOLDS)]
    seen = [one for number, part in enumerate(parts) for one in task.held_out(part, number)]
    calibration, score = _calibrated(seen, every, false_positives)
    progress("training on all examples", 0.8)
    classifier = task.trained(np.ones(len(every), np.bool_), FOLDS)
    return Fitted(replace(classifier, calibration=calibration), *score, len(about), len(answered))


class _Task:
    """The examples, embedded once, and what is trained on any part of them."""

    def __init__(
        self,
        embedder: Embedder,
        every: Sequence[Example],
        ids: tuple[str, ...],
        names: Mapping[str, tuple[str, ...]],
        seed: int,
        progress: Progress,
    ) -> None:
        self._embedder = embedder.name
        self._every = every
        self._ids = ids
        self._names = Names.build({target: names[target] for target in ids})
        self._seed = seed
        self._progress = progress
        texts = dict.fromkeys(
            w for one in every for w in (*readings(one.asked), *(w for text in one.taught for w in windows(text)))
        )
        called = {target: [w for name in names[target] for w in windows(name)] for target in ids}
        order = list(texts | dict.fromkeys(w for given in called.values() for w in given))
        vectors = _embedded(embedder, order, progress)
        place = {text: number for number, text in enumerate(order)}

        def rows(given: Iterable[str]) -> Vectors:
            chosen: Vectors = vectors[[place[text] for text in dict.fromkeys(given)]]
            return chosen

        self._asked = [rows(readings(one.asked)) for one in every]
        self._taught = [rows(w for text in one.taught for w in windows(text)) for one in every]
        self._called = {target: rows(given) for target, given in called.items()}

    def trained(self, part: NDArray[np.bool_], number: int) -> Classifier:
        """Return an uncalibrated classifier of the examples in `part`."""
        classes = {target: place for place, target in enumerate(self._ids, start=1)} | {"": 0}
        chosen = [place for place in range(len(self._every)) if part[place]]
        inputs = np.concatenate([*(self._taught[place] for place in chosen), *self._called.values()])
        labels = [classes[self._every[place].target] for place in chosen for _ in self._taught[place]]
        labels += [classes[target] for target, rows in self._called.items() for _ in rows]
        retain = [self._taught[place] for place in chosen if not self._every[place].target]
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

    def held_out(self, part: NDArray[np.bool_], number: int) -> Iterable[_Seen]:
        """Yield how the examples in `part` look to a classifier of the others, towards the likeliest targets."""
        self._progress(f"part {number + 1} of {FOLDS}", 0.5 + 0.06 * number)
        classifier = self.trained(~part, number)
        for place in np.flatnonzero(part):
            yield from self._seen(classifier, int(place))

    def _seen(self, classifier: Classifier, place: int) -> Iterable[_Seen]:
        one, vectors = self._every[place], self._asked[place]
        if not len(vectors):
            return
        named, parts = self._names.found(one.asked), self._names.parts(one.asked)
        near = (vectors @ classifier.taught.T).max(axis=0)
        cosines = {
            target: float(near[classifier.owners == place].max())
            for place, target in enumerate(self._ids, start=1)
        }
        odds = dict(zip(self._ids, classifier.odds(vectors).max(axis=0).tolist(), strict=True))
        likely = {max(odds, key=odds.__getitem__), max(cosines, key=cosines.__getitem__), *parts, *named}
        for target in {one.target} if one.target else likely:
            signals = Signals(float(target in named), cosines[target], parts.get(target, 0.0))
            signals = classifier.signals(signals, vectors, target, self._called[target])
            yield _Seen(place, signals, target == one.target)


def _fold(example: Example) -> int:
    return hashlib.blake2b(example.asked.encode("utf-8", "replace"), digest_size=8).digest()[0] % FOLDS


def _embedded(embedder: Embedder, texts: Sequence[str], progress: Progress) -> Vectors:
    parts = []
    for start in range(0, len(texts), 256):
        progress("embedding", 0.5 * start / len(texts))
        parts.append(embedder.embed(texts[start : start + 256]))
    return np.concatenate(parts)


def _perceptron(inputs: Vectors, labels: NDArray[np.int64], classes: int, seed: int) -> tuple[Layer, ...]:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hidden = [torch.nn.Linear(inputs.shape[1], HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN)]
        linear = [*hidden, torch.nn.Linear(HIDDEN, classes)]
        steps = [part for layer in hidden for part in (layer, torch.nn.ReLU(), torch.nn.Dropout(DROPOUT))]
        model = torch.nn.Sequential(*steps, linear[-1])
        optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
        values, wanted = torch.from_numpy(inputs * SCALE), torch.from_numpy(labels)
        for _ in range(EPOCHS):
            order = torch.randperm(len(values), generator=generator)
            for batch in torch.split(order, BATCH):
                said = model(values[batch])
                loss = torch.nn.functional.cross_entropy(said, wanted[batch], label_smoothing=SMOOTHING)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    return tuple(
        Layer(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear
    )


def _calibrated(
    seen: Sequence[_Seen], every: Sequence[Example], false_positives: float
) -> tuple[Calibration, tuple[float, float]]:
    from sklearn.linear_model import LogisticRegression

    # A name decides by itself, so that what has one teaches nothing of the other signals.
    taught = [one for one in seen if not one.signals.name]
    inputs = [[s.semantic, s.partial, s.contrast, s.classifier] for s in (one.signals for one in taught)]
    model = LogisticRegression(C=10.0, max_iter=1000).fit(inputs, [one.about for one in taught])
    semantic, partial, contrast, classifier = (float(weight) for weight in model.coef_[0])
    calibration = Calibration(float(model.intercept_[0]), semantic, partial, contrast, classifier)
    best: dict[int, float] = {}
    for one in seen:
        best[one.example] = max(calibration.probability(one.signals), best.get(one.example, 0.0))
    named = {one.example for one in seen if one.signals.name}
    wrong = np.array([best[place] for place in best if not every[place].target and place not in named])
    right = np.array([best[place] for place in best if every[place].target])
    cut = float(np.nextafter(np.quantile(wrong, 1 - false_positives, method="higher"), 2.0))
    # Below even odds it would fire for what is unlike all examples; above a name's certainty nothing would match.
    cut = min(max(cut, 0.5), 0.999)
    return replace(calibration, cut=cut), (float((right >= cut).mean()), float((wrong >= cut).mean()))
