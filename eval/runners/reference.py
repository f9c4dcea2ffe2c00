"""The reference: Hugging Face's forward pass, with the policy's rules put to the logits of every position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from eval.core.ask import Ask, Decoding, Forced, Said, each_its_way
from eval.runners.backtracking import Part, rewound
from eval.runners.logit_rules import Mask, Rule, Steps
from eval.runners.prefill import Prefill, prefill
from eval.runners.prompt import Prompts
from guard.decoding.backtracking import token_of
from guard.decoding.beam import run, search
from guard.decoding.beam_huggingface import ModelScorer
from guard.errors import ModelUnavailable

Dtype = Literal["float32", "bfloat16"]

# Logits of one pass: 128 MB of float32, whatever the vocabulary.
_CELLS = 2**25
_ROWS = 64


class Reference:
    """A model on the CPU, asked in batches; rows of a batch do not change each other's answers."""

    no_likelihood = ""

    def __init__(
        self, folder: str, prompts: Prompts, rules: Sequence[Rule] = (), dtype: Dtype = "float32"
    ) -> None:
        self._prompts = prompts
        self._rules = tuple(rules)
        self._model = _load(folder, dtype)
        config = self._model.config
        self._width = int(config.vocab_size)
        self._context = int(getattr(config, "max_position_embeddings", 0) or 1 << 30)
        self._eos = _ends(self._model, prompts.tokenizer)

    def generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        """The answer to each, greedy or searched for; `log_probs` are those of the served distribution."""
        ways = {
            Decoding.GREEDY: lambda asks: self._greedy(asks, max_tokens),
            Decoding.REWIND: lambda asks: self._rewound(asks, max_tokens),
            Decoding.BEAM: lambda asks: [self._search(ask, max_tokens) for ask in asks],
        }
        return each_its_way(asks, ways)

    def _begun(self, ask: Ask, max_tokens: int) -> Part:
        prompt = self._prompts.ids(ask)
        return Part(ask, prompt, min(max_tokens, self._context - len(prompt)))

    def _spoken(self, parts: Sequence[Part]) -> list[_Row]:
        starts = range(0, len(parts), _ROWS)
        return [row for start in starts for row in self._generate(parts[start : start + _ROWS])]

    def _greedy(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        return [self._said(*row) for row in self._spoken([self._begun(ask, max_tokens) for ask in asks])]

    def _rewound(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        token = token_of(self._prompts.tokenizer.all_special_ids, self._eos)
        mask = next((rule for rule in self._rules if isinstance(rule, Mask)), None)
        parts = [self._begun(ask, max_tokens) for ask in asks]
        if token is None or mask is None:
            return [self._said(row.tokens) for row in self._spoken(parts)]

        def speak(parts: Sequence[Part]) -> list[list[int]]:
            return [row.tokens for row in self._spoken(parts)]

        return [self._said(ids) for ids in rewound(parts, token, mask.automata, self._prompts.text, speak)]

    def _said(self, tokens: Sequence[int], log_probs: Sequence[float] = ()) -> Said:
        return Said(self._prompts.text(list(tokens)), tuple(log_probs))

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Each answer under teacher forcing; a text longer than the model's context is cut there."""
        for start in range(0, len(asks), _ROWS):
            part = slice(start, start + _ROWS)
            yield from self._score(asks[part], answers[part], end, vocabulary)

    @torch.inference_mode()
    def _generate(self, parts: Sequence[Part]) -> list[_Row]:
        outputs: list[list[int]] = [[] for _ in parts]
        spoken: list[list[float]] = [[] for _ in parts]
        prompts = [part.prompt for part in parts]
        steps = self._begin([part.ask for part in parts], prompts, outputs)
        logits, cache, seen, length = prefill(self._model, prompts)
        live = list(range(len(parts)))
        while live:
            served = torch.log_softmax(_served(logits.float(), steps), dim=-1)
            best = served.max(dim=-1)
            for row, token, log_prob in zip(live, best.indices.tolist(), best.values.tolist(), strict=True):
                outputs[row].append(token)
                spoken[row].append(log_prob)
            going = [k for k, row in enumerate(live) if not self._ended(outputs[row], parts[row])]
            if not going:
                break
            chosen = best.indices
            if len(going) < len(live):
                kept = torch.tensor(going)
                cache.batch_select_indices(kept)
                seen, length, chosen = seen[kept], length[kept], chosen[kept]
                live = [live[k] for k in going]
                for step in steps:
                    step.keep(going)
            seen = torch.cat([seen, torch.ones(len(live), 1, dtype=torch.long)], dim=1)
            said = self._model(
                input_ids=chosen[:, None],
                attention_mask=seen,
                position_ids=length[:, None],
                past_key_values=cache,
                use_cache=True,
            )
            logits, length = said.logits[:, -1], length + 1
        return [_Row(*row) for row in zip(outputs, spoken, strict=True)]

    def _search(self, ask: Ask, max_tokens: int) -> Said:
        prompt = self._prompts.ids(ask)

        def served(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
            count = len(outputs)
            return _served(logits, self._begin([ask] * count, [prompt] * count, outputs))

        most = min(max_tokens, self._context - len(prompt))
        answers = run(search(self._eos, most), ModelScorer(self._model, prompt, served))
        return Said(self._prompts.text(list(answers[0].tokens)) if answers else "", ())

    def _ended(self, output: list[int], part: Part) -> bool:
        given_up = part.ask.rewind is not None and output[-1] == part.ask.rewind.token
        return given_up or output[-1] in self._eos or len(output) >= part.most

    @torch.inference_mode()
    def _score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        prompts = [self._prompts.ids(ask) for ask in asks]
        jobs = [
            _Job(row, place, self._prompts.answer(text, end=end)[: self._context - len(prompts[row])])
            for row, texts in enumerate(answers)
            for place, text in enumerate(texts)
        ]
        read = prefill(self._model, prompts)
        known: dict[tuple[int, int], Forced] = {}
        for part in self._parts(sorted(jobs, key=lambda job: len(job.labels))):
            served = self._forced(read, part, asks, prompts)
            for row, job in enumerate(part):
                own = served[row, : len(job.labels)]
                known[job.row, job.place] = _forced(own, job.labels, vocabulary and job.place == 0)
        for row, texts in enumerate(answers):
            yield [known[row, place] for place in range(len(texts))]

    def _forced(
        self, read: Prefill, jobs: Sequence[_Job], asks: Sequence[Ask], prompts: Sequence[list[int]]
    ) -> torch.Tensor:
        """The served logits [jobs, positions, width] before each token of the answers."""
        first = read.rows(torch.tensor([job.row for job in jobs]))
        logits = first.logits[:, None]
        longest = max(len(job.labels) for job in jobs)
        if longest > 1:
            given = torch.zeros(len(jobs), longest - 1, dtype=torch.long)
            for row, job in enumerate(jobs):
                given[row, : len(job.labels) - 1] = torch.tensor(job.labels[:-1])
            rest = self._model(
                input_ids=given,
                attention_mask=torch.cat([first.attention, torch.ones_like(given)], dim=1),
                position_ids=first.lengths[:, None] + torch.arange(longest - 1),
                past_key_values=first.cache,
                use_cache=True,
            )
            logits = torch.cat([logits, rest.logits], dim=1)
        logits = logits.float()
        rows = [job.row for job in jobs]
        self._serve(logits, [asks[r] for r in rows], [prompts[r] for r in rows], [job.labels for job in jobs])
        return logits

    def _serve(
        self, logits: torch.Tensor, asks: Sequence[Ask], prompts: Sequence[list[int]], labels: Sequence[list[int]]
    ) -> None:
        """Put the rules to logits [rows, positions, width] in place, position after position."""
        outputs: list[list[int]] = [[] for _ in asks]
        if not (steps := self._begin(asks, prompts, outputs)):
            return
        for position in range(logits.shape[1]):
            logits[:, position] = _served(logits[:, position], steps)
            for output, answer in zip(outputs, labels, strict=True):
                output += answer[position : position + 1]

    def _begin(
        self, asks: Sequence[Ask], prompts: Sequence[list[int]], outputs: Sequence[list[int]]
    ) -> list[Steps]:
        changed = any(ask.digests or ask.difference for ask in asks)
        return [rule.begin(asks, prompts, outputs) for rule in self._rules] if changed else []

    def _parts(self, jobs: Sequence[_Job]) -> Iterator[Sequence[_Job]]:
        """The jobs, shortest first, in parts whose logits, padded to the longest answer, stay within the limit."""
        start = 0
        for place, job in enumerate(jobs):
            if place > start and (place - start + 1) * len(job.labels) * self._width > _CELLS:
                yield jobs[start:place]
                start = place
        if start < len(jobs):
            yield jobs[start:]


class _Row(NamedTuple):
    """What was said, and log p of each of it."""

    tokens: list[int]
    log_probs: list[float]


class _Job(NamedTuple):
    """The answer `labels` at this place of a row's answers."""

    row: int
    place: int
    labels: list[int]


def _served(logits: torch.Tensor, steps: Sequence[Steps]) -> torch.Tensor:
    for step in steps:
        logits = step.apply(logits)
    return logits


def _forced(served: torch.Tensor, labels: list[int], vocabulary: bool) -> Forced:
    """An answer from its served logits [n, width], which may be overwritten."""
    chosen = served.gather(-1, torch.tensor(labels, dtype=torch.long)[:, None])
    best = served.max(dim=-1, keepdim=True)
    if vocabulary:
        whole = torch.log_softmax(served, dim=-1)
        own, listed = whole.gather(-1, torch.tensor(labels, dtype=torch.long)[:, None]), whole.numpy()
    else:
        # In place: another array of this size costs more than the arithmetic.
        own, listed = chosen - best.values - served.sub_(best.values).exp_().sum(-1, keepdim=True).log(), None
    return Forced(tuple(labels), own[:, 0].numpy().astype(np.float64), tuple(best.indices[:, 0].tolist()), listed)


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return frozenset(int(end) for end in (*ends, tokenizer.eos_token_id) if end is not None)


def _load(folder: str, dtype: Dtype) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    except Exception as error:
        raise ModelUnavailable(f"{folder}: the model does not load ({type(error).__name__})") from error
