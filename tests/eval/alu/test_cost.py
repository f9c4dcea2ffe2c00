from __future__ import annotations

import pytest

from agents.pipeline import Profile
from eval.alu.cost import CostRow, cost_rows, questions
from tests.agents.conftest import WordEmbedder


@pytest.fixture(scope="module")
def rows() -> list[CostRow]:
    return list(cost_rows([10, 40], WordEmbedder(), lambda text: len(text.split())))


def of(rows: list[CostRow], profile: Profile, answer: str) -> list[CostRow]:
    return [row for row in rows if (row.profile, row.answer) == (profile, answer)]


def test_covers_both_profiles_and_every_kind_of_answer_at_every_size(rows: list[CostRow]) -> None:
    assert len(rows) == 2 * len(Profile) * len(questions())
    assert {row.targets for row in rows} == {10, 40}


def test_lethe_makes_one_call_for_a_clean_answer(rows: list[CostRow]) -> None:
    assert [row.calls for row in of(rows, Profile.LETHE, "clean")] == [1, 1]


@pytest.mark.parametrize("answer", ["clean", "touched, clean", "leaking"])
def test_lethe_reads_as_many_tokens_at_any_number_of_targets(rows: list[CostRow], answer: str) -> None:
    few, many = of(rows, Profile.LETHE, answer)
    assert few.calls == many.calls
    assert few.prompt_tokens == pytest.approx(many.prompt_tokens, rel=0.02)


def test_the_paper_reads_more_with_every_target_and_makes_every_call(rows: list[CostRow]) -> None:
    clean, leaking = of(rows, Profile.PAPER, "clean"), of(rows, Profile.PAPER, "leaking")
    assert ([row.calls for row in clean], [row.calls for row in leaking]) == ([5, 5], [6, 6])
    for few, many in (clean, leaking):
        assert many.prompt_tokens > few.prompt_tokens
