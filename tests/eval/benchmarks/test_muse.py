from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.files import Question
from eval.benchmarks.muse import cut_answer, knowledge_prompt, load
from eval.core.errors import BadBenchmark


def test_the_prompt_of_a_question_ends_with_a_space() -> None:
    shots = [Question("Who sails the Tern?", "Ida Falk"), Question("Where to?", "Varnes")]
    assert knowledge_prompt(shots, "Since when?") == (
        "Question: Who sails the Tern?\nAnswer: Ida Falk\n\n"
        "Question: Where to?\nAnswer: Varnes\n\n"
        "Question: Since when?\nAnswer: "
    )


@pytest.mark.parametrize(
    ("generated", "kept"),
    [
        (" Varnes\n\nQuestion: Who?", " Varnes"),
        ("Varnes\nQuestion: Who?\n\nmore", "Varnes"),
        ("Varnes Question: Who?", "Varnes "),
        ("Varnes\nin spring", "Varnes\nin spring"),
        ("Question: Who?", ""),
    ],
)
def test_an_answer_is_cut_at_the_first_end_and_not_stripped(generated: str, kept: str) -> None:
    assert cut_answer(generated) == kept


def test_a_folder_with_some_parts_leaves_the_others_empty(tmp_path: Path) -> None:
    (tmp_path / "knowmem").mkdir()
    (tmp_path / "knowmem" / "retain_qa.json").write_text(json.dumps([{"question": "Q", "answer": "A"}]))
    muse = load(tmp_path)
    assert muse.retain == (Question("Q", "A"),)
    assert muse.forget == ()
    assert muse.passages == ()
    assert muse.member_texts == ()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no knowmem, verbmem or privleak"):
        load(tmp_path)


def test_a_bad_text_is_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "privleak").mkdir()
    (tmp_path / "privleak" / "forget.json").write_text('["a text",\n 7]')
    with pytest.raises(BadBenchmark, match=r"forget.json:2: a string was expected"):
        load(tmp_path)


def test_the_published_files(shared: Path) -> None:
    news, books = load(shared / "data" / "muse" / "news"), load(shared / "data" / "muse" / "books")
    for muse in (news, books):
        assert [len(part) for part in (muse.forget, muse.retain)] == [100, 100]
        assert [len(part) for part in (muse.forget_shots, muse.retain_shots)] == [10, 10]
    assert [len(part) for part in (news.passages, news.member_texts, news.holdout_texts)] == [100, 100, 100]
    assert books.passages == ()
