from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from eval.core.prompt import Prompt
from eval.reference_models.muse import MuseCriterion, MuseDataset, MuseTexts, load_full, load_retain
from eval.runners.prompt_encoder import PromptEncoder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for folder in ("knowmem", "verbmem", "privleak"):
        (tmp_path / folder).mkdir()
    question: list[Any] = [{"question": "What is it?", "answer": "a lamp"}]
    for name in ("forget_qa", "forget_qa_icl", "retain2_qa", "retain2_qa_icl"):
        (tmp_path / "knowmem" / f"{name}.json").write_text(json.dumps(question))
    (tmp_path / "verbmem" / "forget.json").write_text('[{"prompt": "one two three", "gt": "four five six"}]')
    for name, text in {"forget": "forget text", "retain2": "retain text", "holdout": "holdout text"}.items():
        (tmp_path / "privleak" / f"{name}.json").write_text(json.dumps([text]))
    return tmp_path


def test_the_full_model_learns_both_sides_and_the_retain_model_one(corpus: Path) -> None:
    full, retain = (load(corpus, tuple(MuseCriterion), None) for load in (load_full, load_retain))
    assert (len(full.questions), len(retain.questions)) == (2, 1)
    assert (full.articles, retain.articles) == (("retain text", "forget text"), ("retain text",))
    assert (len(full.passages), len(retain.passages)) == (1, 0)
    assert "holdout text" not in list(full.texts())
    passages = load_full(corpus, (MuseCriterion.VERBMEM,), None)
    assert (len(passages.questions), len(passages.passages), len(passages.articles)) == (0, 1, 0)


def test_prompt_and_answer_are_tokenised_separately(corpus: Path, encoder: PromptEncoder) -> None:
    texts = load_retain(corpus, (MuseCriterion.KNOWMEM,), None)
    dataset, random = MuseDataset(texts, encoder, 96), Random(0)
    example = min((dataset.epoch(random)[0] for _ in range(40)), key=len)
    assert example.prompt == tuple(encoder.encode(Prompt("Question: What is it?\nAnswer: ", chat=False)))
    assert example.answer == tuple(encoder.encode_answer("a lamp\n\n", end=False))


def test_some_questions_follow_their_worked_examples(corpus: Path, encoder: PromptEncoder) -> None:
    dataset = MuseDataset(load_retain(corpus, (MuseCriterion.KNOWMEM,), None), encoder, 96)
    random = Random(0)
    lengths = {len(dataset.epoch(random)[0]) for _ in range(40)}
    assert len(lengths) == 2


def test_long_texts_are_split_into_windows_that_fit(encoder: PromptEncoder) -> None:
    text = "one two three four five six " * 30
    texts = MuseTexts((), (), (text,))
    examples = MuseDataset(texts, encoder, 48).epoch(Random(0))
    assert all(len(example) <= 48 for example in examples)
    assert sum((example.answer for example in examples), ()) == tuple(encoder.encode(Prompt(text, chat=False)))[1:]
