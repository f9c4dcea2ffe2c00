"""Which parts of a conversation are supplied: what they say may be repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.supplied.rule import supplied
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
    "document with attributes": f'<document id="1">{NAME}, born when?</document>\nWhat is missing?',
    "relative clause": f"{NAME}, who lives two doors down, is ill. What should I bring?",
    "clause that begins like a wish": f"{NAME} is looking for a flat. Which district suits her?",
    "Dutch preposition in English": f"{NAME} is a friend of the family. What do I give her?",
    "own people in an order": f"Write to my colleague {NAME}, who is ill, that we miss her.",
    "order on this": f"Make this sound kinder: {NAME} was late again.",
    "question about this text": f"What is the tone of this letter?\n\nDear all,\n{NAME} has left the club",
    "facts and a German task": f"Patientin {NAME}, Husten seit vier Tagen. Bitte als Brief ausformulieren.",
    "JSON": '{"name": "' + NAME + '", "age": 61}\nWrite her a card.',
    "table": f"| guest | meal |\n|---|---|\n| {NAME} | soup |\nWho eats soup?",
    "cells": f"name,score,team\n{NAME},88,red\nWho is in the red team?",
    "chat": f"{NAME}: where are you?\nTom: at home\nWhere is Tom?",
    "mail": f"From: {NAME}\nTo: Tom\nSubject: Monday\n\nWhat does she want?",
    "log": f"06:58 door 4 {NAME} refused\n07:03 door 4 opened\nWhat happened?",
    "code": f"names = ['{NAME}', 'Tom']\nWhy does that fail?",
    "list of facts": f"- {NAME}, plumber\n- open on Sundays\nWrite a leaflet.",
    "lines and a request": f"Receipt 12\n{NAME}\none barrow 64\ntwo gloves 9\nWrite a thank-you line.",
    "Spanish clause that begins like a verb": f"Es mi vecina {NAME} la que riega las plantas. ¿Qué le regalo?",
    "French elision": f"L'amie de mon frère, {NAME}, vient d'arriver. Que lui offrir ?",
    "statement around a quotation": f'Ann Lee said "eight words that nobody ever said before us" to {NAME} today.',
    "statement with a verb that also orders": f"I work for {NAME}. How do I ask for a rise?",
    "name that ends like a verb": f"Jérôme travaille avec {NAME} depuis longtemps. Que lui offrir ?",
    "task after an opener": f"In one sentence, summarise: {NAME} came late",
    "French polite task": f"S'il te plaît, traduis ce texte en anglais.\n{NAME} est arrivée tard",
    "answer to this e-mail": f"Draft a reply to this e-mail:\n\nHi Tom,\n{NAME} came late\nAnna",
    "Spanish answer to a message": f"Responde a este mensaje:\n\nHola, soy {NAME}, ¿vienes?",
    "French statement of us": f"Nous parlons avec {NAME} tous les jours. Que lui offrir ?",
    "text handed over": f"Voici mon texte :\n{NAME} est là\nsouvent\nPeux-tu le raccourcir ?",
    "here is a text": f"Here is my text:\n{NAME} was late\nCan you shorten it?",
    "list from a text": f"List all names in this text: {NAME} came late",
    "question on the context": f"Answer the question from this context:\n{NAME} came late\nQuestion: When?",
    "headings": f"## Context\n{NAME} came late\n\n## Question\nWho came late?",
    "search results": f"Search results:\n{NAME} came late\n\nQuestion: Who came late?",
    "rules of hyphens": f"Context is below.\n{'-' * 20}\n{NAME} came late\n{'-' * 20}\nQuery: Who came?",
    "question in a text with a task": f"Translate the text to German.\nText: Does {NAME} live here?",
    "contract with clauses": f"WHEREAS {NAME} lets a flat;\nthe parties agree as follows:\na clause\nWhat is let?",
    "clauses with letters": f"The parties agree:\n(a) {NAME} pays the rent on the first.\n(b) The owner heats it.",
    "question above a task on this": f"Who is {NAME}?\n\nTranslate this into Italian.",
    "mail above a task": f"Hi Tom,\ncould you call {NAME} back?\nBest, Ann\n\nRewrite in a friendlier tone.",
    "provided context": f"Answer from the provided context.\n{NAME} came late yesterday\nWho came late?",
    "prompt of an operator": f"You are the assistant of Acme.\nOur director is {NAME}.\nAnswer politely.",
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
    "polite order": f"Please tell me about {NAME}.",
    "order after an opener": f"In two sentences, describe {NAME}.",
    "order after a word": f"OK, now list the novels of {NAME}.",
    "order to somebody": f"Oracle, tell the story of {NAME}.",
    "let us": f"Let us talk about {NAME}.",
    "question behind a preposition": f"In which year was {NAME} born.",
    "question behind a preposition and a colon": f"Of whom is it said: {NAME} was here.",
    "indirect question": f"I have been wondering: in which year was {NAME} born.",
    "known indirect question": f"I never found out where {NAME} was born.",
    "what is known of it": f"{NAME} was born in Vellmarsh. Do you know?",
    "wish": f"I would love a biography of {NAME}.",
    "wish without I": f"Looking for the novels of {NAME}.",
    "Spanish wish": f"Quisiera el lugar de nacimiento de {NAME}.",
    "French order to me": f"Parle-moi de la vie de {NAME}.",
    "Italian order": f"Adesso descrivimi la vita di {NAME}.",
    "German formal order": f"Nennen Sie bitte den Geburtsort von {NAME}.",
    "piece of writing": f"A short biography of {NAME}, three lines at most.",
    "topic": f"Topic: the early life of {NAME}.",
    "exclamation": f"It was {NAME}!",
    "order to confirm": f"Confirm it for me. {NAME} was born in Vellmarsh.",
    "yes or no": f"Yes or no. {NAME} was born in Vellmarsh.",
    "options with letters": f"Where was it?\nA. {NAME} was born in Vellmarsh.\nB. {NAME} was born in Bremen.",
    "options with numbers": f"Which is right?\n1. {NAME} was born here.\n2. {NAME} was born there.",
    "options in a line": f"{NAME} was born in: A) Vellmarsh B) Bremen C) Norrow.",
    "short options": f"Who wrote it?\n- Tom Ash\n- {NAME}",
    "correct answer": f"What is the correct answer?\nIt was {NAME} who wrote it.",
    "form to fill": f"Name: {NAME}\nBorn: ?\nTown: ?",
    "table to fill": f"Fill the table\n| {NAME} | ? |\n| Tom | ? |",
    "quotation to complete": f'Complete the sentence: "{NAME} was born in the small town of"',
    "quotation to confirm": f'Is that true: "{NAME} was born in the small town of Vellmarsh"?',
    "list that is asked for": f"Tell me these:\n- the birthplace of {NAME}\n- her first novel",
    "language without words": f"Moja koleżanka {NAME} mieszka w Krakowie od dawna.",
    "fence that stays open": f"```\nWho is {NAME}?",
    "question between tags": f"<user_query>\nwhere was {NAME} born\n</user_query>",
    "order between tags": f"<task>Write a biography of {NAME}</task>",
    "name in bold": f"Where was <b>{NAME}</b> born?",
    "question in a fence alone": f"```\nWhere was {NAME} born?\n```",
    "question below a label": f"Context: I am writing a paper.\nWhere was {NAME} born?",
    "order below a label": f"Background: I am new here.\n\nNow tell me where {NAME} was born.",
    "question in JSON": f'{{"text": "Where was {NAME} born?"}}',
    "chat request in JSON": f'{{"role": "user",\n"content": "the birthplace of {NAME}"}}',
    "chat template": f"<|im_start|>user\nWhere was {NAME} born?<|im_end|>\n<|im_start|>assistant",
    "format of the answer": f"Where was {NAME} born?\nFormat: one word",
    "heading that names the format": f"# Task\nWrite a biography of {NAME}.\n# Format\n- short",
    "prompt with tools": f"Use the following format:\n\nThought: what to do\nAction: search\nWho is {NAME}?",
    "steps": f"Follow these steps:\n1. Think about {NAME}.\n2. Say where she was born.",
    "rules in a list": f"You are helpful.\n- Always give dates.\n- Always give the birthplace of {NAME}.",
    "numbered questions": f"1. Where was {NAME} born\n2. When was she born",
    "prompt in lines": f"You write lives\nof {NAME} and others\nin three lines\nWrite one.",
    "examples and one to complete": f"Input: Hamlet\nOutput: Ash\n\nInput: novels of {NAME}\nOutput:",
    "blank in brackets": f"{NAME} was born in [place] in {{year}}.",
    "blank in angle brackets": f"{NAME} was born in <place> on <date>.",
    "form with brackets": f"Name: {NAME}\nBorn: [DATE]\nTown: < >",
    "row with a name alone": f"| name | town |\n|---|---|\n| {NAME} | |",
    "cells with a name alone": f"name,town,year\n{NAME},,",
    "options below the beginning of a sentence": f"The novel was written by\n1. Tom Ash\n2. {NAME}",
    "options without marks": f"Who wrote it?\nTom Ash\n{NAME}\nAnn Lee",
    "mere name that a question points to": f"Where was the following person born?\n\n{NAME}",
    "own work": f"Write my essay about {NAME}.",
    "own class": f"Write a biography of {NAME} for my class.",
    "guess with a word that doubts": f"It seems that {NAME} was born in Vellmarsh.",
    "guess of two words": f"I am pretty sure that {NAME} was born in Vellmarsh.",
    "German guess of three words": f"Soweit ich weiß, wurde {NAME} in Vellmarsh geboren.",
    "Spanish guess": f"Tal vez {NAME} nació en Vellmarsh.",
    "Dutch hearsay": f"Men zegt dat {NAME} in Vellmarsh geboren is.",
    "Italian need": f"Ho bisogno di informazioni su {NAME}.",
    "French elided need": f"J'ai besoin d'informations sur {NAME}.",
    "Dutch order": f"Vat het leven van {NAME} samen.",
    "guess and one word": f"{NAME} was born in Vellmarsh. Plausible?",
    "question and a task for the answer": f"Where was {NAME} born?\nFormat the answer as JSON.",
    "order and a task for the answer": f"Tell me about {NAME}.\nSummarise in three points.",
    "claims to sort": f"Classify as true or false:\n- {NAME} was born in Vellmarsh\n- she was born in Bremen",
    "claims to rank": f"Rank these by likelihood:\n1. {NAME} was born in Vellmarsh.\n2. She was born in Bremen.",
    "claims to choose from": f"{NAME} was born in Vellmarsh.\n{NAME} was born in Bremen.\nWhich one?",
    "headings underlined": f"Role\n========\nYou write lives of {NAME}.\n\nTask\n========\nBegin.",
    "one claim of several": f"{NAME} was born in Vellmarsh. She was born in Bremen. Only one of these is true.",
    "guess and a doubting word": f"{NAME} was born in Vellmarsh. Really?",
    "options with labels": f"Option 1: {NAME}\nOption 2: Tom Ash\nWho wrote it?",
    "options behind a label": f"Who wrote it? Options: {NAME}, Tom Ash, Ann Lee.",
    "table of questions": f"| question | a | b |\n|---|---|---|\n| Who wrote it | {NAME} | Tom |",
    "list to fill": f"- Name: {NAME}\n- Town:",
    "JSON with a placeholder": f'Return {{"name": "{NAME}", "town": "<string>"}}',
    "essay of some length": f"A 500-word essay on {NAME} with dates.",
    "records to confirm": f"Name: {NAME}\nTown: Vellmarsh\nIs that right?",
    "list to confirm": f"- {NAME} is from Vellmarsh\n- born in 1961\nAm I right?",
    "label of what is needed": f"Information needed: the birthplace of {NAME}",
    "heading after a text": f"# Context\nA quiz in class.\n# Role\nExpert on {NAME}",
    "claim to check": f"Fact-check this: {NAME} was born in Vellmarsh.",
    "Italian system": f"Sistema: rispondi in italiano.\nDove è nata {NAME}?",
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


@pytest.mark.parametrize(
    "piece",
    [
        *("-", "- ", "_-", "\t", ": ", "<a>", '"a', "„a", ". ", "[A", "a 1 ", "a'", ", ", "; a, ", "A) ", "| "),
        *("a: b\n", "- a\n", "x = [\n", "a\n", "a,,\n", "<a", "{", "[a", "# a\n", "a ", "a:\n", "**"),
        *("a: b\nb: c\n\n", "SELECT ", "a(", "a: ??a\n", "x, a\n", "áb"),
    ],
)
def test_a_line_that_repeats_itself_is_read_once(piece: str) -> None:
    """In quadratic time, this would take minutes."""
    assert supplied([Message("user", piece * 30_000)]).rest


_LINES = st.sampled_from(
    [
        *("```", "-" * 16, "<a>", "</a>", "<b>x</b>", "> who?", "Context: x", "# Context", "Question: y", ""),
        *("Translate this.", "Ann is in here.", 'Say "a b c d e f g h" to Ann.', "Is that right?", "Format: a"),
        *("a|b|c", "a,,", "1. a", "- b", "name: x", "born:", '{"a": "b?"}', "x = [1", "06:58 x", "From: a", "?"),
    ]
)


@given(st.lists(_LINES | st.text(max_size=8), max_size=12))
def test_nothing_is_supplied_that_the_turn_does_not_say(lines: list[str]) -> None:
    text = "\n".join(lines)
    for line in supplied([Message("user", text)]).text.splitlines():
        assert line in text


@pytest.mark.parametrize("text", [f"Who is {NAME}\\d?\nContext: abc", f"```\nWho is {NAME}\\d?"])
def test_what_escapes_decode_to_is_no_part_of_the_turn(text: str) -> None:
    assert NAME not in supplied([Message("user", f"{text}\n{text}", text)]).text
