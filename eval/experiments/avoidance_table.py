"""The table of `lethe eval turning`: perplexity, broken words, leaks and cost of each avoidance strategy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eval.benchmarks.files import load_questions, need
from eval.benchmarks.targets import ROWS_PER_AUTHOR, authors
from eval.core.prompt import Prompt
from eval.experiments.avoidance import AvoidanceStrategy, AvoidingDecoder, rest_losses
from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.targets.phrases import forbidden
from guard.text.english import is_common
from guard.text.words import words_of

MAX_TOKENS = 100
LEXICON_FILES = ("full", "real_authors", "world_facts")


def table(model: Path, data: Path, every: int) -> Iterator[str]:
    """Yield the lines of a Markdown table, each row as soon as its strategy is measured."""
    from transformers import AutoModelForCausalLM

    encoder = PromptEncoder(load_tokenizer(str(model)))
    vocabulary = Vocabulary.from_tokenizer(encoder.tokenizer)
    loaded = AutoModelForCausalLM.from_pretrained(model).float().eval()
    rows = load_questions(need(data, "forget10"))
    automata = [Automaton.forbidding(forbidden(draft)) for draft in authors(rows)]
    prompted = [
        (automata[i // ROWS_PER_AUTHOR], encoder.encode(Prompt(rows[i].question)))
        for i in range(0, len(rows), every)
    ]
    lexicon = lexicon_of(*(need(data, name).read_text("utf-8") for name in LEXICON_FILES))
    ends = frozenset(vocabulary.eos)
    unrestricted = [
        AvoidingDecoder(loaded, encoder.decode, None).answer(prompt, ends, MAX_TOKENS) for _, prompt in prompted
    ]
    columns = "perplexity of the rest | broken words of the rest | leaks | decoded for each token said"
    yield f"| way ({len(prompted)} answers) | {columns} |"
    yield "|---|---|---|---|---|"
    for strategy in AvoidanceStrategy:
        losses: list[float] = []
        broken = words = leaks = forward_passes = tokens = 0
        for (automaton, prompt), plain in zip(prompted, unrestricted, strict=True):
            decoder = AvoidingDecoder(loaded, encoder.decode, Restriction(automaton, vocabulary), strategy)
            output = decoder.answer(prompt, ends, MAX_TOKENS)
            forward_passes, tokens = forward_passes + decoder.forward_passes, tokens + len(output)
            rest = rest_losses(loaded, prompt, output, plain)
            losses += rest.losses.tolist()
            text = encoder.decode(output)
            leaks += bool(automaton.matches(text))
            tail = [word.text for word in words_of(text) if word.end > len(encoder.decode(output[: rest.start]))]
            words += len(tail)
            broken += sum(not is_word(word, lexicon) for word in tail)
        reads = f"{math.exp(np.mean(losses)):.2f} | {broken} of {words} ({broken / words:.1%})"
        yield f"| {strategy} | {reads} | {leaks} | {forward_passes / tokens:.2f} |"


def lexicon_of(*texts: str) -> frozenset[str]:
    """Return the words of `texts` in lower case."""
    return frozenset(word.text.lower() for text in texts for word in words_of(text.replace("\\n", " ")))


def is_word(word: str, lexicon: frozenset[str]) -> bool:
    """Return whether `word` is in the lexicon or common in English; if not, it was broken off or put together."""
    lower = word.lower()
    return lower in lexicon or lower.rstrip("s'’") in lexicon or is_common(lower)
