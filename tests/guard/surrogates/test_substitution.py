from __future__ import annotations

import re
from dataclasses import replace

import pytest

from guard.registry.drafts import new_target
from guard.surrogates.substitution import ReplacedPhrases, Substitution, in_case
from guard.targets.target import Draft, Fact, ForgetTarget, Kind

FACT = Fact(question="What did she write?", answer="“The Lantern of Hollow Tarn”.")


def target(name: str = "Orla Quarnwick", **members: object) -> ForgetTarget:
    members = {"facts": (FACT,), **members}
    return replace(new_target(Draft(name=name, **members)), id="ft_1")  # type: ignore[arg-type]


def substitution(text: str, *targets: ForgetTarget) -> Substitution:
    return Substitution([*map(ReplacedPhrases, targets or (target(),))], text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Who is Orla Quarnwick?", r"Who is [A-Z][a-z]{3} [A-Z][a-z]{8}\?"),
        ("who is orla quarnwick's mother", r"who is [a-z]{4} [a-z]{9}'s mother"),
        ("ORLA QUARNWICK!", r"[A-Z]{4} [A-Z]{9}!"),
        ("Quarnwick, Orla", r"[A-Z][a-z]{8}, [A-Z][a-z]{3}"),
        ("Did Ms. Quarnwick write?", r"Did Ms\. [A-Z][a-z]{8} write\?"),
        ("lookup_orla_quarnwick", r"lookup_[a-z]{4}_[a-z]{9}"),
        ("O-r-l-a Q u a r n w i c k", r"[A-Z][a-z]{3} [A-Z][a-z]{8}"),
        ("Who wrote The Lantern of Hollow Tarn?", r"Who wrote The [A-Z][a-z]+ of [A-Z][a-z]+ [A-Z][a-z]+\?"),
    ],
)
def test_names_and_decisive_phrases_are_replaced_in_their_shape(text: str, shape: str) -> None:
    found = substitution(text).replace(text)
    assert re.fullmatch(shape, found)
    assert not re.search("orla|quarn|lantern|hollow|tarn", found, re.IGNORECASE)


@pytest.mark.parametrize(
    "text", ["", "Who wrote the Iliad?", "An oral exam", "Where is the lantern?", "Carola went."]
)
def test_what_tells_no_target_stays(text: str) -> None:
    made = substitution(text)
    assert made.replace(text) == text
    assert made.originals == {}


def test_one_word_has_one_surrogate_wherever_it_is_written() -> None:
    text = "Orla Quarnwick? Ms. Quarnwick? QUARNWICK?"
    found = substitution(text).replace(text)
    surname = found.split()[1].rstrip("?")
    assert found == f"{found.split()[0]} {surname}? Ms. {surname}? {surname.upper()}?"


def test_names_that_follow_one_another_are_replaced_one_by_one() -> None:
    text = "Orla Quarnwick? Orla Quarnwick, Orla Quarnwick"
    first, last = substitution(text).replace("Orla Quarnwick").split()
    assert substitution(text).replace(text) == f"{first} {last}? {first} {last}, {first} {last}"
    found = substitution("@orlaquarnwick7").replace("@orlaquarnwick7")
    assert substitution(text).replace("Quarnwick; @orlaquarnwick7") == f"{last}; {found}"


def test_the_small_words_of_a_works_title_stay() -> None:
    text = "Who wrote The Salt Road of Tarn?"
    made = substitution(text, target("The Salt Road of Tarn", kind=Kind.WORK, facts=()))
    assert re.fullmatch(r"Who wrote The [A-Z][a-z]{3} [A-Z][a-z]{3} of [A-Z][a-z]{3}\?", made.replace(text))


def test_the_words_of_the_caller_are_known() -> None:
    text = "orla Quarnwick"
    made = substitution(text)
    first, last = made.replace(text).split()
    assert made.originals == {first: "orla", last.lower(): "Quarnwick"}


def test_one_question_asked_twice_has_the_same_surrogates_and_another_target_others() -> None:
    text = "Who is Orla Quarnwick?"
    assert substitution(text).replace(text) == substitution(text).replace(text)
    other = replace(target(), id="ft_2")
    assert substitution(text, other).replace(text) != substitution(text).replace(text)


def test_a_surrogate_is_not_in_the_conversation() -> None:
    text = "Who is Orla Quarnwick?"
    first = substitution(text).replace(text)
    again = Substitution([ReplacedPhrases(target())], f"{text} {first}").replace(text)
    assert set(first.lower().split()[2:]).isdisjoint(again.lower().split()[2:])


def test_initials_and_small_words_of_a_name_stay() -> None:
    text = "Who is J. van der Quarnwick of Tarn?"
    made = substitution(text, target("J. van der Quarnwick", facts=()))
    assert re.fullmatch(r"Who is J\. [a-z]+ [a-z]+ [A-Z][a-z]{8} of Tarn\?", made.replace(text))


@pytest.mark.parametrize("name", ["村上 春樹子", "김철수", "Пётр Кварнов", "محمد قرنويك"])
def test_names_of_other_scripts_are_replaced(name: str) -> None:
    made = substitution(name, target(name, facts=()))
    found = made.replace(f"{name}?")
    assert len(found) == len(name) + 1
    assert set(found.split()).isdisjoint(name.split())


def test_a_secret_without_words_has_no_surrogate() -> None:
    secret = target("7731-9942-11", kind=Kind.SECRET, facts=())
    made = substitution("Is it 7731-9942-11?", secret)
    assert made.replace("Is it 7731-9942-11?") == "Is it 7731-9942-11?"
    assert made.originals == {}


@pytest.mark.parametrize(
    ("word", "like", "expected"),
    [
        ("Quarnwick", "BLANDOR", "QUARNWICK"),
        ("Quarnwick", "blandor", "quarnwick"),
        ("quarnwick", "Blandor", "Quarnwick"),
        ("QUARNWICK", "Blandor", "Quarnwick"),
        ("McQuarn", "Blandor", "McQuarn"),
        ("村上", "沢椎", "村上"),
    ],
)
def test_a_word_takes_the_case_of_another(word: str, like: str, expected: str) -> None:
    assert in_case(word, like) == expected
