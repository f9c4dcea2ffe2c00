"""TOFU's table from samples: every aggregate of one run, in both conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from eval.benchmarks.tofu import HOLDOUT, SETS
from eval.core.sample import Key, Sample
from eval.metrics.membership import auc, privleak
from eval.metrics.probability import normalised, probability
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import Convention, closer_to_one, inverse_truth_ratio, true_better, truth_ratio
from eval.report.cell import Cell, cell

Cells = dict[str, Cell]

ATTACKS: Final = {
    "mia_loss": "loss",
    "mia_zlib": "zlib",
    "mia_min_k": "min_k",
    "mia_min_k_plus_plus": "min_k_plus_plus",
}
NO_RETAIN: Final = "needs --retain-model"
NO_VOCABULARY: Final = "needs the distribution over the whole vocabulary, which an endpoint does not give"
_NORMALISED = ("real_authors", "world_facts")


class Losses(NamedTuple):
    """Average losses of one set: float64 [n] and, of the wrong answers, [n, answers]."""

    answer: np.ndarray
    paraphrase: np.ndarray
    wrong: np.ndarray


def samples_of(samples: Mapping[Key, Sample], run: str, name: str) -> list[Sample]:
    """The samples of a set under a run, in the order of the benchmark's file."""
    found = (sample for key, sample in samples.items() if key.run == run and key.set == name)
    return sorted(found, key=lambda sample: sample.key.index)


def cells(
    samples: Mapping[Key, Sample], run: str, retain: str | None, convention: Convention, no_likelihood: str = ""
) -> Cells:
    """Every aggregate of `run`; `retain` is the run of the retain model in the same samples.

    `no_likelihood` is the reason in each cell that needs one.
    """
    sets = {name: list(convention.sample(samples_of(samples, run, name))) for name in (*SETS, HOLDOUT)}
    table: Cells = {}
    for name in SETS:
        table |= _set(name, sets[name], convention, no_likelihood)
    table["model_utility"] = _utility(table)
    table |= _forget_quality(sets["forget"], samples, retain, convention, no_likelihood)
    if convention is Convention.OPEN_UNLEARNING:
        table |= _memorisation(sets["forget"], no_likelihood)
        table |= _membership(sets["forget"], sets[HOLDOUT], no_likelihood)
        table["privleak"] = _privleak(table, samples, retain)
    for name in (*SETS, HOLDOUT):
        table[f"{name}_touched"] = touched(sets[name])
    return table


def ratios(rows: Sequence[Sample], convention: Convention) -> np.ndarray | None:
    """The truth ratios of a set, in the convention's own direction; None where a row has no losses."""
    losses = _losses(rows)
    if losses is None:
        return None
    if convention is Convention.OPEN_UNLEARNING:
        return truth_ratio(losses.paraphrase, losses.wrong)
    with np.errstate(invalid="ignore"):
        return inverse_truth_ratio(losses.paraphrase, losses.wrong)


def _losses(rows: Sequence[Sample]) -> Losses | None:
    answer = [row.number("loss") for row in rows]
    paraphrase = [row.number("loss_paraphrase") for row in rows]
    wrong = [row.numbers("losses_perturbed") for row in rows]
    if not rows or None in answer or None in paraphrase or None in wrong:
        return None
    return Losses(*(np.array(part, dtype=np.float64) for part in (answer, paraphrase, wrong)))


def _set(name: str, rows: Sequence[Sample], convention: Convention, no_likelihood: str) -> Cells:
    recalls = [row.number("rougeL_recall") for row in rows]
    spoken = [recall for recall in recalls if recall is not None]
    table = {f"{name}_rouge": Cell(float(np.mean(spoken))) if spoken else Cell(None, "no samples")}
    losses = _losses(rows)
    if losses is None:
        reason = Cell(None, no_likelihood or "no samples")
        return table | {f"{name}_probability": reason, f"{name}_truth_ratio": reason}
    right = probability(losses.answer)
    if name in _NORMALISED:
        right = normalised(right, probability(losses.wrong), convention)
    forbidden = int(np.isinf(losses.answer).sum())
    note = f"{forbidden} of {len(rows)} answers cannot be said" if forbidden else ""
    table[f"{name}_probability"] = cell(lambda: float(np.mean(right)), note)
    table[f"{name}_truth_ratio"] = _truth_ratio(name, losses, convention)
    return table


def _truth_ratio(name: str, losses: Losses, convention: Convention) -> Cell:
    if convention is Convention.OPEN_UNLEARNING:
        values = truth_ratio(losses.paraphrase, losses.wrong)
        mean = closer_to_one(values) if name == "forget" else true_better(values)
        return cell(lambda: mean, _impossible(losses))
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = inverse_truth_ratio(losses.paraphrase, losses.wrong)
        mean = closer_to_one(inverse, convention) if name == "forget" else true_better(1 / inverse)
    return cell(lambda: mean, _impossible(losses))


def _impossible(losses: Losses) -> str:
    right, wrong = np.isinf(losses.paraphrase), np.isinf(losses.wrong).any(axis=-1)
    if not (right | wrong).any():
        return ""
    counts = (int((right & ~wrong).sum()), int((wrong & ~right).sum()), int((right & wrong).sum()))
    return "of {} samples, {} have an impossible right answer, {} an impossible wrong one, {} both".format(
        len(right), *counts
    )


def _utility(table: Cells) -> Cell:
    names = [[f"{name}_{part}" for part in ("probability", "rouge", "truth_ratio")] for name in SETS[1:]]
    values = [[table[part].value for part in parts] for parts in names]
    lacking = next((table[p].note for parts in names for p in parts if table[p].value is None), None)
    if lacking is not None:
        return Cell(None, lacking)
    splits = [SplitScores(*(value or 0.0 for value in parts)) for parts in values]
    return cell(lambda: model_utility(*splits))


def _forget_quality(
    rows: Sequence[Sample],
    samples: Mapping[Key, Sample],
    retain: str | None,
    convention: Convention,
    no_likelihood: str,
) -> Cells:
    names = ("forget_quality", "forget_distance")
    if retain is None:
        return dict.fromkeys(names, Cell(None, NO_RETAIN))
    mine = ratios(rows, convention)
    reference = ratios(list(convention.sample(samples_of(samples, retain, "forget"))), convention)
    if mine is None or reference is None:
        return dict.fromkeys(names, Cell(None, no_likelihood or "no samples"))
    undefined = int(np.isnan(mine).sum())
    if undefined:
        reason = f"undefined: in {undefined} samples right and wrong answers are both impossible (0/0)"
        return dict.fromkeys(names, Cell(None, reason))
    test = forget_quality(mine, reference)
    losses = _losses(rows)
    note = _impossible(losses) if losses else ""
    return {"forget_quality": Cell(test.p_value, note), "forget_distance": Cell(test.statistic, note)}


def _memorisation(rows: Sequence[Sample], no_likelihood: str) -> Cells:
    return {name: _mean(rows, name, no_likelihood) for name in ("extraction_strength", "exact_memorization")}


def _mean(rows: Sequence[Sample], name: str, no_likelihood: str) -> Cell:
    values = [value for row in rows if (value := row.number(name)) is not None]
    return cell(lambda: float(np.mean(values))) if values else Cell(None, no_likelihood or "no samples")


def _membership(forget: Sequence[Sample], holdout: Sequence[Sample], no_likelihood: str) -> Cells:
    return {name: _auc(forget, holdout, score, no_likelihood) for name, score in ATTACKS.items()}


def _auc(forget: Sequence[Sample], holdout: Sequence[Sample], score: str, no_likelihood: str) -> Cell:
    members = [value for row in forget if (value := row.number(score)) is not None]
    others = [value for row in holdout if (value := row.number(score)) is not None]
    if not members or not others:
        scored = forget and holdout and forget[0].number("loss") is not None
        return Cell(None, no_likelihood or (NO_VOCABULARY if scored else "no samples"))
    forbidden = int(np.isinf(members).sum())
    note = (
        f"{forbidden} of {len(members)} forget answers cannot be said: they rank as least likely"
        if forbidden
        else ""
    )
    return cell(lambda: auc(members, others), note)


def _privleak(table: Cells, samples: Mapping[Key, Sample], retain: str | None) -> Cell:
    mine = table["mia_min_k"]
    if mine.value is None or retain is None:
        return Cell(None, NO_RETAIN if retain is None else mine.note)
    reference = _auc(samples_of(samples, retain, "forget"), samples_of(samples, retain, HOLDOUT), "min_k", "")
    if reference.value is None:
        return Cell(None, NO_RETAIN)
    score, other = mine.value, reference.value
    return cell(lambda: privleak(score, other), mine.note)


def touched(rows: Sequence[Sample]) -> Cell:
    """The share of a set that the gate did not let pass."""
    if not rows:
        return Cell(None, "no samples")
    if all(row.plan == "server" for row in rows):
        return Cell(None, "the endpoint decides and does not tell")
    return Cell(sum(row.plan != "pass" for row in rows) / len(rows))
