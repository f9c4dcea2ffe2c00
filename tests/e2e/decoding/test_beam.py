"""Beam search on the real engine: the answers of the reference, nothing forbidden in them, and whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.core.sample import Key
from guard.text.normalise import fold
from tests.e2e.replay import ROWS, Samples
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
MAX_TOKENS = 60


def test_reference_and_engine_find_the_same_answers(by_reference: Samples, by_engine: Samples) -> None:
    keys = [Key("guard-beam", "forget", index) for index in range(ROWS)]
    assert [by_reference[key].plan for key in keys] == ["restrict"] * ROWS
    assert [by_engine[key].text for key in keys] == [by_reference[key].text for key in keys]


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(exact: Server, author: Author) -> Iterator[list[str]]:
    target = exact.forget(author.target() | {"decoder": "beam"})
    yield target["forbidden"]
    exact.remember(target["id"])


def test_a_searched_answer_holds_nothing_forbidden_and_comes_whole(
    exact: Server, author: Author, phrases: list[str]
) -> None:
    for question in author.questions[:4]:
        arguments = {"model": exact.model, "messages": [{"role": "user", "content": question}]}
        whole = exact.openai.chat.completions.create(**arguments, max_tokens=MAX_TOKENS)
        said = whole.choices[0].message.content
        assert said
        assert [phrase for phrase in phrases if fold(phrase) in fold(said)] == []
        assert whole.usage is not None
        assert 0 < whole.usage.completion_tokens <= MAX_TOKENS
        chunks = list(
            exact.openai.chat.completions.create(
                **arguments, max_tokens=MAX_TOKENS, stream=True, stream_options={"include_usage": True}
            )
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == said
        assert chunks[-1].usage == whole.usage


def test_what_a_search_costs_is_printed(exact: Server, author: Author, phrases: list[str]) -> None:
    spent = {}
    # A request for a least number of tokens is sampled, under the same restriction.
    for name, members in {"sampled": {"min_tokens": 1}, "searched": {}}.items():
        tokens, started = 0, time.perf_counter()
        for question in author.questions[:6]:
            answer = exact.openai.chat.completions.create(
                model=exact.model,
                messages=[{"role": "user", "content": question}],
                temperature=0.0,
                max_tokens=MAX_TOKENS,
                extra_body=members,
            )
            assert answer.usage is not None
            tokens += answer.usage.completion_tokens
        spent[name] = 1000 * (time.perf_counter() - started) / tokens
        print(f"{name}: {spent[name]:.1f} ms for each of {tokens} tokens")
    print(f"a searched token costs {spent['searched'] / spent['sampled']:.1f} sampled ones")


def test_a_completion_is_searched_for_as_a_chat_is(exact: Server, author: Author, phrases: list[str]) -> None:
    question = author.questions[1]
    chat = exact.openai.chat.completions.create(
        model=exact.model, messages=[{"role": "user", "content": question}], max_tokens=MAX_TOKENS, n=2
    )
    completion = exact.openai.completions.create(
        model=exact.model,
        prompt=f"<|bos|><|user|>{question}<|end|><|assistant|>",
        max_tokens=MAX_TOKENS,
        n=2,
        extra_body={"add_special_tokens": False},
    )
    said = [choice.message.content for choice in chat.choices]
    assert [choice.text for choice in completion.choices] == said
    assert len(set(said)) == 2


def test_what_the_engine_refuses_is_refused(exact: Server, author: Author, phrases: list[str]) -> None:
    messages = [{"role": "user", "content": author.questions[0]}]
    for wrong in ({"temperature": -1}, {"max_tokens": -5}, {"n": 0}):
        answer = exact.http.post("/v1/chat/completions", json={"messages": messages, **wrong})
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_other_conversations_are_answered_as_ever(exact: Server, author: Author, phrases: list[str]) -> None:
    arguments = {"model": exact.model, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    chunks = list(exact.openai.chat.completions.create(**arguments, messages=messages, stream=True))
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) > 1
