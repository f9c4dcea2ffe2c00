"""Ways to turn a model away from a forbidden phrase, as an experiment on the reference: how well each reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eval.core.ask import Ask
from eval.runners.backtracking import Part, rewound
from guard.decoding.beam import run, search
from guard.decoding.beam_huggingface import ModelScorer, Served, restricted
from guard.decoding.masking import heads
from guard.decoding.restriction import Cursor, Restriction
from guard.matching.automaton import Automaton

STRENGTH = 5.0
"""Nats that a token loses which completes a phrase; one that is half way loses half."""


# No vocabulary has it.
_GIVEN_UP = -1


class Way(StrEnum):
    """mask        the completing token is forbidden, wherever the model stands then
    look-ahead  and a token loses the more, the farther it goes into a phrase
    rewind      and where the mask takes most of the mass, the word in which the phrase began is begun anew
    beam        and the answer is found by beam search
    """

    MASK = "mask"
    LOOK_AHEAD = "look-ahead"
    REWIND = "rewind"
    BEAM = "beam"


def remaining(automaton: Automaton) -> NDArray[np.int64]:
    """Return for each state the bytes that are missing to the nearest end of a phrase, int64 [states]."""
    missing = np.where(automaton.accepting, 0, np.iinfo(np.int32).max).astype(np.int64)
    for state in np.argsort(-automaton.depth.astype(np.int64), kind="stable"):
        following = automaton.table[state]
        children = following[automaton.depth[following] == automaton.depth[state] + 1]
        if len(children):
            missing[state] = min(missing[state], 1 + missing[children].min())
    return missing


def advanced(restriction: Restriction, cursor: Cursor, missing: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far each token leads into a phrase from the cursor: 0 not at all, 1 to its end; [vocabulary]."""
    automaton, block = restriction.automaton, restriction.vocabulary.whole
    symbols = np.frombuffer(automaton.symbols, np.uint8)[block.trie.byte]
    states = np.full(len(block.trie.parent), cursor.state, np.intp)
    for first, last in block.trie.levels[1:]:
        states[first:last] = automaton.table[states[block.trie.parent[first:last]], symbols[first:last]]
    ends = states[block.ends]
    depth = automaton.depth[ends].astype(np.float64)
    share = np.zeros(len(restriction.vocabulary))
    share[block.tokens] = depth / np.maximum(depth + missing[ends], 1)
    return share


class Turning:
    """Decodes greedily, one answer at a time, under one restriction and one way; `text` reads ids as text.

    `decoded` counts how often the model was asked for a next token, of all beams and of what was given up.
    """

    def __init__(
        self, model: Any, text: Callable[[list[int]], str], restriction: Restriction | None, way: Way = Way.MASK
    ) -> None:
        self._model = model
        self._text = text
        self._restriction = restriction
        self._way = way
        self.decoded = 0
        self._missing = remaining(restriction.automaton) if restriction and way is Way.LOOK_AHEAD else None

    def answer(self, prompt: Sequence[int], ends: frozenset[int], most: int) -> list[int]:
        """Return the ids of the answer, its end included."""
        if self._restriction and self._way is Way.BEAM:
            found = run(
                search(ends, most), ModelScorer(self._model, prompt, self._beams(self._restriction, prompt))
            )
            return [*found[0].tokens, *([min(ends)] if found[0].ended else [])] if found else []
        part = Part(Ask(""), list(prompt), most)
        if self._restriction is None or self._way is not Way.REWIND:
            return self._greedy(part, ends)
        automata = [self._restriction.automaton]
        (said,) = rewound(
            [part],
            _GIVEN_UP,
            lambda ask: automata,
            self._text,
            lambda parts: [self._greedy(one, ends) for one in parts],
        )
        return list(said)

    @torch.inference_mode()
    def _greedy(self, part: Part, ends: frozenset[int]) -> list[int]:
        output: list[int] = []
        rewind = part.ask.rewind
        result = self._model(torch.tensor([part.prompt]), use_cache=True, logits_to_keep=1)
        while len(output) < part.most:
            self.decoded += 1
            logits = result.logits[0, -1].double().numpy()
            if rewind and output and self._heads(part.prompt, output, logits):
                return [*output, rewind.token]
            served = self._served(part.prompt, output, logits, rewind.avoided if rewind and not output else ())
            output.append(int(served.argmax()))
            if output[-1] in ends:
                break
            result = self._model(
                torch.tensor([output[-1:]]), past_key_values=result.past_key_values, use_cache=True
            )
        return output

    def _beams(self, restriction: Restriction, prompt: Sequence[int]) -> Served:
        serve = restricted([restriction], restriction.vocabulary, prompt)

        def served(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
            self.decoded += len(outputs)
            return serve(outputs, logits)

        return served

    def _cursor(self, prompt: Sequence[int], output: Sequence[int]) -> Cursor:
        assert self._restriction is not None
        return self._restriction.resume(prompt, output)

    def _served(
        self,
        prompt: Sequence[int],
        output: Sequence[int],
        logits: NDArray[np.float64],
        avoided: Sequence[int],
    ) -> NDArray[np.float64]:
        served = logits.copy()
        if self._restriction is not None:
            cursor = self._cursor(prompt, output)
            if self._missing is not None:
                share = advanced(self._restriction, cursor, self._missing)
                served[: len(share)] -= STRENGTH * share
            served[self._restriction.banned(cursor)] = -np.inf
        served[list(avoided)] = -np.inf
        return served

    def _heads(self, prompt: Sequence[int], output: Sequence[int], logits: NDArray[np.float64]) -> bool:
        if self._restriction is None:
            return False
        completing = self._restriction.completing(self._cursor(prompt, output))
        return bool(heads(torch.from_numpy(logits), torch.from_numpy(completing))) if len(completing) else False


class Rest(NamedTuple):
    """What follows the first token that is another than the unrestricted answer's: -log p of each by the model."""

    place: int
    losses: NDArray[np.float64]


@torch.inference_mode()
def rest_of(model: Any, prompt: Sequence[int], output: Sequence[int], free: Sequence[int]) -> Rest:
    """Return the losses of `output` by the unrestricted model from where it leaves the answer `free`."""
    same = next(
        (k for k, (a, b) in enumerate(zip(output, free, strict=False)) if a != b), min(len(output), len(free))
    )
    logits = model(torch.tensor([[*prompt, *output]])).logits[0, len(prompt) - 1 : -1].double()
    log_probs = torch.log_softmax(logits, dim=-1)[torch.arange(len(output)), torch.tensor(list(output))]
    return Rest(same, -log_probs[same:].numpy())
