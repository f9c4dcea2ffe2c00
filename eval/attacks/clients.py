"""Clients of an attack that read top tokens or a stream, and the methods in front of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from agents.audit import sentences
from eval.attacks.extraction import TOP_TOKENS
from eval.core.prompt import Prompt
from eval.core.runner import Generation, Runner, ScoredAnswer, TopTokens
from eval.methods.method import Keyword, Method, PreparedPrompt
from guard.detection.embedder import Embedder


class TopTokensRunner(Protocol):
    """A runner that can list alternatives."""

    def generate_top_tokens(self, prompts: Sequence[Prompt], max_tokens: int, top: int) -> list[TopTokens]: ...


class _GenerateOnly:
    """A runner that generates and cannot score."""

    no_likelihood = "not scored: an attack reads what it is told"

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Raise NotImplementedError: an attack scores nothing."""
        raise NotImplementedError(self.no_likelihood)


class TopTokensClient(_GenerateOnly):
    """A client that reads the top tokens of an answer; its answers are written by `dump_top_tokens`."""

    def __init__(self, runner: TopTokensRunner) -> None:
        self._runner = runner

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the greedy answers with their alternatives."""
        return [
            Generation(dump_top_tokens(top_tokens), ())
            for top_tokens in self._runner.generate_top_tokens(prompts, max_tokens, TOP_TOKENS)
        ]


class StreamClient(_GenerateOnly):
    """A client that reads its answers from `stream`."""

    def __init__(self, stream: Callable[[Sequence[Prompt], int], list[Generation]]) -> None:
        self._stream = stream

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return what was received of each answer."""
        return self._stream(prompts, max_tokens)


class PreEmbeddingRunner(_GenerateOnly):
    """A runner that embeds the sentences of all answers together; the audit would embed them one by one."""

    def __init__(self, runner: Runner, embedder: Embedder) -> None:
        self._runner = runner
        self._embedder = embedder

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the runner's answers, without log-probabilities; the embedder then has their sentences cached."""
        answers = self._runner.generate(prompts, max_tokens)
        texts = ("".join(load_top_tokens(answer.text).tokens) for answer in answers)
        self._embedder.embed([sentence for text in texts for sentence in sentences(text)])
        return [Generation(answer.text, ()) for answer in answers]


def dump_top_tokens(top_tokens: TopTokens) -> str:
    """Return an answer and its alternatives as one line of JSON."""
    return json.dumps(top_tokens._asdict(), ensure_ascii=False)


def load_top_tokens(text: str) -> TopTokens:
    """Return the answer in such a line. Any other text is an answer without alternatives."""
    try:
        value = json.loads(text)
        return TopTokens(list(value["tokens"]), [list(position) for position in value["listed"]])
    except (ValueError, TypeError, KeyError):
        return TopTokens([text], [[]])


class TopTokensMethod:
    """A method in front of a client that reads top tokens: replacing an answer also replaces its top tokens."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self.no_likelihood = method.no_likelihood

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        return self._method.prepare(prompt, detector_text)

    def finish(self, text: str) -> str:
        answer = "".join(load_top_tokens(text).tokens)
        finished = self._method.finish(answer)
        return text if finished == answer else finished


class StreamMethod(TopTokensMethod):
    """A method in front of a client that reads a stream: a text filter stops it where a match completes."""

    def finish(self, text: str) -> str:
        return (
            self._method.prefix_before_match(text)
            if isinstance(self._method, Keyword)
            else self._method.finish(text)
        )
