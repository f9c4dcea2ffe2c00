"""The table of `lethe eval turning`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eval.benchmarks.files import load_questions, need
from eval.benchmarks.targets import ROWS_PER_AUTHOR, authors
from eval.core.ask import Ask
from eval.experiments.avoidance import Turning, Way, rest_of
from eval.runners.prompt import Prompts, load_tokenizer
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.targets.phrases import forbidden
from guard.text.english import is_common
from guard.text.words import words_of

MOST = 100
TEXTS = ("full", "real_authors", "world_facts")


def table(model: Path, data: Path, every: int) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row as soon as its way is measured."""
    from transformers import AutoModelForCausalLM

    prompts = Prompts(load_tokenizer(str(model)))
    vocabulary = Vocabulary.from_tokenizer(prompts.tokenizer)
    loaded = AutoModelForCausalLM.from_pretrained(model).float().eval()
    rows = load_questions(need(data, "forget10"))
    automata = [Automaton.compile(forbidden(draft)) for draft in authors(rows)]
    asked = [
        (automata[i // ROWS_PER_AUTHOR], prompts.ids(Ask(rows[i].question))) for i in range(0, len(rows), every)
    ]
    known = lexicon(*(need(data, name).read_text("utf-8") for name in TEXTS))
    ends = frozenset(vocabulary.eos)
    free = [Turning(loaded, prompts.text, None).answer(prompt, ends, MOST) for _, prompt in asked]
    columns = "perplexity of the rest | broken words of the rest | leaks | decoded for each token said"
    yield f"| way ({len(asked)} answers) | {columns} |"
    yield "|---|---|---|---|---|"
    for way in Way:
        losses: list[float] = []
        broken = words = leaks = decoded = tokens = 0
        for (automaton, prompt), plain in zip(asked, free, strict=True):
            turning = Turning(loaded, prompts.text, Restriction(automaton, vocabulary), way)
            output = turning.answer(prompt, ends, MOST)
            decoded, tokens = decoded + turning.decoded, tokens + len(output)
            rest = rest_of(loaded, prompt, output, plain)
            losses += rest.losses.tolist()
            text = prompts.text(output)
            leaks += bool(automaton.matches(text))
            said = [word.text for word in words_of(text) if word.end > len(prompts.text(output[: rest.place]))]
            words += len(said)
            broken += sum(not is_known(word, known) for word in said)
        reads = f"{math.exp(np.mean(losses)):.2f} | {broken} of {words} ({broken / words:.1%})"
        yield f"| {way} | {reads} | {leaks} | {decoded / tokens:.2f} |"


def lexicon(*texts: str) -> frozenset[str]:
    """Return the words of these texts in lower case."""
    return frozenset(word.text.lower() for text in texts for word in words_of(text.replace("\\n", " ")))


def is_known(word: str, known: frozenset[str]) -> bool:
    """Whether a word is one of a lexicon or common in English; what is neither was broken off or put together."""
    plain = word.lower()
    return plain in known or plain.rstrip("s'’") in known or is_common(plain)
