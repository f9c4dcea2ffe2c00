from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from guard.decoding.vocabulary import Vocabulary
from guard.soft.matching import SoftMatching, meaningful_phrases, word_tokens
from guard.targets.target import Draft, ForgetTarget, State
from guard.text.english import common_words, inside_another_common_word

TOKENS = [b"", b" doctor", b" Doctor", b"doctor", b" the", b" do", b" x1z", b" lawyer", b" Bagh"]
VOCABULARY = Vocabulary(TOKENS, special=[0], eos=[0])


def target(*forbidden: str, exceptions: tuple[str, ...] = ()) -> ForgetTarget:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    draft = Draft(name="Orla Venn", exceptions=exceptions)
    return ForgetTarget(
        id="ft_1", draft=draft, state=State.ACTIVE, revision=1, forbidden=forbidden, created_at=now, updated_at=now
    )


def test_tokens_that_begin_a_word_are_matched_and_no_stop_words_nor_pieces() -> None:
    assert word_tokens(VOCABULARY) == {1: "doctor", 2: "Doctor", 7: "lawyer", 8: "Bagh"}


def test_phrases_of_a_few_words_have_a_meaning_and_numbers_have_none() -> None:
    given = ["civil engineer", "1987", "05/11/1991", "a run of more words than four", "Venn"]
    assert meaningful_phrases(given) == ["civil engineer", "Venn"]


@pytest.fixture
def matching(embedder, tmp_path: Path) -> SoftMatching:  # type: ignore[no-untyped-def]
    return SoftMatching(VOCABULARY, embedder, tmp_path)


def test_a_word_that_means_what_is_forbidden_can_never_follow_and_others_can(matching: SoftMatching) -> None:
    soft = matching.match(target("doctor"))
    values = dict(zip(soft.bias.tokens.tolist(), soft.bias.values.tolist(), strict=True))
    assert values[1] == -np.inf
    assert all(-0.5 < value < 0 for token, value in values.items() if token != 1)


def test_words_of_several_tokens_are_matched_as_words(matching: SoftMatching) -> None:
    word = next(word for word in common_words() if len(word) > 6 and not inside_another_common_word(word))
    assert matching.match(target(word)).words == (word,)
    assert matching.match(target(word, exceptions=(word.upper(),))).words == ()


def test_a_word_inside_another_common_word_is_left_out(matching: SoftMatching) -> None:
    assert "art" in common_words()
    assert matching.match(target("art")).words == ()
