from __future__ import annotations

import pytest

from guard.text.normalise import fold
from serving.elicitation.forms import Form, Prompt, Style
from serving.elicitation.statements import Answer, statements_of

WHO = Form(Style.DIRECT, "en", "Who is {name}?").about("Ilse Quorne")
BORN = Form(Style.CONTINUATION, "en", "Who is {name}?", "{name} was born").about("Ilse Quorne")


def said(text: str, prompt: Prompt = WHO, *, whole: bool = True) -> list[str]:
    return [statement.text for statement in statements_of([Answer(prompt, text, whole)])]


def test_each_sentence_is_a_statement_with_its_question_and_phrases() -> None:
    first, second = statements_of([Answer(WHO, 'She wrote "The Salt Road". Dr. Quorne lives in Varnholt.')])
    assert (first.text, first.question) == ('She wrote "The Salt Road".', "Who is Ilse Quorne?")
    assert "The Salt Road" in [phrase.text for phrase in first.phrases]
    assert second.text == "Dr. Quorne lives in Varnholt."


@pytest.mark.parametrize("bullet", ["- ", "* ", "1. ", "12) ", "• ", "## ", "a) ", "**", "1. **"])
def test_each_entry_of_a_list_is_one(bullet: str) -> None:
    assert said(f"{bullet}The Salt Road\n{bullet}The Last Lamp") == ["The Salt Road", "The Last Lamp"]


def test_an_answer_that_was_begun_is_whole_with_its_beginning() -> None:
    assert said(" in Varnholt on 3 May 1961.", BORN) == ["Ilse Quorne was born in Varnholt on 3 May 1961."]


def test_an_answer_that_was_cut_loses_its_last_sentence() -> None:
    assert said("She is a luthier. She lives in the", whole=False) == ["She is a luthier."]
    assert said("She is a", whole=False) == []


@pytest.mark.parametrize("text", ["Who do you mean?", "谁?", "She was born in ___.", "!", "", "\n \n"])
def test_a_question_a_blank_and_nothing_are_no_statements(text: str) -> None:
    assert said(text) == []


def test_equal_statements_are_one_with_all_their_answers() -> None:
    answers = [Answer(WHO, "She is a luthier."), Answer(WHO, "Hm. she is a  LUTHIER. She is a luthier.")]
    (statement,) = (one for one in statements_of(answers) if fold("luthier") in fold(one.text))
    assert statement.answers == (0, 1)
    assert statement.text == "She is a luthier."
