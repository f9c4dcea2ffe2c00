"""The reference: Hugging Face's forward pass, with the policy's rules applied to the logits of every position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from eval.core.prompt import Decoding, Prompt
from eval.core.runner import Device, Dtype, Generation, ScoredAnswer, generate_by_decoding
from eval.runners.backtracking import Part, backtracked
from eval.runners.logit_rules import Mask, Rule, Steps
from eval.runners.prefill import Prefill, prefill
from eval.runners.prompt_encoder import PromptEncoder
from guard.decoding.backtracking import choose_abort_token
from guard.decoding.beam import run, search
from guard.decoding.beam_huggingface import ModelScorer
from guard.errors import ModelUnavailable

# Of one forward pass: 128 MB of float32, whatever the vocabulary.
_MAX_LOGITS = 2**25
_MAX_ROWS = 64


class Reference:
    """A model on the CPU or a GPU, run in batches; rows of a batch do not change each other's answers."""

    no_likelihood = ""

    def __init__(
        self,
        folder: str,
        encoder: PromptEncoder,
        rules: Sequence[Rule] = (),
        dtype: Dtype = "float32",
        device: Device = "cpu",
    ) -> None:
        self._encoder = encoder
        self._rules = tuple(rules)
        # As a context, new tensors are made there.
        self._device = torch.device(device)
        self._model = _load(folder, dtype).to(self._device)
        config = self._model.config
        self._width = int(config.vocab_size)
        self._context = int(getattr(config, "max_position_embeddings", 0) or 1 << 30)
        self._eos = _ends(self._model, encoder.tokenizer)

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the answer to each prompt; `log_probs` are those of the served distribution."""
        generators = {
            Decoding.GREEDY: lambda prompts: self._greedy(prompts, max_tokens),
            Decoding.BACKTRACK: lambda prompts: self._backtracked(prompts, max_tokens),
            Decoding.BEAM: lambda prompts: [self._search(prompt, max_tokens) for prompt in prompts],
        }
        with self._device:
            return generate_by_decoding(prompts, generators)

    def _part(self, prompt: Prompt, max_tokens: int) -> Part:
        ids = self._encoder.encode(prompt)
        return Part(prompt, ids, min(max_tokens, self._context - len(ids)))

    def _rows(self, parts: Sequence[Part]) -> list[_Row]:
        starts = range(0, len(parts), _MAX_ROWS)
        return [row for start in starts for row in self._generate(parts[start : start + _MAX_ROWS])]

    def _greedy(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        return [
            self._generation(*row) for row in self._rows([self._part(prompt, max_tokens) for prompt in prompts])
        ]

    def _backtracked(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        token = choose_abort_token(self._encoder.tokenizer.all_special_ids, self._eos)
        mask = next((rule for rule in self._rules if isinstance(rule, Mask)), None)
        parts = [self._part(prompt, max_tokens) for prompt in prompts]
        if token is None or mask is None:
            return [self._generation(row.tokens) for row in self._rows(parts)]

        def generate(parts: Sequence[Part]) -> list[list[int]]:
            return [row.tokens for row in self._rows(parts)]

        return [
            self._generation(ids)
            for ids in backtracked(parts, token, mask.automata, self._encoder.decode, generate)
        ]

    def _generation(self, tokens: Sequence[int], log_probs: Sequence[float] = ()) -> Generation:
        return Generation(self._encoder.decode(list(tokens)), tuple(log_probs))

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Yield each answer's scores by teacher forcing; a text longer than the model's context is cut there."""
        for start in range(0, len(prompts), _MAX_ROWS):
            part = slice(start, start + _MAX_ROWS)
            with self._device:
                scored = list(self._score(prompts[part], answers[part], end, vocabulary))
            yield from scored

    @torch.inference_mode()
    def _generate(self, parts: Sequence[Part]) -> list[_Row]:
        outputs: list[list[int]] = [[] for _ in parts]
        log_probs: list[list[float]] = [[] for _ in parts]
        prompt_ids = [part.prompt_ids for part in parts]
        steps = self._start_rules([part.prompt for part in parts], prompt_ids, outputs)
        logits, cache, attention, length = prefill(self._model, prompt_ids)
        live = list(range(len(parts)))
        while live:
            served = torch.log_softmax(_served(logits.float(), steps), dim=-1)
            best = served.max(dim=-1)
            for row, token, log_prob in zip(live, best.indices.tolist(), best.values.tolist(), strict=True):
                outputs[row].append(token)
                log_probs[row].append(log_prob)
            going = [k for k, row in enumerate(live) if not self._ended(outputs[row], parts[row])]
            if not going:
                break
            chosen = best.indices
            if len(going) < len(live):
                kept = torch.tensor(going)
                cache.batch_select_indices(kept)
                attention, length, chosen = attention[kept], length[kept], chosen[kept]
                live = [live[k] for k in going]
                for step in steps:
                    step.keep(going)
            attention = torch.cat([attention, torch.ones(len(live), 1, dtype=torch.long)], dim=1)
            step_output = self._model(
                input_ids=chosen[:, None],
                attention_mask=attention,
                position_ids=length[:, None],
                past_key_values=cache,
                use_cache=True,
            )
            logits, length = step_output.logits[:, -1], length + 1
        return [_Row(*row) for row in zip(outputs, log_probs, strict=True)]

    def _search(self, prompt: Prompt, max_tokens: int) -> Generation:
        ids = self._encoder.encode(prompt)

        def served(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
            count = len(outputs)
            return _served(logits, self._start_rules([prompt] * count, [ids] * count, outputs))

        limit = min(max_tokens, self._context - len(ids))
        answers = run(search(self._eos, limit), ModelScorer(self._model, ids, served))
        return Generation(self._encoder.decode(list(answers[0].tokens)) if answers else "", ())

    def _ended(self, output: list[int], part: Part) -> bool:
        aborted = part.prompt.backtracking is not None and output[-1] == part.prompt.backtracking.token
        return aborted or output[-1] in self._eos or len(output) >= part.max_tokens

    @torch.inference_mode()
    def _score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        prompt_ids = [self._encoder.encode(prompt) for prompt in prompts]
        jobs = [
            _Job(row, place, self._encoder.encode_answer(text, end=end)[: self._context - len(prompt_ids[row])])
            for row, texts in enumerate(answers)
            for place, text in enumerate(texts)
        ]
        read = prefill(self._model, prompt_ids)
        known: dict[tuple[int, int], ScoredAnswer] = {}
        for part in self._parts(sorted(jobs, key=lambda job: len(job.labels))):
            served = self._answer_logits(read, part, prompts, prompt_ids)
            for row, job in enumerate(part):
                own = served[row, : len(job.labels)]
                known[job.row, job.place] = _scored(own, job.labels, vocabulary and job.place == 0)
        for row, texts in enumerate(answers):
            yield [known[row, place] for place in range(len(texts))]

    def _answer_logits(
        self, read: Prefill, jobs: Sequence[_Job], prompts: Sequence[Prompt], prompt_ids: Sequence[list[int]]
    ) -> torch.Tensor:
        """Return the served logits [jobs, positions, width] before each token of the answers."""
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
        self._apply_rules(
            logits, [prompts[r] for r in rows], [prompt_ids[r] for r in rows], [job.labels for job in jobs]
        )
        return logits

    def _apply_rules(
        self,
        logits: torch.Tensor,
        prompts: Sequence[Prompt],
        prompt_ids: Sequence[list[int]],
        labels: Sequence[list[int]],
    ) -> None:
        """Apply the rules to logits [rows, positions, width] in place, position after position."""
        outputs: list[list[int]] = [[] for _ in prompts]
        if not (steps := self._start_rules(prompts, prompt_ids, outputs)):
            return
        for position in range(logits.shape[1]):
            logits[:, position] = _served(logits[:, position], steps)
            for output, answer in zip(outputs, labels, strict=True):
                output += answer[position : position + 1]

    def _start_rules(
        self, prompts: Sequence[Prompt], prompt_ids: Sequence[list[int]], outputs: Sequence[list[int]]
    ) -> list[Steps]:
        changed = any(prompt.digests or prompt.difference for prompt in prompts)
        return [rule.begin(prompts, prompt_ids, outputs) for rule in self._rules] if changed else []

    def _parts(self, jobs: Sequence[_Job]) -> Iterator[Sequence[_Job]]:
        """Yield the jobs, shortest first, in parts whose logits, padded to the longest answer, stay in bounds."""
        start = 0
        for place, job in enumerate(jobs):
            if place > start and (place - start + 1) * len(job.labels) * self._width > _MAX_LOGITS:
                yield jobs[start:place]
                start = place
        if start < len(jobs):
            yield jobs[start:]


class _Row(NamedTuple):
    """Generated token ids, and log p of each."""

    tokens: list[int]
    log_probs: list[float]


class _Job(NamedTuple):
    """Answer number `place` of a row: its token ids."""

    row: int
    place: int
    labels: list[int]


def _served(logits: torch.Tensor, steps: Sequence[Steps]) -> torch.Tensor:
    for step in steps:
        logits = step.apply(logits)
    return logits


def _scored(served: torch.Tensor, labels: list[int], vocabulary: bool) -> ScoredAnswer:
    """Return an answer's scores from its served logits [n, width], which may be overwritten."""
    chosen = served.gather(-1, torch.tensor(labels, dtype=torch.long)[:, None])
    best = served.max(dim=-1, keepdim=True)
    if vocabulary:
        whole = torch.log_softmax(served, dim=-1)
        own, listed = whole.gather(-1, torch.tensor(labels, dtype=torch.long)[:, None]), whole.cpu().numpy()
    else:
        # In place: another array of this size costs more than the arithmetic.
        own, listed = chosen - best.values - served.sub_(best.values).exp_().sum(-1, keepdim=True).log(), None
    return ScoredAnswer(
        tuple(labels), own[:, 0].cpu().numpy().astype(np.float64), tuple(best.indices[:, 0].tolist()), listed
    )


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
