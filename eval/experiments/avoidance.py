"""Avoidance strategies: ways to steer greedy decoding around a forbidden phrase, compared by how answers read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from eval.core.prompt import Prompt
from eval.runners.backtracking import Part, backtracked
from guard.decoding.beam import run, search
from guard.decoding.beam_huggingface import ModelScorer, ServeLogits, serve_restricted
from guard.decoding.masking import should_abort
from guard.decoding.restriction import Cursor, Restriction
from guard.matching.automaton import Automaton

LOOK_AHEAD_NATS = 5.0
"""Penalty of a token that completes a phrase, in nats; one that leads half way into it loses half."""
# A token id that no vocabulary has.
_ABORT_TOKEN = -1


class AvoidanceStrategy(StrEnum):
    """mask        mask the token that would complete a phrase
    look-ahead  mask, and lower the logits of tokens that lead into a phrase
    rewind      mask, and backtrack to the word in which the phrase began where the mask takes most of the mass
    beam        mask, and search with beams
    """

    MASK = "mask"
    LOOK_AHEAD = "look-ahead"
    REWIND = "rewind"
    BEAM = "beam"


def missing_bytes(automaton: Automaton) -> NDArray[np.int64]:
    """Return for each state the number of bytes to the nearest end of a phrase, int64 [states]."""
    missing = np.where(automaton.accepting, 0, np.iinfo(np.int32).max).astype(np.int64)
    for state in np.argsort(-automaton.depth.astype(np.int64), kind="stable"):
        following = automaton.follow_all(np.array([state]))[0]
        children = following[automaton.depth[following] == automaton.depth[state] + 1]
        if len(children):
            missing[state] = min(missing[state], 1 + missing[children].min())
    return missing


def phrase_progress(restriction: Restriction, cursor: Cursor, missing: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far each token leads into a phrase from the cursor, float64 [vocabulary], 0 to 1 (its end)."""
    automaton, block = restriction.automaton, restriction.vocabulary.plain.main_trie
    symbols = np.frombuffer(automaton.symbols, np.uint8)[block.trie.byte]
    states = np.full(len(block.trie.parent), cursor.state, np.intp)
    for first, last in block.trie.levels[1:]:
        states[first:last] = automaton.follow(states[block.trie.parent[first:last]], symbols[first:last])
    ends = states[block.ends]
    depth = automaton.depth[ends].astype(np.float64)
    share = np.zeros(len(restriction.vocabulary))
    share[block.tokens] = depth / np.maximum(depth + missing[ends], 1)
    return share


class AvoidingDecoder:
    """Decodes greedily, one answer at a time, under one restriction and one strategy.

    text            decodes token ids
    forward_passes  how often the model was asked for a next token, over all beams and discarded parts
    """

    def __init__(
        self,
        model: Any,
        text: Callable[[list[int]], str],
        restriction: Restriction | None,
        strategy: AvoidanceStrategy = AvoidanceStrategy.MASK,
    ) -> None:
        self._model = model
        self._text = text
        self._restriction = restriction
        self._strategy = strategy
        self.forward_passes = 0
        self._missing = (
            missing_bytes(restriction.automaton)
            if restriction and strategy is AvoidanceStrategy.LOOK_AHEAD
            else None
        )

    def answer(self, prompt: Sequence[int], ends: frozenset[int], max_tokens: int) -> list[int]:
        """Return the token ids of the answer, its end token included."""
        if self._restriction and self._strategy is AvoidanceStrategy.BEAM:
            found = run(
                search(ends, max_tokens), ModelScorer(self._model, prompt, self._beams(self._restriction, prompt))
            )
            return [*found[0].tokens, *([min(ends)] if found[0].ended else [])] if found else []
        part = Part(Prompt(""), list(prompt), max_tokens)
        if self._restriction is None or self._strategy is not AvoidanceStrategy.REWIND:
            return self._greedy(part, ends)
        automata = [self._restriction.automaton]
        (output,) = backtracked(
            [part],
            _ABORT_TOKEN,
            lambda prompt: automata,
            self._text,
            lambda parts: [self._greedy(one, ends) for one in parts],
        )
        return list(output)

    @torch.inference_mode()
    def _greedy(self, part: Part, ends: frozenset[int]) -> list[int]:
        output: list[int] = []
        rewind = part.prompt.backtracking
        result = self._model(torch.tensor([part.prompt_ids]), use_cache=True, logits_to_keep=1)
        while len(output) < part.max_tokens:
            self.forward_passes += 1
            logits = result.logits[0, -1].double().numpy()
            if rewind and output and self._heads(part.prompt_ids, output, logits):
                return [*output, rewind.token]
            served = self._served(part.prompt_ids, output, logits, rewind.avoided if rewind and not output else ())
            output.append(int(served.argmax()))
            if output[-1] in ends:
                break
            result = self._model(
                torch.tensor([output[-1:]]), past_key_values=result.past_key_values, use_cache=True
            )
        return output

    def _beams(self, restriction: Restriction, prompt: Sequence[int]) -> ServeLogits:
        serve = serve_restricted([restriction], restriction.vocabulary, prompt)

        def served(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
            self.forward_passes += len(outputs)
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
                share = phrase_progress(self._restriction, cursor, self._missing)
                served[: len(share)] -= LOOK_AHEAD_NATS * share
            served[self._restriction.forbidden(cursor)] = -np.inf
            if avoided:
                served[self._restriction.avoided(cursor, avoided)] = -np.inf
        served[list(avoided)] = -np.inf
        return served

    def _heads(self, prompt: Sequence[int], output: Sequence[int], logits: NDArray[np.float64]) -> bool:
        if self._restriction is None:
            return False
        completing = self._restriction.completing(self._cursor(prompt, output))
        return (
            bool(should_abort(torch.from_numpy(logits), torch.from_numpy(completing)))
            if len(completing)
            else False
        )


class RestLosses(NamedTuple):
    """The rest of an answer from `start`, its first token that differs from the unrestricted answer's.

    losses  -log p of each of its tokens under the unrestricted model, float64 [tokens]
    """

    start: int
    losses: NDArray[np.float64]


@torch.inference_mode()
def rest_losses(
    model: Any, prompt: Sequence[int], output: Sequence[int], unrestricted: Sequence[int]
) -> RestLosses:
    """Return the losses of `output` from where it departs from the answer `unrestricted`."""
    start = next(
        (k for k, (a, b) in enumerate(zip(output, unrestricted, strict=False)) if a != b),
        min(len(output), len(unrestricted)),
    )
    logits = model(torch.tensor([[*prompt, *output]])).logits[0, len(prompt) - 1 : -1].double()
    log_probs = torch.log_softmax(logits, dim=-1)[torch.arange(len(output)), torch.tensor(list(output))]
    return RestLosses(start, -log_probs[start:].numpy())
