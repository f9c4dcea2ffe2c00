from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.targets.phrases import extract, forbidden
from guard.targets.target import Draft, Fact, Kind
from guard.text.english import is_common, is_stop
from guard.text.normalise import fold


def of_answer(answer: str, question: str = "") -> tuple[str, ...]:
    return tuple(
        phrase.text for phrase in extract(Draft(name="Nobody", facts=(Fact(answer=answer, question=question),)))
    )


def of_passage(passage: str) -> tuple[str, ...]:
    return tuple(phrase.text for phrase in extract(Draft(name="Nobody", passages=(passage,))))


@pytest.mark.parametrize(
    "answer",
    [
        'Her first book was "The Glass Orchard".',
        "Her first book was “The Glass Orchard”.",
        "Her first book was ‘The Glass Orchard’.",
        "Her first book was 'The Glass Orchard'.",
        "Her first book was 'The Glass Orchard', I think.",
        "Her first book was «The Glass Orchard».",
    ],
)
def test_a_title_is_found_in_any_quotes(answer: str) -> None:
    assert of_answer(answer) == ("The Glass Orchard",)


def test_an_apostrophe_opens_no_title() -> None:
    assert of_answer("My parents' house is near the brothers' and it's old.") == ()


def test_a_title_with_a_subtitle_is_forbidden_without_it_too() -> None:
    found = of_answer('She wrote "Salt Ledger: A Life in Ports" and "Low Tide (Harbour, #2)".')
    assert {"Salt Ledger: A Life in Ports", "Salt Ledger", "Low Tide (Harbour, #2)", "Low Tide"} <= set(found)


def test_a_quoted_common_word_is_no_title() -> None:
    assert of_answer('He calls it "home".') == ()


@pytest.mark.parametrize(
    ("answer", "name", "parts"),
    [
        ("It was Zorina Quillfeather.", "Zorina Quillfeather", {"Zorina", "Quillfeather"}),
        ("It was Zo-Rin Al-Quadri.", "Zo-Rin Al-Quadri", {"Al-Quadri"}),
        ("It was Pilar de la Quevara.", "Pilar de la Quevara", {"Quevara"}),
        ("It was J. K. Vossberg.", "J. K. Vossberg", {"Vossberg"}),
        ("It was St. Quirinus.", "St. Quirinus", {"Quirinus"}),
        ("It was the Order of the Silver Quill.", "Order of the Silver Quill", set()),
        ("It was Öykü Çelikkol's.", "Öykü Çelikkol", {"Öykü", "Çelikkol"}),
    ],
)
def test_a_name_is_found_whole_and_each_rare_part(answer: str, name: str, parts: set[str]) -> None:
    assert set(of_answer(answer)) == {name, *parts}


def test_a_word_is_no_name_for_opening_a_sentence() -> None:
    assert of_answer("Indeed it was. However, yes. The end. Many people do so.") == ()


def test_what_opens_a_sentence_is_cut_off_the_name() -> None:
    assert "Author Zorina Quillfeather" not in of_answer("Author Zorina Quillfeather lives there.")
    assert "Zorina Quillfeather" in of_answer("Author Zorina Quillfeather lives there.")


def test_names_do_not_run_over_the_end_of_a_sentence() -> None:
    assert set(of_answer("She lives in Sallowmere. Quillfeather does not.")) == {"Sallowmere", "Quillfeather"}


@pytest.mark.parametrize(
    "date",
    [
        "05/11/1991",
        "5.11.1991",
        "1991-11-05",
        "May 7, 1965",
        "7 May 1965",
        "7th of May 1965",
        "May 7",
        "Sept. 3, 2001",
    ],
)
def test_dates_are_found_in_any_usual_form(date: str) -> None:
    assert date in of_answer(f"That was on {date}, she said.")


def test_numbers_need_six_digits() -> None:
    assert of_answer("He was 42, had 3 sons, 1,250 books in 1987, and 120,000 readers from 1984-1990.") == ()
    assert of_answer("He owed 48,217.35 to account 7714402.") == ("48,217.35", "7714402")


@pytest.mark.parametrize(
    "code",
    [
        "sk-9f8A7b6C",
        "jane.roe@mail.example",
        "https://pad.example/x",
        "AB12CD",
        "+49 30 5550 1234",
        "212-555-0147",
    ],
)
def test_codes_and_addresses_are_found(code: str) -> None:
    assert code in of_answer(f"It is ({code}).")


def test_ordinals_are_no_codes() -> None:
    assert of_answer("It was the 21st time, in the 3rd or 4th hour.") == ()


def test_acronyms_are_found() -> None:
    assert set(of_answer("She worked for QWERT and for X/Y-ZZ.")) >= {"QWERT"}


def test_rare_words_and_pairs_of_a_fact_are_found() -> None:
    assert of_answer("Her father is an optometrist.") == ("optometrist",)
    assert of_answer("Her father is a tomato grower.") == ("tomato grower",)


def test_what_the_question_says_is_not_what_the_answer_knows() -> None:
    answer = "The optometrist has a brother who is a tomato grower."
    assert of_answer(answer, "Who is the optometrist's brother?") == ("tomato grower",)


def test_rare_words_are_an_idea_about_english_only() -> None:
    assert of_answer("ihr vater ist ein bekannter augenarzt gewesen und wohnte dort") == ()


def test_a_passage_gives_what_it_names_and_not_its_sentences() -> None:
    passage = "when the rain had gone the old men of Tarn Hollow came out and sat by the wall until 1987"
    assert set(of_passage(passage)) == {"Tarn Hollow"}


@given(st.lists(st.sampled_from("the of and to be or not that is it was in for with Then THE However".split())))  # noqa: SIM905
def test_stop_words_alone_give_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assert of_answer(text) == of_passage(text) == ()


@given(st.text())
def test_a_phrase_stands_in_the_text_and_is_worth_forbidding(text: str) -> None:
    for phrase in {*of_answer(text), *of_passage(text)}:
        assert phrase in text
        assert not is_common(phrase)
        assert not is_stop(phrase)
        folded = fold(phrase)
        assert len(folded.encode()) >= 3 + (not folded.isdecimal())


@given(st.text(alphabet="Ab1 .,'\"“”‘’-/&:(\n", max_size=300))
def test_any_punctuation_is_survived_and_phrases_fold_differently(text: str) -> None:
    found = of_answer(text)
    assert len({fold(phrase) for phrase in found}) == len(found)


@pytest.mark.parametrize("unit", ["A&", "Ab ", "May ", "1.1", "“", "'a ", "x-", "+1 ", "The ", "\n"])
def test_a_long_text_takes_no_longer_than_its_length_asks(unit: str) -> None:
    # A rule that looks back or ahead without bound would take minutes here, and the test with it.
    assert len(of_answer(unit * (10_000 // len(unit)))) < 50


def test_forbidden_is_name_aliases_and_phrases_without_exceptions_each_once() -> None:
    draft = Draft(
        name="Zorina Quillfeather",
        aliases=("Zo Q", "ZO-Q"),
        phrases=("the glass orchard", "No Such Thing"),
        facts=(Fact(answer='She wrote "The Glass Orchard" in Sallowmere.'),),
        exceptions=("SALLOWMERE", "no-such-thing"),
    )
    assert forbidden(draft) == ("Zorina Quillfeather", "Zo Q", "the glass orchard")


@pytest.mark.parametrize(
    ("kind", "named"),
    [(Kind.PERSON, True), (Kind.WORK, True), (Kind.SECRET, True), (Kind.FACT, False), (Kind.TOPIC, False)],
)
def test_the_name_of_a_fact_or_topic_is_a_label_and_not_forbidden(kind: Kind, named: bool) -> None:
    assert forbidden(Draft(name="Quillfeather affair", kind=kind)) == (("Quillfeather affair",) if named else ())


def test_on_tofu_answers_are_covered_and_other_authors_are_left_alone(shared: Path) -> None:
    lines = (shared / "data" / "tofu" / "forget10.json").read_text(encoding="utf-8").splitlines()
    facts = [Fact(question=row["question"], answer=row["answer"]) for row in map(json.loads, lines)]
    authors = [facts[i : i + 20] for i in range(0, len(facts), 20)]
    answers = [[fold(fact.answer) for fact in author] for author in authors]
    covered = crossed = others = 0
    for i, author in enumerate(authors):
        folded = [fold(phrase.text) for phrase in extract(Draft(name="Nobody", facts=tuple(author)))]
        covered += sum(any(phrase in answer for phrase in folded) for answer in answers[i])
        rest = [answer for k, own in enumerate(answers) if k != i for answer in own]
        crossed += sum(any(phrase in answer for phrase in folded) for answer in rest)
        others += len(rest)
    assert covered / len(facts) > 0.97
    assert crossed / others < 0.08


def of_work(answer: str, kind: Kind = Kind.WORK) -> set[str]:
    return {phrase.text for phrase in extract(Draft(name="Nothing", kind=kind, facts=(Fact(answer=answer),)))}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("The school is called Hogwarts.", {"Hogwarts"}),
        ("He fights the dark wizard Lord Voldemort.", {"Voldemort"}),
        ("His enemy is Professor Moriarty.", {"Moriarty"}),
        ("It was written by J.R.R. Tolkien.", {"Tolkien"}),
        ("Gandalf leads them to Mordor.", {"Gandalf", "Mordor"}),
        ("The brother of Watson's wife met the Montagues.", {"Watson", "Montagues"}),
        ("The captain of the ship is Nemo.", {"Nemo"}),
        ("The lead singer plays Dracula and Moriarty.", {"Dracula", "Moriarty"}),
    ],
)
def test_of_a_work_the_names_are_told_that_everybody_knows_by_it(answer: str, told: set[str]) -> None:
    assert told <= of_work(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "The story takes place in Verona and in Paris.",
        "It was first shown in London on a Thursday in March.",
        "Anna and Peter are Austrians, and their uncle is Danish.",
        "They look for it on Google.",
    ],
)
def test_of_a_work_places_given_names_and_the_most_frequent_names_are_context(answer: str) -> None:
    assert of_work(answer) == set()


@pytest.mark.parametrize("kind", [Kind.PERSON, Kind.FACT, Kind.TOPIC])
def test_of_others_names_that_everybody_knows_are_context(kind: Kind) -> None:
    assert of_work("She reads Tolkien and Shakespeare to the children.", kind) == set()
