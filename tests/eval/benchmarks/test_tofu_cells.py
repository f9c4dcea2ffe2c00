from __future__ import annotations

import math

import pytest

from eval.benchmarks.tofu_cells import cells_of
from eval.core.cell import Cell, Cells
from eval.core.sample import Key, ReplaySamples, Sample, Value
from eval.metrics.truth_ratio import Convention

OPEN, ORIGINAL = Convention.OPEN_UNLEARNING, Convention.ORIGINAL


def cells(
    samples: dict[Key, Sample], run: str, retain: str | None, convention: Convention, no_likelihood: str = ""
) -> Cells:
    return cells_of(ReplaySamples(samples, {run: no_likelihood}, retain), run, convention)


def sample(run: str, name: str, index: int, plan: str = "pass", **values: Value) -> Sample:
    return Sample(Key(run, name, index), plan, "", values)


def scored(run: str, right: float, wrong: float, forget: float | None = None) -> dict[Key, Sample]:
    """Two rows of every set with these losses; `forget` is the loss of the forget set's right answers."""
    rows = []
    for name in ("forget", "retain", "real_authors", "world_facts"):
        loss = right if forget is None or name != "forget" else forget
        for index in range(2):
            values: dict[str, Value] = {"rougeL_recall": 0.5, "loss": loss, "loss_paraphrase": loss}
            values |= {"losses_perturbed": (wrong, wrong), "min_k": loss, "zlib": loss, "min_k_plus_plus": loss}
            rows.append(sample(run, name, index, "restrict" if name == "forget" else "pass", **values))
    rows += [
        sample(run, "holdout", index, loss=1.0, min_k=1.0, zlib=1.0, min_k_plus_plus=1.0) for index in range(2)
    ]
    return {row.key: row for row in rows}


def values(samples: dict[Key, Sample], run: str, convention: Convention = OPEN) -> dict[str, float | None]:
    return {name: found.value for name, found in cells(samples, run, "retain", convention).items()}


def test_every_aggregate_by_hand() -> None:
    samples = scored("none", right=math.log(2), wrong=math.log(4)) | scored("retain", math.log(2), math.log(4))
    found = values(samples, "none")
    # Right answers have probability 1/2 a token, wrong ones 1/4: R = 1/2, and 1/2 of (1/2 + 1/4 + 1/4).
    assert found["forget_probability"] == pytest.approx(0.5)
    assert found["real_authors_probability"] == pytest.approx(0.5)
    assert found["forget_truth_ratio"] == pytest.approx(0.5)
    assert found["retain_truth_ratio"] == pytest.approx(0.5)
    assert found["model_utility"] == pytest.approx(0.5)
    assert found["forget_quality"] == pytest.approx(1.0)
    assert found["mia_min_k"] == 1.0
    assert found["privleak"] == pytest.approx(0.0)
    assert (found["forget_touched"], found["retain_touched"]) == (1.0, 0.0)


def test_the_original_convention_takes_the_first_three_hundred() -> None:
    rows = [
        sample("none", name, index, rougeL_recall=float(index < 300))
        for name in ("forget", "retain", "real_authors", "world_facts")
        for index in range(400)
    ]
    samples = {row.key: row for row in rows}
    assert cells(samples, "none", None, ORIGINAL)["forget_rouge"].value == 1.0
    assert cells(samples, "none", None, OPEN)["forget_rouge"].value == 0.75


def test_an_answer_that_cannot_be_said_has_probability_zero_and_is_counted() -> None:
    found = cells(scored("guard", 0.5, 1.0, forget=math.inf), "guard", None, OPEN)
    assert found["forget_probability"] == Cell(0.0, "2 of 2 answers cannot be said")
    assert found["mia_min_k"].value == 0.0
    assert "2 of 2 forget answers cannot be said" in found["mia_min_k"].note


def test_with_right_and_wrong_answers_impossible_only_the_formula_with_an_epsilon_has_a_value() -> None:
    samples = scored("guard", 0.5, math.inf, forget=math.inf) | scored("retain", 0.5, 1.0)
    found = cells(samples, "guard", "retain", OPEN)
    assert found["forget_truth_ratio"].value == 0.0
    assert "2 both" in found["forget_truth_ratio"].note
    assert "2 both" in found["forget_quality"].note
    original = cells(samples, "guard", "retain", ORIGINAL)
    assert original["forget_quality"].value is None
    assert "0/0" in original["forget_quality"].note


def test_where_a_method_has_no_likelihood_the_cell_says_why() -> None:
    rows = [sample("decline", name, 0, rougeL_recall=0.1) for name in ("forget", "retain", "real_authors")]
    found = cells({row.key: row for row in rows}, "decline", None, OPEN, "a refusal is no distribution")
    assert found["forget_rouge"].value == pytest.approx(0.1)
    for name in ("forget_probability", "forget_truth_ratio", "model_utility", "mia_loss", "extraction_strength"):
        assert found[name] == Cell(None, "a refusal is no distribution")
    assert found["forget_quality"] == Cell(None, "needs --retain-model")


def test_an_endpoint_does_not_tell_what_it_touched() -> None:
    found = cells({Key("guard", "forget", 0): sample("guard", "forget", 0, "server")}, "guard", None, OPEN)
    assert found["forget_touched"].value is None
