"""The TOFU table of a sweep: what each method at each strength forgets, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eval.benchmarks.tofu import ForgetSplit, PerturbedQuestion, load
from eval.metrics.probability import normalised, probability
from eval.metrics.rouge import rouge
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import closer_to_one, true_better, truth_ratio
from eval.report.svg import Line, chart
from eval.uld.gate import Gate
from eval.uld.generate import answers
from eval.uld.points import Cast, Losses, Method, Point, losses
from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder
from guard.errors import ModelUnavailable
from guard.targets.question_file import Example, Row
from guard.uld.assistant import Assistant
from guard.uld.tokens import encode, encode_prompt
from guard.uld.truncated_model import Trunk

Report = Callable[[str, float], None]
"""Told which part of a sweep is under way and the share of it that is done."""

_LONGEST = 1024
_ANSWER = 120
_FORGET, _RETAIN, _AUTHORS, _FACTS = range(4)
_BARE = Point(Method.NONE)


class Models(NamedTuple):
    """Folders of the target, the model that never saw the forget set, and Divergence Decoding's pair or ""."""

    target: str
    never_saw: str
    dd_retain: str = ""
    dd_forget: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One line of the table; a gated one is the unprotected model wherever the gate does not fire."""

    name: str
    point: Point
    gated: bool
    forget_quality: float
    distance: float
    utility: float | None
    forget: SplitScores
    retain: SplitScores | None


class Sweep:
    """Scores points on one split; what the unprotected model and the gate say is computed once."""

    def __init__(
        self,
        models: Models,
        assistants: Sequence[Assistant],
        folder: Path,
        split: ForgetSplit,
        embedder: Embedder,
        report: Report,
    ) -> None:
        data = load(folder, split)
        self._sets = (data.forget, data.retain, data.real_authors, data.world_facts)
        self._assistants = assistants
        self._report = report
        self._tokenizer = _tokenizer(models.target)
        self.cast = _cast(models, assistants, self._tokenizer)
        forget = [Row(Example(row.question, row.answer)) for row in data.forget]
        gate = Gate(embedder, forget)
        self.fires = [gate.fires([row.question for row in rows]) for rows in self._sets]
        self.paraphrases_found = float(
            gate.fires([r.paraphrased_question or r.question for r in data.forget]).mean()
        )
        never = _cast(Models(models.never_saw, ""), (), self._tokenizer)
        self._never = self._score(never, [_BARE], range(1), "retain model")[_BARE][_FORGET]
        self._never_cast = never

    def quick(self, points: Sequence[Point]) -> list[Scored]:
        """Return lines without utility: the forget set's losses alone."""
        found = self._score(self.cast, [_BARE, *points], range(1), "forget set")
        return [self._line(point, False, found[point], None) for point in (_BARE, *points)]

    def whole(self, points: Sequence[Point]) -> list[Scored]:
        """Return all lines: unprotected, each point ungated and gated, and the retain model; ROUGE included."""
        found = self._score(self.cast, [_BARE, *points], range(4), "losses")
        bare = self._rouges(self.cast, _BARE, "unprotected")
        lines = [self._line(_BARE, False, found[_BARE], bare)]
        for point in points:
            said = self._rouges(self.cast, point, label(point, self._assistants))
            lines.append(self._line(point, False, found[point], said))
            gated = [
                _choose(fired, of, on)
                for fired, of, on in zip(self.fires, found[_BARE], found[point], strict=True)
            ]
            heard = [np.where(fired, on, of) for fired, of, on in zip(self.fires, bare, said, strict=True)]
            lines.append(self._line(point, True, gated, heard))
        never = self._score(self._never_cast, [_BARE], range(4), "retain model")[_BARE]
        lines.append(
            self._line(_BARE, False, never, self._rouges(self._never_cast, _BARE, "retain model"), "retain model")
        )
        return lines

    def _score(self, cast: Cast, points: Sequence[Point], sets: range, what: str) -> dict[Point, list[_SetLosses]]:
        """Return for each point the losses of the sets."""
        texts = [text for place in sets for row in self._sets[place] for text in _texts(row)]
        examples = [encode(self._tokenizer, text, _LONGEST) for text in texts]
        found = losses(cast, points, examples, lambda share: self._report(what, share))
        sizes = [len(self._sets[place]) * (2 + len(self._sets[place][0].perturbed_answers)) for place in sets]
        ends = [0, *np.cumsum(sizes).tolist()]
        return {
            point: [
                _SetLosses.of(values[first:last].reshape(len(self._sets[place]), -1))
                for place, (first, last) in zip(sets, pairwise(ends), strict=True)
            ]
            for point, values in found.items()
        }

    def _rouges(self, cast: Cast, point: Point, what: str) -> list[NDArray[np.float64]]:
        prompts = [encode_prompt(self._tokenizer, row.question) for rows in self._sets for row in rows]
        golds = [row.answer for rows in self._sets for row in rows]
        end = self._tokenizer.eos_token_id
        made = answers(cast, point, prompts, end, _ANSWER, lambda share: self._report(what, share))
        texts = self._tokenizer.batch_decode(made, skip_special_tokens=True)
        recalls = [rouge(gold, text, stemmer=True).rougeL_recall for gold, text in zip(golds, texts, strict=True)]
        ends = np.cumsum([len(rows) for rows in self._sets])
        return np.split(np.array(recalls), ends[:-1])

    def _line(
        self,
        point: Point,
        gated: bool,
        found: Sequence[_SetLosses],
        rouges: Sequence[NDArray[np.float64]] | None,
        name: str = "",
    ) -> Scored:
        recalls = [float(part.mean()) for part in rouges] if rouges is not None else [float("nan")]
        test = forget_quality(found[_FORGET].ratios, self._never.ratios)
        forget = SplitScores(found[_FORGET].likely, recalls[_FORGET], closer_to_one(found[_FORGET].ratios))
        retain = utility = None
        if rouges is not None:
            retain, *others = (
                SplitScores(
                    found[place].likely if place == _RETAIN else found[place].preferred,
                    recalls[place],
                    true_better(found[place].ratios),
                )
                for place in (_RETAIN, _AUTHORS, _FACTS)
            )
            utility = model_utility(retain, *others)
        return Scored(
            name=name or label(point, self._assistants),
            point=point,
            gated=gated,
            forget_quality=test.p_value,
            distance=test.statistic,
            utility=utility,
            forget=forget,
            retain=retain,
        )


@dataclass(frozen=True, slots=True)
class _SetLosses:
    """Losses of one set: of the answer [n], its paraphrase [n], and the wrong ones [n, answers]."""

    answer: Losses
    paraphrase: Losses
    wrong: Losses

    @classmethod
    def of(cls, table: Losses) -> _SetLosses:
        return cls(table[:, 0], table[:, 1], table[:, 2:])

    @property
    def ratios(self) -> NDArray[np.float64]:
        return truth_ratio(self.paraphrase, self.wrong)

    @property
    def likely(self) -> float:
        return float(probability(self.answer).mean())

    @property
    def preferred(self) -> float:
        return float(normalised(probability(self.answer), probability(self.wrong)).mean())


def label(point: Point, assistants: Sequence[Assistant]) -> str:
    """Return a point's name in a table."""
    if point.method is Method.NONE:
        return "unprotected"
    if point.method is Method.DD_RANK:
        return f"DD rank, k {point.strength:g}"
    if point.method is Method.DD_LINEAR:
        return f"DD linear, alpha {point.strength:g}"
    (manifest,) = (a.manifest for a in assistants if a.digest == point.assistant)
    made = f"ULD {point.assistant[:8]} (K {manifest.layers}, seed {manifest.seed})"
    return f"{made}, alpha {point.strength:g}, filter {point.filter_rate:g}"


def markdown(lines: Sequence[Scored]) -> str:
    """Return the table as Markdown."""
    head = (
        "| | FQ (KS p) | KS D | utility | of unprotected | forget prob / ROUGE / TR | retain prob / ROUGE / TR |"
    )
    base = lines[0].utility
    rows = [head, "| --- |" + " --- |" * 6]
    for line in lines:
        utility = "" if line.utility is None else f"{line.utility:.4f}"
        share = "" if line.utility is None or not base else f"{line.utility / base:.4f}"
        name = line.name + (", gated" if line.gated else "")
        cells = (name, f"{line.forget_quality:.3g}", f"{line.distance:.3f}", utility, share)
        rows.append(f"| {' | '.join((*cells, _triple(line.forget), _triple(line.retain)))} |")
    return "\n".join(rows) + "\n"


def picture(lines: Sequence[Scored]) -> str:
    """Return the picture, SVG, of forget and retain probability against alpha, of the ungated ULD lines."""
    drawn: dict[str, list[Scored]] = {}
    for line in lines:
        if line.point.method is Method.ULD and not line.gated:
            drawn.setdefault(f"{line.point.assistant[:6]} {line.point.filter_rate:g}", []).append(line)
    series = []
    for name, group in drawn.items():
        along = [line.point.strength for line in sorted(group, key=lambda one: one.point.strength)]
        ranked = sorted(group, key=lambda one: one.point.strength)
        series.append(Line(f"forget {name}", along, [line.forget.probability for line in ranked]))
        kept = [line.retain.probability for line in ranked if line.retain is not None]
        if len(kept) == len(ranked):
            series.append(Line(f"retain {name}", along, kept))
    return chart(series, "alpha", "probability of the answer") if series else ""


def _triple(scores: SplitScores | None) -> str:
    if scores is None:
        return ""
    return " / ".join("-" if np.isnan(value) else f"{value:.4f}" for value in scores)


def _choose(fired: NDArray[np.bool_], of: _SetLosses, on: _SetLosses) -> _SetLosses:
    def chosen(a: Losses, b: Losses) -> Losses:
        return np.where(fired if a.ndim == 1 else fired[:, None], a, b)

    return _SetLosses(
        chosen(on.answer, of.answer), chosen(on.paraphrase, of.paraphrase), chosen(on.wrong, of.wrong)
    )


def _texts(row: PerturbedQuestion) -> list[Example]:
    said = (row.answer, row.paraphrased_answer, *row.perturbed_answers)
    return [Example(row.question, answer) for answer in said]


def _cast(models: Models, assistants: Sequence[Assistant], tokenizer: Any) -> Cast:
    target = _model(models.target)
    pinned = torch.zeros(target.config.vocab_size, dtype=torch.bool)
    pinned[sorted(Vocabulary.from_tokenizer(tokenizer).special)] = True
    trunks: dict[int, Trunk] = {}
    laid: dict[str, tuple[Trunk, Mapping[str, torch.nn.Parameter]]] = {}
    for assistant in assistants:
        assistant.belongs_to(models.target)
        layers = assistant.manifest.layers
        if layers not in trunks:
            trunks[layers] = Trunk(models.target, layers, torch.float32, "cpu")
        laid[assistant.digest] = trunks[layers], trunks[layers].load(assistant.tensors())
    retain, forget = (_model(folder) if folder else None for folder in (models.dd_retain, models.dd_forget))
    return Cast(target, laid, retain, forget, pinned)


def _model(folder: str) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    except Exception as error:
        raise ModelUnavailable(f"a model of the sweep does not load: {type(error).__name__}") from error


def _tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(f"the tokenizer does not load: {type(error).__name__}") from error
