"""Rewinding on the real engine: the answers of the reference, streamed and whole, with nothing forbidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from eval.core.prompt import Prompt
from eval.core.sample import Key
from eval.experiments.avoidance import AvoidanceStrategy, AvoidingDecoder
from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from tests.e2e.replay import ROWS, Samples
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
MOST = 100
OTHER = "What is the capital of France?"


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(exact: Server, author: Author) -> Iterator[list[str]]:
    target = exact.forget(author.target())
    yield target["forbidden"]
    exact.remember(target["id"])


def expected(model: Path, automaton: Automaton, questions: list[str], strategy: AvoidanceStrategy) -> list[str]:
    """The answers of the reference."""
    from transformers import AutoModelForCausalLM

    encoder = PromptEncoder(load_tokenizer(str(model)))
    vocabulary = Vocabulary.from_tokenizer(encoder.tokenizer)
    loaded = AutoModelForCausalLM.from_pretrained(model).float().eval()
    decoder = AvoidingDecoder(loaded, encoder.decode, Restriction(automaton, vocabulary), strategy)
    ends = frozenset(vocabulary.eos)
    return [encoder.decode(decoder.answer(encoder.encode(Prompt(question)), ends, MOST)) for question in questions]


def chat(server: Server, question: str, **members: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return server.openai.chat.completions.create(
        model=server.model, messages=messages, temperature=0.0, max_tokens=MOST, **members
    )


def test_answers_are_those_of_the_reference_streamed_and_whole(
    exact: Server, tofu_full: Path, author: Author, phrases: list[str]
) -> None:
    automaton = author.automaton()
    masked = expected(tofu_full, automaton, author.questions, AvoidanceStrategy.MASK)
    rewound = expected(tofu_full, automaton, author.questions, AvoidanceStrategy.REWIND)
    assert sum(a != b for a, b in zip(masked, rewound, strict=True)) >= 3
    for question, said, other in zip(author.questions, rewound, masked, strict=True):
        whole = chat(exact, question)
        said = author.released(said)
        assert whole.choices[0].message.content == said
        assert [phrase for phrase in phrases if fold(phrase) in fold(said)] == []
        chunks = list(chat(exact, question, stream=True, stream_options={"include_usage": True}))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == said
        assert chunks[-1].usage == whole.usage
        assert len({chunk.id for chunk in chunks}) == 1
        # Whoever asks for log-probabilities is answered under the mask alone.
        described = chat(exact, question, logprobs=True).choices[0].message.content
        # Cut before a token, which begins with the blank.
        assert described.rstrip() == author.released(other).rstrip()


def members(value: Any) -> Any:
    """The names of a JSON value's members, in order and in depth."""
    if isinstance(value, dict):
        return tuple((name, members(inner)) for name, inner in value.items())
    return members(value[0]) if isinstance(value, list) and value else type(value).__name__


def shapes(server: Server, route: str, question: str, **body: Any) -> set[Any]:
    said: dict[str, Any] = {
        "prompt": f"<|bos|><|user|>{question}<|end|><|assistant|>",
        "add_special_tokens": False,
    }
    if "chat" in route:
        said = {"messages": [{"role": "user", "content": question}]}
    text = server.http.post(
        route, json={"model": server.model, "temperature": 0, "max_tokens": MOST, **said, **body}
    ).text
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line] if body.get("stream") else [text]
    return {members(orjson.loads(event)) for event in events if event != "[DONE]"}


@pytest.fixture(scope="module")
def begun_anew(exact: Server, author: Author, phrases: list[str]) -> str:
    """A question whose answer was begun anew, and ended by itself: the last chunk of others holds a token."""
    for question in author.questions:
        answer, masked = chat(exact, question).choices[0], chat(exact, question, logprobs=True).choices[0]
        if answer.finish_reason == "stop" and answer.message.content != masked.message.content:
            return question
    raise AssertionError("no answer was begun anew")


@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/completions"])
@pytest.mark.parametrize(
    "body",
    [{}, {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}],
    ids=["whole", "stream", "usage"],
)
def test_no_member_tells_an_answer_that_was_begun_anew_from_any_other(
    exact: Server, begun_anew: str, route: str, body: dict[str, Any]
) -> None:
    assert shapes(exact, route, begun_anew, **body) == shapes(exact, route, OTHER, **body)


def test_a_whole_answer_nobody_waits_for_and_many_at_once_leave_the_engine_answering(
    exact: Server, author: Author, phrases: list[str]
) -> None:
    alone = [chat(exact, question).choices[0].message.content for question in author.questions[:8]]
    streams = [chat(exact, question, stream=True) for question in author.questions[:8]]
    for stream in streams[:4]:
        next(iter(stream))
        stream.close()
    rest = ["".join(c.choices[0].delta.content or "" for c in stream if c.choices) for stream in streams[4:]]
    assert rest == alone[4:]
    assert chat(exact, author.questions[0]).choices[0].message.content == alone[0]


def test_reference_and_engine_rewind_alike(by_reference: Samples, by_engine: Samples) -> None:
    keys = [Key("guard-rewind", "forget", index) for index in range(ROWS)]
    assert [by_reference[key].plan for key in keys] == ["restrict"] * ROWS
    assert [by_engine[key].text for key in keys] == [by_reference[key].text for key in keys]
    assert [by_reference[key].text for key in keys] != [
        by_reference[replace(key, run="guard")].text for key in keys
    ]
