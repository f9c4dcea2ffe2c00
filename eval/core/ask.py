"""What a model is asked, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from guard.decoding.request_args import Backtracking
from guard.text.conversation import Message


class Decoding(StrEnum):
    """greedy  the likeliest token at each place (drawn, at a temperature)
    rewind  the same, begun anew where it heads into a phrase (guard.decoding.backtracking)
    beam    by beam search
    """

    GREEDY = "greedy"
    REWIND = "rewind"
    BEAM = "beam"


@dataclass(frozen=True, slots=True)
class Ask:
    """A prompt under a policy.

    text         the user's message of a chat, or the start of a text that is to go on (`chat` False)
    prefill      how the assistant's turn of a chat begins
    digests      the automata that restrict the answer
    before       the turns of a chat before the user's message
    temperature  0 for the greedy answer
    draw         which of the answers drawn at this temperature
    decoding     how the answer is found
    difference   the method of logit difference by which it is served; "" for none
    rewind       how a part of a rewound answer gives itself up, which only a runner writes
    """

    text: str = field(repr=False)
    chat: bool = True
    digests: tuple[str, ...] = ()
    prefill: str = field(default="", repr=False)
    before: tuple[Message, ...] = field(default=(), repr=False)
    temperature: float = 0.0
    draw: int = 0
    decoding: Decoding = Decoding.GREEDY
    difference: str = ""
    rewind: Backtracking | None = None


def conversation(ask: Ask, seen: str) -> tuple[Message, ...]:
    """What a detector reads of a request whose user's message is `seen`."""
    begun = (Message("assistant", ask.prefill),) if ask.prefill else ()
    return (*ask.before, Message("user", seen), *begun)


class Drawn(NamedTuple):
    """The first of `times` asks that differ in their draw alone, one after the other."""

    ask: Ask
    times: int


def drawn(asks: Sequence[Ask]) -> list[Drawn]:
    """The asks with successive draws of one question joined; asks for greedy answers stand alone."""
    joined: list[Drawn] = []
    for ask in asks:
        last = joined[-1] if joined else None
        if last and ask.temperature and ask == replace(last.ask, draw=last.ask.draw + last.times):
            joined[-1] = Drawn(last.ask, last.times + 1)
        else:
            joined.append(Drawn(ask, 1))
    return joined


class Looked(NamedTuple):
    """A greedy answer's tokens as text, and all tokens that are listed at the place of each."""

    tokens: list[str]
    listed: list[list[str]]


class Said(NamedTuple):
    """An answer: its text without special tokens, and log p of each token, end of sequence included.

    `log_probs` is empty where the way of asking has none.
    """

    text: str
    log_probs: tuple[float, ...]


class Forced(NamedTuple):
    """A given answer under teacher forcing, as the served distribution has it.

    labels      its token ids, the end-of-sequence id last where one is appended
    log_probs   float64 [n], log p of each; -inf where the token is forbidden
    predicted   the most likely token at each position
    vocabulary  float32 [n, width], all log p, where they were asked for and can be had
    """

    labels: tuple[int, ...]
    log_probs: NDArray[np.float64]
    predicted: tuple[int, ...]
    vocabulary: NDArray[np.float32] | None


def each_its_way(asks: Sequence[Ask], ways: Mapping[Decoding, Callable[[list[Ask]], list[Said]]]) -> list[Said]:
    """Return the answer to each of `asks`, in their order; each way is asked once for all of its decoding."""
    rest = {way: iter(say([ask for ask in asks if ask.decoding is way])) for way, say in ways.items()}
    return [next(rest[ask.decoding]) for ask in asks]


class Runner(Protocol):
    """A way to ask a model.

    `no_likelihood` says why given answers cannot be scored this way; "" when they can.
    """

    @property
    def no_likelihood(self) -> str: ...

    def generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        """The greedy answer to each, of at most `max_tokens` tokens."""
        ...

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Each of the answers given to each ask; `end` appends the end of sequence, which counts as a token.

        `vocabulary` asks for the whole distribution along the first answer.
        """
        ...
