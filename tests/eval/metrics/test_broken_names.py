from __future__ import annotations

from eval.metrics.broken_names import broken_names

PHRASES = ("Orla Quennbeck", "Tarnhollow Abbey", "wizardry")


def test_a_name_that_is_broken_off_or_ends_otherwise_is_broken() -> None:
    assert broken_names("It was Orla Quennb, or Quennbeth of Tarnhold.", PHRASES) == (
        "Quennb",
        "Quennbeth",
        "Tarnhold",
    )


def test_whole_names_and_others_are_not() -> None:
    assert broken_names("Orla Quennbeck met Olga Queen at the abbey.", PHRASES) == ()


def test_an_everyday_word_is_none_unless_it_is_written_as_a_name() -> None:
    assert broken_names("He is a wizard.", ("Wizardry",)) == ()
    assert broken_names("He is the Wizard.", ("Wizardry",)) == ("Wizard",)


def test_what_begins_a_longer_word_must_be_half_of_it() -> None:
    assert broken_names("The quarry and the Quar", ("Quarantinellistone",)) == ()
