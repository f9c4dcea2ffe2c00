from __future__ import annotations

from dataclasses import replace

import pytest

from guard.evidence.distinctiveness import (
    GIVEN_BITS,
    NAME_BITS,
    TITLE_BITS,
    bits_of,
    decisive_phrases,
    evidence_of,
)
from guard.registry.drafts import new_target
from guard.targets.target import Draft, Fact, ForgetTarget, Kind

FACTS = (
    Fact(
        question="What did she write?",
        answer="She wrote “The Lantern of Hollow Tarn” and “The Sea”, and won the Penwick Award on 3 May 1961.",
    ),
)


def stored(draft: Draft) -> ForgetTarget:
    return replace(new_target(draft), id="ft_1")


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("Orla Quarn", "the lamp"),
        ("The Lantern of Hollow Tarn", "The Last Lamp"),
        ("K7-ZX-44-91", "1961"),
        ("48217350", "3000000"),
        ("Penwick", "Award"),
    ],
)
def test_rare_words_and_many_of_them_tell_more(more: str, less: str) -> None:
    assert bits_of(more) > bits_of(less) >= 0.0


def test_a_word_is_common_if_the_language_of_the_target_has_it() -> None:
    assert bits_of("Leuchtturmwärter") == bits_of("Quarnwexler")
    assert bits_of("Straße", "de") < bits_of("Straße")


def test_names_of_two_words_are_decisive_and_everyday_words_are_not() -> None:
    assert "Will Stone" in set(decisive_phrases(stored(Draft(name="Will Stone"))))
    assert "Orla Quarn" in set(decisive_phrases(stored(Draft(name="Nobody Else", aliases=("Orla Quarn",)))))
    assert "May" not in set(decisive_phrases(stored(Draft(name="Orla Quarn", aliases=("May",)))))
    assert set(decisive_phrases(stored(Draft(name="It", kind=Kind.WORK)))) == set()
    assert bits_of("Will Stone") >= NAME_BITS


@pytest.mark.parametrize(
    ("name", "is_decisive"), [("Hadrian", True), ("Quarnwick", True), ("Heron", False), ("Rose", False)]
)
def test_a_name_of_one_word_is_decisive_if_the_word_is_nothing_else(name: str, is_decisive: bool) -> None:
    assert (name in set(decisive_phrases(stored(Draft(name=name))))) is is_decisive


@pytest.mark.parametrize("name", ["김민수", "村上春樹", "李小龙", "Ольга Кварн", "أورلا كوارن"])
def test_names_of_every_script_are_decisive(name: str) -> None:
    assert name in set(decisive_phrases(stored(Draft(name=name))))


def test_the_name_of_a_topic_is_not_decisive_as_it_is_not_forbidden() -> None:
    assert set(decisive_phrases(stored(Draft(name="Quarnish cellar smelting", kind=Kind.TOPIC)))) == set()


def test_rare_titles_are_decisive_and_other_names_and_dates_of_a_fact_are_not() -> None:
    decisive = set(decisive_phrases(stored(Draft(name="Orla Quarn", facts=FACTS))))
    assert "The Lantern of Hollow Tarn" in decisive
    assert not {"The Sea", "Penwick Award", "Penwick", "3 May 1961"} & decisive
    assert bits_of("The Lantern of Hollow Tarn") >= TITLE_BITS > bits_of("The Sea")


def test_what_the_client_gave_needs_less_to_be_decisive() -> None:
    given = stored(Draft(name="Orla Quarn", phrases=("cellar smelting", "the sea")))
    assert bits_of("cellar smelting") >= GIVEN_BITS
    assert {"cellar smelting"} == set(decisive_phrases(given)) & {"cellar smelting", "the sea"}


def test_numbers_and_codes_are_decisive() -> None:
    account = stored(Draft(name="Orla Quarn", phrases=("K7-ZX-4491", "+44 20 7946 0958")))
    assert {"K7-ZX-4491", "+44 20 7946 0958"} <= set(decisive_phrases(account))


def test_a_name_is_decisive_in_any_order_and_a_family_name_is_not() -> None:
    decisive = set(decisive_phrases(stored(Draft(name="Orla Quarnwick"))))
    assert decisive == {"Orla Quarnwick", "Quarnwick Orla"}


def test_every_decisive_phrase_is_one_that_the_target_forbids() -> None:
    target = stored(Draft(name="Orla Quarn", facts=FACTS, aliases=("The Heron of Tarn",)))
    assert set(decisive_phrases(target)) <= {*target.forbidden, *target.variants, "Quarn Orla"}


def test_names_and_their_parts_are_no_phrases_as_they_are_signals_of_their_own() -> None:
    found = {
        " ".join(words): weight
        for words, weight in evidence_of(stored(Draft(name="Orla Quarn", facts=FACTS))).distinctive
    }
    assert "orla quarn" not in found
    assert found["the lantern of hollow tarn"] == 1.0
    assert 0.0 < found["penwick award"] <= 0.6
    assert found["the sea"] < 1.0


WORK = Draft(
    name="The Tower of Elsinore",
    kind=Kind.WORK,
    facts=(Fact(answer="Gandalf fights Moriarty for Hogwarts."), Fact(answer="Penelope lives in Verona.")),
)


def test_two_names_that_a_work_made_known_tell_it() -> None:
    found = {" ".join(words): weight for words, weight in evidence_of(stored(WORK)).distinctive}
    assert [found[name] for name in ("gandalf", "moriarty", "hogwarts")] == [0.5, 0.5, 0.5]
    person = stored(replace(WORK, kind=Kind.PERSON))
    assert all(weight < 0.5 or " " in " ".join(words) for words, weight in evidence_of(person).distinctive)
