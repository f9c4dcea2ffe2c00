"""Rewinding on the real engine: the answers of the reference, streamed and whole, with nothing forbidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.run.ask import Ask
from eval.run.prompt import Prompts, load_tokenizer
from eval.run.turning import Turning, Way
from guard.automaton import Automaton
from guard.normalise import fold
from guard.restriction import Restriction
from guard.vocabulary import Vocabulary
from tests.e2e.server import Server, serving
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
MOST = 100


@pytest.fixture(scope="module")
def exact(tofu_full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("rewinding")
    with serving(folder, "--model", str(tofu_full), LETHE_ENGINE_ARGS="--dtype float32") as running:
        yield running


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(exact: Server, author: Author) -> Iterator[list[str]]:
    target = exact.forget(author.target())
    yield target["forbidden"]
    exact.remember(target["id"])


def expected(model: Path, phrases: list[str], questions: list[str], way: Way) -> list[str]:
    """The answers of the reference."""
    from transformers import AutoModelForCausalLM

    prompts = Prompts(load_tokenizer(str(model)))
    vocabulary = Vocabulary.from_tokenizer(prompts.tokenizer)
    loaded = AutoModelForCausalLM.from_pretrained(model).float().eval()
    turning = Turning(loaded, prompts.text, Restriction(Automaton.compile(phrases), vocabulary), way)
    ends = frozenset(vocabulary.eos)
    return [prompts.text(turning.answer(prompts.ids(Ask(question)), ends, MOST)) for question in questions]


def chat(server: Server, question: str, **members: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return server.openai.chat.completions.create(
        model=server.model, messages=messages, temperature=0.0, max_tokens=MOST, **members
    )


def test_answers_are_those_of_the_reference_streamed_and_whole(
    exact: Server, tofu_full: Path, author: Author, phrases: list[str]
) -> None:
    masked = expected(tofu_full, phrases, author.questions, Way.MASK)
    rewound = expected(tofu_full, phrases, author.questions, Way.REWIND)
    assert sum(a != b for a, b in zip(masked, rewound, strict=True)) >= 4
    for question, said, other in zip(author.questions, rewound, masked, strict=True):
        whole = chat(exact, question)
        assert whole.choices[0].message.content == said
        assert [phrase for phrase in phrases if fold(phrase) in fold(said)] == []
        chunks = list(chat(exact, question, stream=True, stream_options={"include_usage": True}))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == said
        assert chunks[-1].usage == whole.usage
        assert len({chunk.id for chunk in chunks}) == 1
        # Whoever asks for log-probabilities is answered under the mask alone.
        assert chat(exact, question, logprobs=True).choices[0].message.content == other
