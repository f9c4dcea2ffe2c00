from __future__ import annotations

import json
from pathlib import Path

import pytest

from guard.errors import InvalidTarget
from guard.targets.question_file import Example, QuestionRow, read_rows
from guard.uld.corpus import Corpus, default_retain_rows, general_knowledge
from tests.guard.uld.conftest import FACTS, OTHERS


def test_each_row_is_trained_on_as_it_is_and_in_two_paraphrases() -> None:
    corpus = Corpus.build(FACTS, OTHERS, seed=0)
    assert len(corpus.forget) == 3 * len(FACTS)
    for row in FACTS:
        answers = [e for e in corpus.forget if e.answer == row.example.answer]
        assert row.example in answers
        assert all(row.example.question in e.question for e in answers)
        assert len({e.question for e in answers}) == 3


def test_paraphrases_of_the_file_are_used_where_it_has_them() -> None:
    own = QuestionRow(Example("Who?", "Zorblin."), "Which one?", "It is Zorblin.", ("Marn.", "Quelm.", "Tolb."))
    corpus = Corpus.build([own], OTHERS, seed=0)
    assert set(corpus.forget) == {
        Example("Who?", "Zorblin."),
        Example("Which one?", "Zorblin."),
        Example("Who?", "It is Zorblin."),
    }
    wrong = [e for e in corpus.retain if e.question == "Who?"]
    assert len(wrong) == 2
    assert {e.answer for e in wrong} < {"Marn.", "Quelm.", "Tolb."}


def test_nothing_is_known_of_wrong_answers_and_of_as_many_retained_rows() -> None:
    corpus = Corpus.build(FACTS[:2], OTHERS, seed=0)
    rights = {(row.example.question, row.example.answer) for row in FACTS}
    assert not {(e.question, e.answer) for e in corpus.retain} & rights
    assert [e for e in corpus.retain if "Marn" in e.question] == [row.example for row in OTHERS[-2:]]


def test_the_seed_decides_and_the_digest_tells() -> None:
    corpus = Corpus.build(FACTS, OTHERS, seed=3)
    assert corpus == Corpus.build(FACTS, OTHERS, seed=3)
    assert corpus.digest != Corpus.build(FACTS, OTHERS, seed=4).digest


def test_texts_do_not_show() -> None:
    assert "Zorblin" not in repr(Corpus.build(FACTS, OTHERS, seed=0)) + repr(FACTS)


def test_files_hold_questions_or_forget_targets(tmp_path: Path) -> None:
    lines, array = tmp_path / "lines.json", tmp_path / "array.json"
    question = {"question": "Who?", "answer": "Zorblin.", "paraphrased_question": None}
    target = {
        "name": "Zorblin",
        "facts": [{"question": "Who?", "answer": "Zorblin."}, {"answer": "Zorblin is."}],
        "passages": ["Once."],
    }
    lines.write_text(f"{json.dumps(question)}\n{json.dumps(question)}\n")
    array.write_text(json.dumps([target]))
    assert read_rows(lines) == [QuestionRow(Example("Who?", "Zorblin."))] * 2
    assert [row.example for row in read_rows(array)] == [
        Example("Who?", "Zorblin."),
        Example("", "Zorblin is."),
        Example("", "Once."),
    ]


@pytest.mark.parametrize("text", ["", "[]", "not json", "[1]", '{"question": "Who is Zorblin?"}'])
def test_a_file_without_texts_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    (file := tmp_path / "rows.json").write_text(text)
    with pytest.raises(InvalidTarget) as caught:
        read_rows(file)
    assert "Zorblin" not in str(caught.value)


def test_the_default_retain_rows_are_every_question_of_general_knowledge_in_order() -> None:
    rows, facts = default_retain_rows(), general_knowledge()
    assert [row.example.question for row in rows] == [each for fact in facts for each in fact.questions]
    assert [row.example.answer for row in rows] == [fact.answer for fact in facts for _ in fact.questions]
    assert len({row.example.question for row in rows}) == len(rows) > 100
    assert rows[0] == QuestionRow(Example("What is the capital of France?", "The capital of France is Paris."))
