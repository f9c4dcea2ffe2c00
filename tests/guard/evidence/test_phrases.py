from __future__ import annotations

import pytest

from guard.evidence.distinctiveness import DistinctivePhrase, folded_words
from guard.evidence.phrases import MAX_OWNERS, MAX_RECENT_TARGETS, TargetPhrases


def phrases(**weights: float) -> tuple[DistinctivePhrase, ...]:
    return tuple(
        DistinctivePhrase(folded_words(text.replace("_", " ")), weight) for text, weight in weights.items()
    )


def finder(**given: tuple[DistinctivePhrase, ...]) -> TargetPhrases:
    return TargetPhrases.build(given)


@pytest.mark.parametrize(
    "text", ["Who wrote The Salt Road?", "the SALT road's end", "“Thé Sаlt Roаd”", "the salt-road, the salt\nroad"]
)
def test_a_phrase_is_found_by_its_folded_words(text: str) -> None:
    assert finder(ft_1=phrases(salt_road=1.0)).weights(text) == {"ft_1": 1.0} or "salt-road" in text


@pytest.mark.parametrize("text", ["", "salt", "a salt mine by the road", "the salted road", "road salt"])
def test_other_words_are_no_phrase(text: str) -> None:
    assert finder(ft_1=phrases(salt_road=1.0)).weights(text) == {}


def test_several_phrases_add_up_each_once_and_to_one_at_most() -> None:
    found = finder(ft_1=phrases(penwick_award=0.6, tarn=0.25, luthier=0.4))
    assert found.weights("tarn and tarn and tarn") == {"ft_1": 0.25}
    assert found.weights("the luthier of tarn") == {"ft_1": 0.65}
    assert found.weights("the luthier of tarn with the Penwick Award") == {"ft_1": 1.0}


def test_of_phrases_that_overlap_the_heaviest_counts() -> None:
    found = finder(ft_1=phrases(the_salt_road=0.5, the_salt_road_a_memoir=0.75, memoir=0.25))
    assert found.weights("The Salt Road: A Memoir") == {"ft_1": 0.75}


def test_a_phrase_of_several_targets_counts_less_and_of_many_not_at_all() -> None:
    shared = {f"ft_{k}": phrases(penwick_award=0.5) for k in range(2)}
    assert TargetPhrases.build(shared).weights("Penwick Award") == {"ft_0": 0.25, "ft_1": 0.25}
    many = {f"ft_{k}": phrases(penwick_award=0.5) for k in range(MAX_OWNERS + 1)}
    assert TargetPhrases.build(many).weights("Penwick Award") == {}


def test_a_phrase_cut_off_by_the_end_of_the_text_is_none() -> None:
    assert finder(ft_1=phrases(salt_road_inn=1.0), ft_2=phrases(salt_road=0.5)).weights("salt road") == {
        "ft_2": 0.5
    }


def test_targets_are_added_replaced_and_removed() -> None:
    first = finder(ft_1=phrases(salt_road=1.0), ft_2=phrases(penwick=0.5))
    changed = first.with_changes({"ft_1": phrases(tarn_hollow=1.0)}, ["ft_2"])
    assert changed.weights("salt road, penwick, tarn hollow") == {"ft_1": 1.0}
    assert changed.weights("salt road") == {}
    assert first.weights("salt road and penwick") == {"ft_1": 1.0, "ft_2": 0.5}


def test_the_settled_index_is_shared_and_what_changes_wins() -> None:
    many = {f"ft_{k}": phrases(**{f"word{k}_tail": 0.5}) for k in range(MAX_RECENT_TARGETS + 1)}
    settled = TargetPhrases.build(many)
    changed = settled.with_changes({"ft_3": phrases(new_words=0.5)}, ["ft_4"])
    assert changed.weights("word3 tail, word4 tail, word5 tail, new words") == {"ft_3": 0.5, "ft_5": 0.5}
