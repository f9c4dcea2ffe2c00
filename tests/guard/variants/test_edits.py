from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guard.text.normalise import fold
from guard.variants.edits import edit_variants

CHARS = string.ascii_lowercase + string.digits


def parts(secret: str) -> list[str]:
    return [fold(variant.text) for variant in edit_variants(secret)]


def edits(secret: str) -> set[str]:
    edited = {secret[:i] + secret[i + 1 :] for i in range(len(secret))}
    edited |= {secret[:i] + char + secret[i + 1 :] for i in range(len(secret)) for char in CHARS}
    edited |= {secret[:i] + char + secret[i:] for i in range(len(secret) + 1) for char in CHARS}
    return edited | {secret[:i] + secret[i : i + 2][::-1] + secret[i + 2 :] for i in range(len(secret))}


def holds_a_part(text: str, found: list[str], secret: str) -> bool:
    return any(part in text for part in [*found, secret])


@pytest.mark.parametrize("secret", ["hunter2-Xylo-99", "akia4qz7tlx0", "GB29 NWBK 6016", "4929123456789012"])
def test_every_string_one_edit_away_holds_one_of_two_parts(secret: str) -> None:
    found, folded = parts(secret), fold(secret)
    assert len(found) == 2
    assert all(holds_a_part(edited, found, folded) for edited in _without_swaps_over(found, folded))


@given(st.text(CHARS, min_size=10, max_size=24))
def test_two_parts_are_enough_whatever_the_secret(secret: str) -> None:
    assume(any(char.isdigit() for char in secret))
    found = parts(secret)
    if len(found) == 2 and "".join(found) == secret:
        assert all(holds_a_part(edited, found, secret) for edited in _without_swaps_over(found, secret))


def _without_swaps_over(found: list[str], secret: str) -> set[str]:
    """Return the edits but the swap of the two characters where the parts meet, which is an edit of both."""
    cut = len(found[0])
    return edits(secret) - {secret[: cut - 1] + secret[cut - 1 : cut + 1][::-1] + secret[cut + 1 :]}


@pytest.mark.parametrize("secret", ["akia4qz7tlx0pwn3", "ghp9fkq2lmzx81vtt0"])
def test_three_parts_cover_two_edits(secret: str) -> None:
    found = parts(secret)
    assert len(found) == 3
    replaced = {secret[:i] + "_" + secret[i + 1 :] for i in range(len(secret))}
    twice = {text[:i] + "_" + text[i + 1 :] for text in replaced for i in range(len(text))}
    assert all(holds_a_part(text, found, secret) for text in twice)


@pytest.mark.parametrize("text", ["K7-ZX-4", "7Z-X44", "K7-ZX-45", "K8-ZX-44", "K7-XZ-44", "K7-ZY-44"])
def test_a_short_code_is_forbidden_with_a_character_wrong(text: str) -> None:
    assert any(part in fold(text) for part in parts("K7-ZX-44"))


@pytest.mark.parametrize("secret", ["Thames line", "the door code", "5831", "s3cr", "front door"])
def test_labels_and_what_is_too_short_have_no_edits(secret: str) -> None:
    assert parts(secret) == []


@pytest.mark.parametrize("text", ["in the year 2003", "at 2 the", "year 2004", "2003", "eye are 2003"])
def test_a_word_and_a_number_stay_free(text: str) -> None:
    assert not any(part in fold(text) for part in parts("year2003"))


def test_of_a_passphrase_words_are_edited() -> None:
    found = parts("correct horse battery staple")
    assert any(part in fold("correct horse battery stapler") for part in found)
    assert any(part in fold("correct horse battery") for part in found)
    assert not any(part in fold("the correct horse") for part in found)
