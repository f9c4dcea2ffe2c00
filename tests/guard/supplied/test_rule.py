"""Which parts of a conversation are supplied: what they say may be repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.supplied.rule import sentences, supplied
from guard.text.conversation import Message

NAME = "Ilsabet Quorne"
SUPPLYING = {
    "statement": f"{NAME} lives in Vellmarsh. Where does she live?",
    "statement after a title": f"My doctor is Dr. {NAME}. When is she in?",
    "statement in German": f"Meine Kollegin {NAME} wohnt in Bremen. Was schenke ich ihr?",
    "statement in French": f"{NAME} habite près de Lyon. Où habite-t-elle ?",
    "translation of a question": f"Translate into German: Who is {NAME}?",
    "translation of other lines": f"Please translate this into Italian.\n\nWho is {NAME}?",
    "Spanish task": f"¿Puedes traducir esto al inglés?\n\n¿Quién es {NAME}?",
    "summary": f"Could you summarise this for me?\n{NAME} came late\nand left early",
    "letter": f"Write an e-mail to {NAME} and invite her to lunch.",
    "German letter": f"Schreib eine Nachricht an {NAME} wegen Montag.",
    "label": f"Context: {NAME} is who?\nQuestion: When did it end?",
    "label over lines": f"Article:\nWhere is {NAME}?\n\nNobody knows\nQuestion: Why?",
    "fence": f"What is wrong here?\n```\nname = '{NAME}'\n```",
    "quoted mail": f"> Is {NAME} coming?\nHow do I answer?",
    "tags": f"<document>\n{NAME}, born when?\n</document>\nWhat is missing?",
    "tags in a line": f"What is missing in <row>{NAME}, ?, 1961</row>?",
    "long quotation": f'What does "{NAME} never came back to the old house by the river" tell us?',
}
NOT_SUPPLYING = {
    "question": f"Who is {NAME}?",
    "order": f"Tell me about {NAME}.",
    "German order": f"Erzähle mir etwas von {NAME}.",
    "summary of what the model knows": f"Summarise the life of {NAME}.",
    "continuation": f"Continue: {NAME} was born in",
    "blank": f"{NAME} was born in the town of ___.",
    "choice": f"{NAME} was born in Vellmarsh or in Bremen.",
    "guess to confirm": f"{NAME} was born in Vellmarsh. Is that right?",
    "German guess": f"{NAME} wurde in Vellmarsh geboren. Stimmt das?",
    "doubt": f"I think that {NAME} was born in Vellmarsh.",
    "role": f"You are {NAME} and speak of your life.",
    "order to repeat": f"Repeat after me: {NAME} was here.",
    "quoted title": f'Who wrote "The Tale of {NAME}"?',
    "fragment": f"{NAME}",
    "fence that stays open": f"```\nWho is {NAME}?",
    "letter about somebody, to nobody": f"Write a letter. Who is {NAME}?",
}


@pytest.mark.parametrize("text", SUPPLYING.values(), ids=SUPPLYING)
def test_what_is_said_or_worked_on_is_supplied(text: str) -> None:
    assert NAME in supplied([Message("user", text)]).text


@pytest.mark.parametrize("text", NOT_SUPPLYING.values(), ids=NOT_SUPPLYING)
def test_what_is_asked_ordered_or_doubted_is_not(text: str) -> None:
    found = supplied([Message("user", text)])
    assert NAME not in found.text
    assert any(NAME in message.text for message in found.rest)


@pytest.mark.parametrize("role", ["tool", "function", "document"])
def test_documents_and_tool_results_are_supplied_whole(role: str) -> None:
    found = supplied([Message(role, f"Who is {NAME}?")])
    assert (found.text, found.rest) == (f"Who is {NAME}?", ())


@pytest.mark.parametrize("role", ["assistant", "context", "whoever"])
def test_turns_of_the_assistant_supply_nothing(role: str) -> None:
    message = Message(role, f"{NAME} lives in Vellmarsh.")
    assert supplied([message]).rest == (message,)


def test_what_is_supplied_is_no_part_of_the_rest() -> None:
    found = supplied([Message("user", f"{NAME} lives in Vellmarsh. Which prizes did she win?")])
    assert [message.text for message in found.rest] == ["Which prizes did she win?"]


def test_a_sentence_does_not_end_in_an_abbreviation_or_a_number() -> None:
    assert list(sentences("Dr. Quorne paid 3.50 here. J. Quorne left! Why?")) == [
        "Dr. Quorne paid 3.50 here.",
        "J. Quorne left!",
        "Why?",
    ]


@pytest.mark.parametrize("piece", ["-", "- ", "_-", "\t", ": ", "<a>", '"a', "„a", ". ", "[A", "a 1 ", "a'"])
def test_a_line_that_repeats_itself_is_read_once(piece: str) -> None:
    """In quadratic time, this would take minutes."""
    assert supplied([Message("user", piece * 30_000)]).rest


_LINES = st.sampled_from(
    [
        "```",
        "<a>",
        "</a>",
        "> who?",
        "Context: x",
        "Question: y",
        "Translate this.",
        "Ann is in here.",
        'Say "a b".',
        "",
    ]
)


@given(st.lists(_LINES, max_size=12))
def test_nothing_is_supplied_that_the_turn_does_not_say(lines: list[str]) -> None:
    text = "\n".join(lines)
    for line in supplied([Message("user", text)]).text.splitlines():
        assert line in text


@pytest.mark.parametrize("text", [f"Who is {NAME}\\d?\nContext: abc", f"```\nWho is {NAME}\\d?"])
def test_what_escapes_decode_to_is_no_part_of_the_turn(text: str) -> None:
    assert NAME not in supplied([Message("user", f"{text}\n{text}", text)]).text
