"""The reference: Hugging Face's forward pass, with the policy's rules put to the logits of every position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from eval.run.ask import Ask, Forced, Said
from eval.run.prompt import Prompts
from eval.run.rule import Rule, Steps
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
        """The greedy answer to each; `log_probs` are those of the served distribution."""
        said: list[Said] = []
        for start in range(0, len(asks), _ROWS):
            said += self._generate(asks[start : start + _ROWS], max_tokens)
        return said

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Each answer under teacher forcing; a text longer than the model's context is cut there."""
        jobs = [
            _Job(
                ask, prompt, [self._prompts.answer(text, end=end)[: self._context - len(prompt)] for text in texts]
            )
            for ask, texts in zip(asks, answers, strict=True)
            for prompt in [self._prompts.ids(ask)]
        ]
        for part in self._parts(jobs):
            yield from self._score(part, vocabulary)

    @torch.inference_mode()
    def _generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        prompts = [self._prompts.ids(ask) for ask in asks]
        outputs: list[list[int]] = [[] for _ in asks]
        spoken: list[list[float]] = [[] for _ in asks]
        steps = self._begin(asks, prompts, outputs)
        batch = _Prefill.of(prompts)
        result = self._model(**batch.inputs, use_cache=True, logits_to_keep=1)
        live = list(range(len(asks)))
        seen, length = batch.attention, batch.lengths
        most = min(max_tokens, self._context - int(length.max()))
        while live and most > 0:
            served = torch.log_softmax(_served(result.logits[:, -1].float(), steps), dim=-1)
            best = served.max(dim=-1)
            for row, token, log_prob in zip(live, best.indices.tolist(), best.values.tolist(), strict=True):
                outputs[row].append(token)
                spoken[row].append(log_prob)
            going = [k for k, row in enumerate(live) if not self._ended(outputs[row], most)]
            if not going:
                break
            cache, chosen = result.past_key_values, best.indices
            if len(going) < len(live):
                kept = torch.tensor(going)
                cache.batch_select_indices(kept)
                seen, length, chosen = seen[kept], length[kept], chosen[kept]
                live = [live[k] for k in going]
                for step in steps:
                    step.keep(going)
            seen = torch.cat([seen, torch.ones(len(live), 1, dtype=torch.long)], dim=1)
            result = self._model(
                input_ids=chosen[:, None],
                attention_mask=seen,
                position_ids=length[:, None],
                past_key_values=cache,
                use_cache=True,
            )
            length = length + 1
        return [Said(self._prompts.text(ids), tuple(logs)) for ids, logs in zip(outputs, spoken, strict=True)]

    def _ended(self, output: list[int], most: int) -> bool:
        return output[-1] in self._eos or len(output) >= most

    @torch.inference_mode()
    def _score(self, jobs: Sequence[_Job], vocabulary: bool) -> list[list[Forced]]:
        prompt = _Prefill.of([job.prompt for job in jobs])
        first = self._model(**prompt.inputs, use_cache=True, logits_to_keep=1)
        row = torch.tensor([k for k, job in enumerate(jobs) for _ in job.answers])
        labels = [answer for job in jobs for answer in job.answers]
        logits = first.logits[row]
        longest = max(map(len, labels))
        if longest > 1:
            given = torch.zeros(len(labels), longest - 1, dtype=torch.long)
            for k, answer in enumerate(labels):
                given[k, : len(answer) - 1] = torch.tensor(answer[:-1])
            first.past_key_values.batch_select_indices(row)
            rest = self._model(
                input_ids=given,
                attention_mask=torch.cat([prompt.attention[row], torch.ones_like(given)], dim=1),
                position_ids=prompt.lengths[row][:, None] + torch.arange(longest - 1),
                past_key_values=first.past_key_values,
                use_cache=True,
            )
            logits = torch.cat([logits, rest.logits], dim=1)
        asks = [job.ask for job in jobs for _ in job.answers]
        self._serve(logits := logits.float(), asks, [job.prompt for job in jobs for _ in job.answers], labels)
        forced = iter(_forced(torch.log_softmax(logits, dim=-1), labels, vocabulary))
        return [[next(forced) for _ in job.answers] for job in jobs]

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
        return [rule.begin(asks, prompts, outputs) for rule in self._rules] if any(a.digests for a in asks) else []

    def _parts(self, jobs: Sequence[_Job]) -> Iterator[Sequence[_Job]]:
        """Consecutive jobs whose logits, padded to the longest answer, stay within the limit."""
        start, rows, longest = 0, 0, 0
        for place, job in enumerate(jobs):
            rows, longest = rows + len(job.answers), max(longest, *map(len, job.answers))
            if place > start and rows * longest * self._width > _CELLS:
                yield jobs[start:place]
                start, rows, longest = place, len(job.answers), max(map(len, job.answers))
        if start < len(jobs):
            yield jobs[start:]


class _Job(NamedTuple):
    ask: Ask
    prompt: list[int]
    answers: list[list[int]]


class _Prefill(NamedTuple):
    """Prompts padded on the left; `lengths` int64 [rows]."""

    ids: torch.Tensor
    attention: torch.Tensor
    lengths: torch.Tensor

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]]) -> _Prefill:
        longest = max(map(len, prompts))
        ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        attention = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            attention[row, longest - len(prompt) :] = 1
        return cls(ids, attention, attention.sum(dim=1))

    @property
    def inputs(self) -> dict[str, torch.Tensor]:
        positions = (self.attention.cumsum(dim=1) - 1).clamp(min=0)
        return {"input_ids": self.ids, "attention_mask": self.attention, "position_ids": positions}


def _served(logits: torch.Tensor, steps: Sequence[Steps]) -> torch.Tensor:
    for step in steps:
        logits = step.apply(logits)
    return logits


def _forced(log_probs: torch.Tensor, labels: Sequence[list[int]], vocabulary: bool) -> Iterator[Forced]:
    predicted = log_probs.argmax(dim=-1)
    for row, answer in enumerate(labels):
        served = log_probs[row, : len(answer)]
        own = served.gather(-1, torch.tensor(answer)[:, None])[:, 0]
        yield Forced(
            tuple(answer),
            own.numpy().astype(np.float64),
            tuple(predicted[row, : len(answer)].tolist()),
            served.numpy() if vocabulary else None,
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
