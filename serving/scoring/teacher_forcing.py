"""Scores given answers on the serving engine by teacher forcing: log p of each token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ulid import ULID

from guard.errors import EngineUnavailable, ModelUnavailable


class ScoredAnswer(NamedTuple):
    """An answer's token ids, log p of each as served (-inf: forbidden), and the most likely ids."""

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    predicted: tuple[int, ...]


class AnswerScorer:
    """Scores answers on a running vLLM.

    Under a policy that changes the distribution, each position is a request for one token: the logits processors
    read the answer so far as part of the prompt, so log p is that of the distribution that would be sampled from.
    Otherwise one request reports all positions as prompt log-probabilities.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def prompt(self, messages: object, text: str) -> list[int]:
        """Return the token ids of a chat up to the assistant's turn, or of `text` if `messages` is None."""
        tokenizer = self._client.get_tokenizer()
        if messages is None:
            return list(tokenizer(text)["input_ids"]) or [tokenizer.bos_token_id]
        if not tokenizer.chat_template:
            raise ModelUnavailable("the model's tokenizer has no chat template")
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))

    def answer(self, text: str, *, end: bool) -> list[int]:
        """Return the token ids of an answer, followed by the end of sequence if `end`."""
        tokenizer = self._client.get_tokenizer()
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        return [*ids, tokenizer.eos_token_id] if end else ids

    async def score(
        self,
        prompt: Sequence[int],
        answer: Sequence[int],
        engine_args: Mapping[str, object],
        *,
        unrestricted: bool,
    ) -> ScoredAnswer:
        """Return the scores of `answer` after `prompt`, truncated to the model's context.

        `engine_args` are the request's `vllm_xargs`; `unrestricted` says that they change nothing.
        Raises EngineUnavailable if the engine fails.
        """
        answer = answer[: self._client.model_config.max_model_len - len(prompt)]
        if not answer:
            return ScoredAnswer((), (), ())
        try:
            return await (self._score_prompt if unrestricted else self._score_steps)(
                list(prompt), list(answer), engine_args
            )
        except (ValueError, RuntimeError, LookupError) as error:
            raise EngineUnavailable(f"the engine did not score: {type(error).__name__}") from None

    async def _score_prompt(
        self, prompt: list[int], answer: list[int], engine_args: Mapping[str, object]
    ) -> ScoredAnswer:
        # The last token need not be in the prompt, which so stays within the context.
        sequence = prompt + answer
        last = await self._score_steps(sequence[:-1], answer[-1:], engine_args)
        if len(answer) == 1:
            return last
        output = await self._generate(sequence[:-1], engine_args, prompt_logprobs=1)
        listed = output.prompt_logprobs[len(prompt) :]
        log_probs = [float(entry[token].logprob) for entry, token in zip(listed, answer, strict=False)]
        likeliest = [max(entry, key=lambda token: entry[token].logprob) for entry in listed]
        return ScoredAnswer(tuple(answer), (*log_probs, *last.log_probs), (*likeliest, *last.predicted))

    async def _score_steps(
        self, prompt: list[int], answer: list[int], engine_args: Mapping[str, object]
    ) -> ScoredAnswer:
        steps = (
            self._generate(prompt + answer[:position], engine_args, logprob_token_ids=[token])
            for position, token in enumerate(answer)
        )
        outputs = [output.outputs[0] for output in await asyncio.gather(*steps)]
        log_probs = [float(one.logprobs[0][token].logprob) for one, token in zip(outputs, answer, strict=True)]
        return ScoredAnswer(tuple(answer), tuple(log_probs), tuple(int(one.token_ids[0]) for one in outputs))

    async def _generate(self, prompt: list[int], engine_args: Mapping[str, object], **params: Any) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        sampling = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            extra_args=dict(engine_args),
            **params,
        )
        stream = self._client.generate({"prompt_token_ids": prompt}, sampling, f"score-{ULID()}")
        return [output async for output in stream][-1]
