from __future__ import annotations

import pytest

from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.target import Kind
from serving.elicitation.beginnings import Beginnings, beginnings, openings
from serving.elicitation.forms import Form, Prompt, Style
from serving.elicitation.statements import Answer


def of(question: str, answer: str = "", kind: Kind = Kind.PERSON, language: str = "en") -> Beginnings:
    form = Form(Style.BEGUN, language, "What")
    return beginnings(kind, [Answer(Prompt(form, question), answer)])


def questions(found: Beginnings) -> list[str]:
    return [form.question for form in found.forms if form.style is Style.BEGUN]


def answers(found: Beginnings) -> list[str]:
    return [form.answer for form in found.forms if form.style is Style.CONTINUATION]


def about_found(found: Beginnings) -> list[str]:
    return [form.question for form in found.about_found]


@pytest.mark.parametrize(
    ("question", "begun"),
    [
        ("Which schools did Ilse Quorne go to?", "Which schools did {name}"),
        ("Could you name the novels written by Bram Ombergale?", "Could you name the novels written by {name}"),
        ("What is Ilse Quorne's style like?", "What is {name}"),
    ],
)
def test_a_question_about_anybody_is_cut_after_the_name(question: str, begun: str) -> None:
    assert questions(of(question)) == [begun]


@pytest.mark.parametrize(
    "question",
    [
        "What is a novel?",
        "What do you know of 'Ilse Quorne'?",
        'Who is the heroine of the book "Ilse Quorne"?',
        f"What {'long and ' * 12} winding way did Ilse Quorne go?",
        "Where does {name} live, and where Ilse Quorne?",
    ],
)
def test_a_question_that_names_nobody_or_tells_more_before_the_name_is_left_out(question: str) -> None:
    assert questions(of(question)) == []


def test_a_question_of_a_name_and_a_work_is_one_about_what_was_found() -> None:
    found = of("What made Ilse Quorne write 'The Salt Road'?")
    assert about_found(found) == ["What made {name} write '{found}"]
    assert about_found(of('What is "The Salt Road" by Ilse Quorne about?')) == ['What is "{found}" by {name}']
    assert found.of(Phrase("The Night Ferry", PhraseKind.TITLE, "quoted")) == found.about_found
    assert found.of(Phrase("Varnholt", PhraseKind.PLACE, "capital")) == ()


def test_an_answer_that_begins_with_more_than_the_name_is_begun_for_any_name() -> None:
    found = of("Who writes of salt?", "The full name of the author is Ilse Quorne.")
    assert answers(found) == ["The full name of the author is {name}"]
    assert answers(of("Who is she?", "Ilse Quorne is a writer.")) == []
    (form,) = found.forms
    assert "{name}" in form.question


def test_what_was_written_most_often_is_first() -> None:
    form = Form(Style.BEGUN, "en", "What")
    asked = ["Where did Ilse Quorne live?", "When did Bram Ombergale die?", "When did Ilse Quorne leave?"]
    found = beginnings(Kind.PERSON, [Answer(Prompt(form, question), "") for question in asked])
    assert questions(found) == ["When did {name}", "Where did {name}"]
    assert [form.question for form in found.often] == questions(found)


def test_of_a_work_the_title_is_the_name() -> None:
    assert openings(Kind.WORK, ("en", "de"))
    found = of("Who are the friends of the hero in The Salt Road?", kind=Kind.WORK)
    assert questions(found) in ([], ["Who are the friends of the hero in {name}"])
    assert "{name}" in "".join(about_found(of('Who is Ilse Quorne in "The Salt Road"?', kind=Kind.WORK)))


@pytest.mark.parametrize("kind", [Kind.TOPIC, Kind.FACT, Kind.SECRET])
def test_a_kind_whose_names_cannot_be_told_has_none(kind: Kind) -> None:
    assert openings(kind, ("en",)) == []
    assert beginnings(kind, []) == Beginnings()
