from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from eval.core.errors import BadRun
from eval.core.sample import ANSWER_LOG_PROBS, Key, Sample, Value
from eval.report.agreement import agreement, table
from eval.report.compare import Side


def side(*samples: tuple[str | None, Mapping[str, Value]], run: str = "none") -> Side:
    kept = (Sample(Key(run, "forget", i), "pass", text, values) for i, (text, values) in enumerate(samples))
    return Side("a", {sample.key: sample for sample in kept}, "")


def test_texts_are_counted_and_the_worst_token_is_told() -> None:
    a = side(("x", {ANSWER_LOG_PROBS: (-1.0, -2.0)}), ("y", {ANSWER_LOG_PROBS: (-1.0,)}))
    b = side(("x", {ANSWER_LOG_PROBS: (-1.0, -2.5)}), ("z", {ANSWER_LOG_PROBS: (-9.0,)}))
    (row,) = agreement(a, b)
    assert (row.texts, row.same, row.tokens, row.token_difference) == (2, 1, 2, 0.5)


def test_given_answers_differ_by_their_average() -> None:
    a = side((None, {"loss": 1.0, "loss_paraphrase": 2.0, "losses_perturbed": (3.0, 4.0)}))
    b = side((None, {"loss": 1.0, "loss_paraphrase": 2.0, "losses_perturbed": (3.0, 4.25)}))
    (row,) = agreement(a, b)
    assert (row.texts, row.answers, row.given_difference) == (0, 4, 0.25)


@pytest.mark.parametrize(("other", "apart"), [(math.inf, 0.0), (1.0, math.inf)])
def test_what_both_find_impossible_is_agreed_on(other: float, apart: float) -> None:
    (row,) = agreement(side((None, {"loss": math.inf})), side((None, {"loss": other})))
    assert row.given_difference == apart


def test_what_one_side_does_not_score_is_left_out() -> None:
    (row,) = agreement(side(("x", {"loss": 1.0})), side(("x", {})))
    assert (row.same, row.answers) == (1, 0)
    assert table([row]).splitlines()[-1] == "| none | 1 of 1 | 0 | — | 0 | — |"


def test_runs_that_share_nothing_are_refused() -> None:
    with pytest.raises(BadRun):
        agreement(side(("x", {})), side(("x", {}), run="guard"))
