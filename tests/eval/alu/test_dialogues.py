from __future__ import annotations

from random import Random

import pytest

from agents.ledger import Role
from agents.prompts.replies import ANSWER, leaks_format, ratings_format
from eval.alu.dialogues import IGNORANCE, draw_dialogue
from eval.alu.model import ROLES
from tests.eval.alu.fakes import drawn_replies


def test_every_check_names_the_targets_that_the_answer_tells_of() -> None:
    kinds = set()
    for data, reply in drawn_replies(Role.CHECK):
        names = [subject["name"] for subject in data["subjects"]]
        leaks = leaks_format(len(names)).read(reply)
        named = {rank for rank, name in enumerate(names) if name in str(data["answer"])}
        assert named <= set(leaks)
        kinds |= {kind for kind in ("direct", "indirect") if kind in reply} | ({"none"} if not leaks else set())
    assert kinds == {"direct", "indirect", "none"}


def test_no_rewrite_names_a_listed_subject() -> None:
    for data, reply in drawn_replies(Role.REWRITE):
        text = ANSWER.read(reply)
        assert not any(s["name"] in (text or "") for s in data["subjects"])


def test_ratings_are_one_for_each_candidate_and_lowest_for_one_that_names_a_subject() -> None:
    for data, reply in drawn_replies(Role.CRITIC):
        candidates = data["candidates"]
        given = ratings_format(len(candidates)).read(reply)
        for candidate, rating in zip(candidates, given, strict=True):
            named = any(s["name"] in candidate["text"] for s in data["subjects"])
            assert (rating == 1) == named
            assert rating == 5 or IGNORANCE not in candidate["text"]


def test_a_composed_answer_is_one_of_the_versions() -> None:
    for data, reply in drawn_replies(Role.COMPOSER):
        assert any(str(ANSWER.read(reply)) in version for version in data["versions"])


@pytest.mark.parametrize("role", ROLES)
def test_the_same_random_state_draws_the_same(role: Role) -> None:
    assert draw_dialogue(role, Random(7)) == draw_dialogue(role, Random(7))
