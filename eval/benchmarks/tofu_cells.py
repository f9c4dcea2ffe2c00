"""TOFU's aggregates of one run from its samples, in both conventions, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from eval.benchmarks.benchmark import touched_cell
from eval.core.cell import NO_SAMPLES, Cell, Cells, ColumnGroup, cell
from eval.core.figure import Distribution, Point, Scatter
from eval.core.sample import ReplaySamples, Sample
from eval.metrics.membership import auc, privleak
from eval.metrics.probability import normalised, probability
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import Convention, closer_to_one, inverse_truth_ratio, true_better, truth_ratio

FORGET: Final = "forget"
UTILITY_SETS: Final = ("retain", "real_authors", "world_facts")
SETS: Final = (FORGET, *UTILITY_SETS)
HOLDOUT: Final = "holdout"
_MEMBERSHIP_ATTACKS: Final = {
    "mia_loss": "loss",
    "mia_zlib": "zlib",
    "mia_min_k": "min_k",
    "mia_min_k_plus_plus": "min_k_plus_plus",
}
NO_RETAIN: Final = "needs --retain-model"
NO_VOCABULARY: Final = "needs the distribution over the whole vocabulary, which an endpoint does not give"
_NORMALISED: Final = ("real_authors", "world_facts")


class Losses(NamedTuple):
    """Average losses of one set: float64 [n] and, of the wrong answers, [n, answers]."""

    answer: np.ndarray
    paraphrase: np.ndarray
    wrong: np.ndarray


def cells_of(samples: ReplaySamples, run: str, convention: Convention) -> Cells:
    """Return every aggregate of a run."""
    sets = {name: list(convention.sample(samples.of(run, name))) for name in (*SETS, HOLDOUT)}
    no_likelihood = samples.no_likelihood[run]
    cells: Cells = {}
    for name in SETS:
        cells |= _set(name, sets[name], convention, no_likelihood)
    cells["model_utility"] = _utility(cells)
    cells |= _forget_quality(sets[FORGET], samples, convention, no_likelihood)
    if convention is Convention.OPEN_UNLEARNING:
        cells |= _memorisation(sets[FORGET], no_likelihood)
        cells |= _membership(sets[FORGET], sets[HOLDOUT], no_likelihood)
        cells["privleak"] = _privleak(cells["mia_min_k"], samples)
    for name in (*SETS, HOLDOUT):
        cells[f"{name}_touched"] = touched_cell(sets[name])
    return cells


def ratios(rows: Sequence[Sample], convention: Convention) -> np.ndarray | None:
    """Return the truth ratios of a set, in the convention's own direction; None where a row has no losses."""
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
    recalls = [recall for row in rows if (recall := row.number("rougeL_recall")) is not None]
    table = {f"{name}_rouge": Cell(float(np.mean(recalls))) if recalls else NO_SAMPLES}
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
    names = [[f"{name}_{part}" for part in ("probability", "rouge", "truth_ratio")] for name in UTILITY_SETS]
    values = [[table[part].value for part in parts] for parts in names]
    lacking = next((table[p].note for parts in names for p in parts if table[p].value is None), None)
    if lacking is not None:
        return Cell(None, lacking)
    splits = [SplitScores(*(value or 0.0 for value in parts)) for parts in values]
    return cell(lambda: model_utility(*splits))


def _forget_quality(
    rows: Sequence[Sample], samples: ReplaySamples, convention: Convention, no_likelihood: str
) -> Cells:
    names = ("forget_quality", "forget_distance")
    if samples.retain is None:
        return dict.fromkeys(names, Cell(None, NO_RETAIN))
    mine = ratios(rows, convention)
    reference = ratios(list(convention.sample(samples.of(samples.retain, FORGET))), convention)
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
    return {name: _auc(forget, holdout, score, no_likelihood) for name, score in _MEMBERSHIP_ATTACKS.items()}


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


def _privleak(run_auc: Cell, samples: ReplaySamples) -> Cell:
    retain = samples.retain
    if run_auc.value is None or retain is None:
        return Cell(None, NO_RETAIN if retain is None else run_auc.note)
    reference = _auc(samples.of(retain, FORGET), samples.of(retain, HOLDOUT), "min_k", "")
    if reference.value is None:
        return Cell(None, NO_RETAIN)
    score, other = run_auc.value, reference.value
    return cell(lambda: privleak(score, other), run_auc.note)


def truth_ratios(samples: ReplaySamples) -> Distribution:
    """Return the distribution of min(R, 1/R) of every run's forget set."""
    series = {}
    for run in samples.no_likelihood:
        found = ratios(samples.of(run, FORGET), Convention.OPEN_UNLEARNING)
        if found is not None:
            series[run] = [min(ratio, 1 / (ratio + 1e-10)) for ratio in found.tolist()]
    return Distribution(series, "min(R, 1/R)")


def forgetting_against_utility(runs: Mapping[str, Cells], *, published: bool) -> Scatter:
    """Return a point for each run, with the `published` ones of other models on request."""
    points = []
    for run, cells in runs.items():
        forget, utility = cells["forget_probability"].value, cells["model_utility"].value
        if forget is not None and utility is not None:
            points.append(Point(run, 1 - forget, utility))
    points += _PUBLISHED_FORGET10 if published else ()
    return Scatter(points, "1 - forget probability", "Model Utility")


_PUBLISHED_FORGET10: Final = (
    Point("Llama-2-7b full", 1 - 0.990, 0.628, published=True),
    Point("Llama-2-7b retain90", 1 - 0.148, 0.613, published=True),
    Point("Llama-3.2-1B full", 1 - 0.880, 0.599, published=True),
    Point("Llama-3.2-1B retain90", 1 - 0.116, 0.591, published=True),
    Point("Llama-3.1-8B full", 1 - 0.991, 0.628, published=True),
    Point("Llama-3.1-8B retain90", 1 - 0.106, 0.646, published=True),
)
"""1 - forget probability and Model Utility, forget10: open-unlearning's evaluation of its own models."""

TOFU_COLUMNS: Final = (
    ColumnGroup(
        "Forgetting and utility",
        {
            "Forget Quality": "forget_quality",
            "KS distance": "forget_distance",
            "Model Utility": "model_utility",
            "Forget Prob": "forget_probability",
            "Forget ROUGE": "forget_rouge",
            "Forget TR": "forget_truth_ratio",
        },
    ),
    ColumnGroup(
        "Utility sets",
        {
            "Retain Prob": "retain_probability",
            "Retain ROUGE": "retain_rouge",
            "Retain TR": "retain_truth_ratio",
            "Authors Prob": "real_authors_probability",
            "Authors ROUGE": "real_authors_rouge",
            "Authors TR": "real_authors_truth_ratio",
            "Facts Prob": "world_facts_probability",
            "Facts ROUGE": "world_facts_rouge",
            "Facts TR": "world_facts_truth_ratio",
        },
    ),
    ColumnGroup(
        "Memorisation and membership",
        {
            "Extraction": "extraction_strength",
            "Exact mem.": "exact_memorization",
            "MIA loss": "mia_loss",
            "MIA zlib": "mia_zlib",
            "MIA min-k": "mia_min_k",
            "MIA min-k++": "mia_min_k_plus_plus",
            "PrivLeak": "privleak",
        },
    ),
    ColumnGroup(
        "Share of prompts touched",
        {
            "Forget": "forget_touched",
            "Retain": "retain_touched",
            "Authors": "real_authors_touched",
            "Facts": "world_facts_touched",
            "Holdout": "holdout_touched",
        },
    ),
)
