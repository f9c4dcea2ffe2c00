"""What answers a prompt: the protocol of runners, and what they return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from eval.core.prompt import Decoding, Prompt

Dtype = Literal["float32", "bfloat16"]
Device = Literal["cpu", "cuda"]

ENGINE_UNSCORED: Final = "not scored: the engine runner measures text"
"""Why the engine has no likelihood: vLLM's log-probabilities of given tokens are those before any processor."""
ENDPOINT_UNSCORED: Final = "not scored: an endpoint does not score given answers (--score-url)"
"""Why an endpoint without a scoring plane has no likelihood."""


class Generation(NamedTuple):
    """An answer: its text without special tokens, and log p of each token, end of sequence included.

    `log_probs` is empty where the runner has none.
    """

    text: str
    log_probs: tuple[float, ...]


class TopTokens(NamedTuple):
    """The tokens of a greedy answer as text, and the most likely tokens listed at the position of each."""

    tokens: list[str]
    listed: list[list[str]]


class ScoredAnswer(NamedTuple):
    """A given answer under teacher forcing, scored by the distribution that is served.

    labels      its token ids, the end-of-sequence id last where one is appended
    log_probs   float64 [n], log p of each; -inf where the token is forbidden
    predicted   the most likely token at each position
    vocabulary  float32 [n, width], log p of every token; None where not requested or not available
    """

    labels: tuple[int, ...]
    log_probs: NDArray[np.float64]
    predicted: tuple[int, ...]
    vocabulary: NDArray[np.float32] | None


class Runner(Protocol):
    """A way to run a model.

    `no_likelihood` is the reason why given answers cannot be scored; "" when they can.
    """

    @property
    def no_likelihood(self) -> str: ...

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the answer to each prompt, of at most `max_tokens` tokens."""
        ...

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Yield the scores of the answers given to each prompt.

        `end` appends the end of sequence, which counts as a token; `vocabulary` requests the whole distribution
        along the first answer.
        """
        ...


def generate_by_decoding(
    prompts: Sequence[Prompt], generators: Mapping[Decoding, Callable[[list[Prompt]], list[Generation]]]
) -> list[Generation]:
    """Return the answer to each prompt, in order; the generator of each decoding is called once."""
    rest = {
        decoding: iter(generate([prompt for prompt in prompts if prompt.decoding is decoding]))
        for decoding, generate in generators.items()
    }
    return [next(rest[prompt.decoding]) for prompt in prompts]
