"""Given answers under teacher forcing, by the engine that serves: what it would say at each of their tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ulid import ULID

from guard.errors import EngineUnavailable, ModelUnavailable


class Forced(NamedTuple):
    """An answer's token ids, log p of each as served (-inf: it is forbidden), and the likeliest token there."""

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    predicted: tuple[int, ...]


class Teacher:
    """Makes a running vLLM read given answers.

    Where anything is changed, each position is a request of one token: the worker's processors read the answer so
    far as they read a prompt, so log p is that of the distribution that would be sampled from. Elsewhere the
    engine reports all positions of one prompt.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def prompt(self, messages: object, text: str) -> list[int]:
        """Token ids of a chat up to the assistant's turn, or of a plain text where `messages` is None."""
        tokenizer = self._client.get_tokenizer()
        if messages is None:
            return list(tokenizer(text)["input_ids"]) or [tokenizer.bos_token_id]
        if not tokenizer.chat_template:
            raise ModelUnavailable("the model's tokenizer has no chat template")
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))

    def answer(self, text: str, *, end: bool) -> list[int]:
        """Token ids of an answer, with the end of sequence if `end`."""
        tokenizer = self._client.get_tokenizer()
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        return [*ids, tokenizer.eos_token_id] if end else ids

    async def force(
        self, prompt: Sequence[int], answer: Sequence[int], terms: Mapping[str, object], *, free: bool
    ) -> Forced:
        """The answer after the prompt, cut at the model's context; `free`: these terms change nothing."""
        answer = answer[: self._client.model_config.max_model_len - len(prompt)]
        if not answer:
            return Forced((), (), ())
        try:
            return await (self._read if free else self._step)(list(prompt), list(answer), terms)
        except (ValueError, RuntimeError, LookupError) as error:
            raise EngineUnavailable(f"the engine did not score: {type(error).__name__}") from None

    async def _read(self, prompt: list[int], answer: list[int], terms: Mapping[str, object]) -> Forced:
        # Its last token needs no more than to be given.
        given = prompt + answer
        last = await self._step(given[:-1], answer[-1:], terms)
        if len(answer) == 1:
            return last
        output = await self._ask(given[:-1], terms, prompt_logprobs=1)
        listed = output.prompt_logprobs[len(prompt) :]
        log_probs = [float(entry[token].logprob) for entry, token in zip(listed, answer, strict=False)]
        likeliest = [max(entry, key=lambda token: entry[token].logprob) for entry in listed]
        return Forced(tuple(answer), (*log_probs, *last.log_probs), (*likeliest, *last.predicted))

    async def _step(self, prompt: list[int], answer: list[int], terms: Mapping[str, object]) -> Forced:
        steps = (
            self._ask(prompt + answer[:place], terms, logprob_token_ids=[token])
            for place, token in enumerate(answer)
        )
        said = [output.outputs[0] for output in await asyncio.gather(*steps)]
        log_probs = [float(one.logprobs[0][token].logprob) for one, token in zip(said, answer, strict=True)]
        return Forced(tuple(answer), tuple(log_probs), tuple(int(one.token_ids[0]) for one in said))

    async def _ask(self, prompt: list[int], terms: Mapping[str, object], **asked: Any) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            extra_args=dict(terms),
            **asked,
        )
        said = self._client.generate({"prompt_token_ids": prompt}, params, f"score-{ULID()}")
        return [output async for output in said][-1]
