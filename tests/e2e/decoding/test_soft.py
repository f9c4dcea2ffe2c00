"""Soft matching on the real engine: what a bias forbids is not said, and others are answered as ever."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from guard.soft.bias import Bias
from guard.text.normalise import fold
from guard.text.words import words_of
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
QUESTIONS = 6


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


def answers(server: Server, questions: list[str]) -> list[str]:
    said = []
    for question in questions:
        arguments = {"model": server.model, "temperature": 0.0, "max_tokens": 80}
        messages = [{"role": "user", "content": question}]
        said.append(
            server.openai.chat.completions.create(**arguments, messages=messages).choices[0].message.content
        )
    return said


def written(policy: Path) -> Path:
    """The bias in the policy folder, once the policy that names it is in force."""
    deadline = time.monotonic() + 300
    while not (found := list(policy.glob("*.bias"))) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    (path,) = found
    return path


def test_no_word_that_means_what_is_forbidden_is_said(exact: Server, author: Author, tofu_full: Path) -> None:
    questions, other = author.questions[:QUESTIONS], ["What is the capital of France?"]
    before = answers(exact, other)
    hard = exact.forget(author.target())
    plain = answers(exact, questions)
    exact.remember(hard["id"])
    target = exact.forget(author.target() | {"soft": True})
    try:
        # The words of the vocabulary are still being embedded: the target does not wait for them.
        early = answers(exact, questions[:1])
        path = written(exact.log.parent / "data" / "policy")
        soft = answers(exact, questions)
        assert answers(exact, other) == before
    finally:
        exact.remember(target["id"])
    bias = Bias.load(path.parent, path.stem)
    tokens = AutoTokenizer.from_pretrained(tofu_full).convert_ids_to_tokens(
        bias.tokens[np.isinf(bias.values)].tolist()
    )
    never = {token[1:] for token in tokens}

    def near(said: list[str]) -> int:
        # Words after a space: a token at the start of the answer, or inside a word, is another.
        return sum(word.text in never and text[word.start - 1] == " " for text in said for word in words_of(text))

    assert near(plain) > 0
    assert near(soft) < near(plain) / 4
    assert all(soft)
    assert [
        phrase for phrase in target["forbidden"] for text in [*early, *soft] if fold(phrase) in fold(text)
    ] == []
