"""`lethe bench step`: what the restriction adds to a decoding step on vLLM's V2 runner, on a GPU or a CPU.

Neither a model nor vLLM is needed: `python -m serving.bench.step` runs with torch and the core's few dependencies
alone, beside these sources. vLLM calls the processors outside its CUDA graphs, and what was said is copied to the
host at each step, so that there is nothing to capture.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from string import ascii_letters
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from guard.decoding.request_args import EngineArgs
from guard.decoding.restricted_requests import RestrictedRequests
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from serving.bench.invented import invented_word

BATCH = 256
STEPS = 200
PROMPT_TOKENS = 32
VOCABULARIES = (128_000, 262_144)
PHRASES = (0, 100, 100_000)
GIVEN_NAMES = 300
"""First words of the forbidden phrases; the second ones are all different."""
BEGUN = 0.1
"""The share of the rows' words that begin a forbidden phrase."""
_INTERFACE = "vllm.v1.worker.gpu.sample.logits_processor"
_MAX_PIECE = 13  # characters


class Step(NamedTuple):
    """Microseconds that the processor takes of a step, in order; milliseconds of the first step of all rows.

    Processor time on a CPU, wall time on a GPU.
    """

    vocabulary: int
    phrases: int
    microseconds: Sequence[float]
    first_ms: float


class Words(NamedTuple):
    """A vocabulary of invented words, and the id of each piece of text."""

    vocabulary: Vocabulary
    ids: dict[str, int]

    @classmethod
    def invent(cls, size: int) -> Words:
        """Return `size` tokens: one that ends an answer, the characters, and words with and without a blank."""
        chooser, pieces = random.Random(size), dict.fromkeys(f"{ascii_letters} .")
        while len(pieces) < size - 1:
            word = invented_word(chooser, chooser.randint(1, 4))
            pieces |= dict.fromkeys((word, f" {word}", word.capitalize(), f" {word.capitalize()}"))
        listed = list(pieces)[: size - 1]
        tokens = [b"", *(piece.encode() for piece in listed)]
        return cls(
            Vocabulary(tokens, special=[0], eos=[0]), {piece: number for number, piece in enumerate(listed, 1)}
        )

    def tokenise(self, text: str) -> list[int]:
        """Return the ids of a text, the longest piece first."""
        tokens: list[int] = []
        while text:
            length = next(n for n in range(min(len(text), _MAX_PIECE), 0, -1) if text[:n] in self.ids)
            tokens.append(self.ids[text[:length]])
            text = text[length:]
        return tokens


def run(
    device: str, batch: int, steps: int, vocabularies: Sequence[int], phrases: Sequence[int]
) -> Iterator[Step]:
    """Yield what a step takes for each vocabulary and number of phrases, all in force for every row."""
    for size in vocabularies:
        words = Words.invent(size)
        for count in phrases:
            yield _measure(torch.device(device), words, size, count, batch, steps)


def _measure(device: torch.device, words: Words, size: int, count: int, batch: int, steps: int) -> Step:
    chooser = random.Random(count)
    given = [invented_word(chooser, 3).capitalize() for _ in range(GIVEN_NAMES)]
    forbidden = [f"{chooser.choice(given)} {invented_word(chooser, 3).capitalize()}" for _ in range(count)]
    said = _texts(words, forbidden, batch, PROMPT_TOKENS + 1 + steps)
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        automata: tuple[str, ...] = ()
        if forbidden:
            automaton = Automaton.compile(forbidden)
            automaton.save(Path(folder))
            automata = (automaton.digest,)
        taken = _run(_processor(Path(folder), words.vocabulary, device, said), EngineArgs("bench", automata), size)
    return Step(size, count, [1e6 * one for one in sorted(taken[1:])], 1e3 * taken[0])


def _texts(words: Words, forbidden: Sequence[str], batch: int, length: int) -> NDArray[np.int64]:
    """Return what each row says, int64 [batch, length]: any words, and the beginnings of forbidden phrases."""
    chooser, rows = random.Random(length), []
    for _ in range(batch):
        row: list[int] = []
        while len(row) < length:
            if forbidden and chooser.random() < BEGUN:
                row += words.tokenise(" " + chooser.choice(forbidden))[:-1]
            else:
                row.append(chooser.randrange(1, len(words.ids)))
        rows.append(row[:length])
    return np.array(rows, np.int64)


def _processor(folder: Path, vocabulary: Vocabulary, device: torch.device, said: NDArray[np.int64]) -> Any:
    """Return the V2 processor as a worker has it, but for the tokenizer; `said` is all that will be said."""
    try:
        import_module(_INTERFACE)
    except ImportError:
        # Where there is no vLLM: its base class has no behaviour.
        stand_in: Any = ModuleType(_INTERFACE)
        stand_in.LogitsProcessor = object
        sys.modules[_INTERFACE] = stand_in
    from guard.vllm_v2.history import Histories
    from guard.vllm_v2.restriction import RestrictionProcessor

    class Restriction(RestrictionProcessor):
        def __init__(self, states: Any) -> None:
            self._vocabulary, self._eos = vocabulary, vocabulary.eos
            self._histories = Histories(states, 1)
            self._requests = RestrictedRequests(folder, vocabulary)
            self._rows = self._requests.rows
            self.states = states

    lengths = np.full(len(said), PROMPT_TOKENS)
    return Restriction(
        SimpleNamespace(
            device=device,
            all_token_ids=SimpleNamespace(gpu=torch.from_numpy(said).to(device, torch.int32)),
            prompt_len=SimpleNamespace(np=lengths),
            prefill_len=SimpleNamespace(np=lengths),
        )
    )


def _run(processor: Any, args: EngineArgs, size: int) -> list[float]:
    """Return the seconds of each step."""
    states = processor.states
    batch, length = states.all_token_ids.gpu.shape
    params = SimpleNamespace(extra_args=args.dump(), skip_special_tokens=True)
    for slot in range(batch):
        processor.add_request(slot, params)
    logits, taken = torch.randn(batch, size, device=states.device), []
    slots = torch.arange(batch, device=states.device)
    for position in range(PROMPT_TOKENS - 1, length - 1):
        context = SimpleNamespace(
            idx_mapping_np=np.arange(batch),
            expanded_idx_mapping=slots,
            expanded_local_pos=torch.zeros_like(slots),
            pos=torch.full_like(slots, position),
            input_ids=states.all_token_ids.gpu[:, position],
        )
        began = _now(states.device)
        processor.apply(logits, context)
        taken.append(_now(states.device) - began)
    return taken


def _now(device: torch.device) -> float:
    """Return seconds once the device has done its work: of this process on a CPU, where others may run too."""
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def markdown(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the lines of a Markdown table as the steps are measured."""
    head = ("vocabulary", "phrases", "us a step, p50", "p99", "first step, ms")
    yield f"| {' | '.join(head)} |"
    yield "| --- " * len(head) + "|"
    for one in steps:
        p50, p99 = (one.microseconds[int(share * (len(one.microseconds) - 1))] for share in (0.5, 0.99))
        cells = f"{one.vocabulary:,}", f"{one.phrases:,}", f"{p50:.0f}", f"{p99:.0f}", f"{one.first_ms:.1f}"
        yield f"| {' | '.join(cells)} |"


def device_name(device: str) -> str:
    """Return the name of the card, or that it is a CPU."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU"


if __name__ == "__main__":
    here = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{device_name(here)}, {BATCH} rows\n")
    for line in markdown(run(here, BATCH, STEPS, VOCABULARIES, PHRASES)):
        print(line, flush=True)
