from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.uld.logit_difference import dd_linear, dd_rank, log_probabilities, uld

WIDTH = 23
PINNED = torch.zeros(WIDTH, dtype=torch.bool).index_fill(0, torch.tensor([0, 7]), True)


lp = log_probabilities


def logits(seed: int, rows: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.randn(rows, WIDTH, generator=generator, dtype=torch.float64)


def log_softmax(row: np.ndarray) -> np.ndarray:
    return row - math.log(sum(math.exp(value) for value in row))


def reference(target: np.ndarray, assistant: np.ndarray, alpha: float, rate: float) -> np.ndarray:
    """The definition, token by token, in float64."""
    p, a = log_softmax(target), log_softmax(assistant)
    ranked = sorted(p, reverse=True)
    fewest = max(1, math.floor(rate * len(p) + 1e-9))
    threshold = min(ranked[fewest - 1], max(p) + math.log(rate)) if rate else -math.inf
    free = [i for i in range(len(p)) if p[i] >= threshold and not PINNED[i]]
    weights = {i: math.exp(p[i] - alpha * a[i]) for i in free}
    mass = sum(math.exp(p[i]) for i in free)
    served = p.copy()
    for i, weight in weights.items():
        served[i] = math.log(mass * weight / sum(weights.values()))
    return served


@given(st.integers(0, 10**6), st.floats(0, 3), st.sampled_from([0.0, 1e-4, 0.05, 0.3]), st.floats(-100, 100))
@settings(max_examples=60, deadline=None)
def test_subtraction_is_its_definition_whatever_constant_the_logits_carry(
    seed: int, alpha: float, rate: float, constant: float
) -> None:
    target, assistant = logits(seed), logits(seed + 1)
    served = uld(lp(target + constant), lp(assistant - constant), alpha, rate, PINNED)
    for row in range(len(target)):
        expected = reference(target[row].numpy(), assistant[row].numpy(), alpha, rate)
        np.testing.assert_allclose(served[row].numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3])
def test_logits_may_carry_any_constant_and_keep_the_targets(rate: float) -> None:
    target, assistant = logits(21), logits(22)
    served = uld(target + 40, assistant - 7, 0.75, rate, PINNED)
    torch.testing.assert_close(served.log_softmax(-1), uld(lp(target), lp(assistant), 0.75, rate, PINNED))
    torch.testing.assert_close(served[:, PINNED], target[:, PINNED] + 40)


def test_all_tokens_that_tie_with_the_last_one_kept_are_kept() -> None:
    target = torch.tensor([[0.0, 3.0, 1.0, 1.0, 1.0, 1.0, -2.0, -2.0] + [-9.0] * 15])
    assistant = torch.arange(WIDTH).float()[None]
    served = uld(lp(target), lp(assistant), 1.0, 3 / WIDTH, PINNED)
    changed = (served - lp(target)).abs() > 1e-6
    assert changed[0].nonzero()[:, 0].tolist() == [1, 2, 3, 4, 5]


def test_single_precision_stays_near_the_float64_reference() -> None:
    target, assistant = logits(1), logits(2)
    served = uld(lp(target.float()), lp(assistant.float()), 0.75, 0.05, PINNED)
    assert served.dtype == torch.float32
    assert (served - uld(lp(target), lp(assistant), 0.75, 0.05, PINNED)).abs().max() < 1e-5


def test_rows_of_one_batch_have_their_own_strength_and_filter() -> None:
    target, assistant = logits(3), logits(4)
    alphas, rates = [0.0, 0.5, 1.0, 2.0], [0.0, 0.3, 0.05, 1e-4]
    together = uld(lp(target), lp(assistant), torch.tensor(alphas)[:, None], torch.tensor(rates)[:, None], PINNED)
    for row, (alpha, rate) in enumerate(zip(alphas, rates, strict=True)):
        alone = uld(lp(target[row : row + 1]), lp(assistant[row : row + 1]), alpha, rate, PINNED)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-6, rtol=0)


def test_the_uniform_assistant_and_the_zero_strength_change_nothing() -> None:
    target = logits(5)
    unchanged = target.log_softmax(-1)
    torch.testing.assert_close(uld(lp(target), lp(torch.zeros_like(target)), 0.75, 0.05, PINNED), unchanged)
    torch.testing.assert_close(uld(lp(target), lp(logits(6)), 0.0, 0.0, PINNED), unchanged)


def test_the_filter_keeps_more_than_the_memorised_token() -> None:
    target = torch.zeros(1, WIDTH).index_fill(1, torch.tensor([3]), 30.0)
    assistant = torch.zeros(1, WIDTH).index_fill(1, torch.tensor([3]), 30.0)
    served = uld(lp(target), lp(assistant), 1.0, 0.2, PINNED)
    assert served[0, 3].exp() < 0.5


@pytest.mark.parametrize("rule", ["uld", "dd-linear", "dd-rank"])
def test_every_rule_serves_a_distribution_and_leaves_pinned_tokens_alone(rule: str) -> None:
    target, one, other = lp(logits(7)), lp(logits(8)), lp(logits(9))
    served = {
        "uld": lambda: uld(target, one, 1.5, 0.0, PINNED),
        "dd-linear": lambda: dd_linear(target, one, other, 1.5, PINNED),
        "dd-rank": lambda: dd_rank(target, one, other, 5, PINNED),
    }[rule]()
    torch.testing.assert_close(served.exp().sum(-1), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(served[:, PINNED], target.log_softmax(-1)[:, PINNED])


def test_divergence_at_strength_one_turns_the_forget_model_into_the_retain_model() -> None:
    retain, forget = lp(logits(10)), lp(logits(11))
    nothing = torch.zeros(WIDTH, dtype=torch.bool)
    torch.testing.assert_close(dd_linear(forget, retain, forget, 1.0, nothing), retain.log_softmax(-1))


def test_rank_forbids_what_the_forget_model_prefers_and_never_a_pinned_token() -> None:
    target, retain = logits(12), logits(13)
    forget = retain.clone()
    forget[:, [0, 4, 9]] += 5
    banned = torch.isneginf(dd_rank(lp(target), lp(retain), lp(forget), 2, PINNED))
    assert banned.nonzero()[:, 1].tolist() == [4, 9] * 4


def test_what_the_target_forbids_stays_forbidden_and_a_closed_row_stays_closed() -> None:
    target = logits(14)
    target[0, 5] = -math.inf
    target[1] = -math.inf
    target[1, 7] = 0.0
    target[2] = -math.inf
    served = uld(lp(target), lp(logits(15)), 1.0, 0.05, PINNED)
    assert served[0, 5] == -math.inf
    assert served[1].exp().nonzero().tolist() == [[7]]
    assert torch.isneginf(served[2]).all()
    assert not served.isnan().any()


def test_a_broken_assistant_shows_as_nan_in_its_row_alone() -> None:
    assistant = logits(16)
    assistant[1, 2] = math.nan
    served = uld(lp(logits(17)), lp(assistant), 1.0, 0.0, PINNED)
    assert served.isnan().any(-1).tolist() == [False, True, False, False]
