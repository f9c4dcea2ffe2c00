from __future__ import annotations

import pytest

from guard.targets.target import Kind
from serving.elicitation.forms import FIRST_ROUND, LANGUAGES, SECOND_ROUND, Style, controls_of, forms_of

ASKED = [kind for kind in Kind if kind is not Kind.SECRET]


@pytest.mark.parametrize("kind", ASKED)
def test_every_kind_is_asked_in_every_style_and_language(kind: Kind) -> None:
    forms = forms_of(kind, tuple(Style))
    assert {form.style for form in forms} == set(Style)
    assert {form.language for form in forms} == set(LANGUAGES)
    assert len({(form.question, form.answer) for form in forms}) == len(forms)


@pytest.mark.parametrize("kind", ASKED)
def test_the_first_round_asks_by_the_name_alone_and_the_second_about_what_was_found(kind: Kind) -> None:
    for form in forms_of(kind, FIRST_ROUND):
        assert "{name}" in form.question
        assert "{found}" not in form.question + form.answer
    for form in forms_of(kind, SECOND_ROUND):
        assert "{found}" in form.question
        assert ("{name}" in form.question) is (form.style is not Style.REVERSE)


@pytest.mark.parametrize("kind", ASKED)
def test_only_a_continuation_begins_the_answer(kind: Kind) -> None:
    for form in forms_of(kind, tuple(Style)):
        assert bool(form.answer) is (form.style is Style.CONTINUATION)


def test_a_secret_has_neither_forms_nor_controls() -> None:
    assert forms_of(Kind.SECRET, tuple(Style)) == ()
    assert controls_of(Kind.SECRET) == ()


def test_a_prompt_has_the_name_and_what_was_found_in_place_and_braces_of_a_name_as_they_are() -> None:
    (form, *_) = forms_of(Kind.PERSON, (Style.FOUND,))
    prompt = form.about("Ilse {found} Quorne", "The Salt Road")
    assert "The Salt Road" in prompt.question
    assert prompt.question.count("The Salt Road") == 1
    assert "Ilse {found} Quorne" in prompt.question


def test_languages_can_be_chosen() -> None:
    assert {form.language for form in forms_of(Kind.WORK, FIRST_ROUND, ("de", "fr"))} == {"de", "fr"}
