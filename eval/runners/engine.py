"""vLLM in this process, with the policy's logits processor and without HTTP."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.core.prompt import Decoding, Prompt, SampledPrompt, sampled_prompts
from eval.core.runner import ENGINE_UNSCORED, Dtype, Generation, ScoredAnswer, TopTokens, generate_by_decoding
from eval.runners.backtracking import Part, backtracked
from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer
from guard.decoding.backtracking import choose_abort_token
from guard.decoding.beam import BEAM_WIDTH, Extension, NextTokens, candidates_per_beam, run, search
from guard.decoding.request_args import POLICY_DIR_ENV, RESTRICTION_PROCESSOR, EngineArgs
from guard.errors import EngineUnavailable
from guard.matching.automaton import Automaton
from serving.engine.embedded import on_cpu
from serving.engine.in_process import start_llm

_CPU_KV_CACHE_GIB = "1"


class Engine:
    """A running engine; log-probabilities are those after the policy's processor."""

    no_likelihood = ENGINE_UNSCORED

    def __init__(self, llm: Any, encoder: PromptEncoder, folder: Path, version: str) -> None:
        self._llm = llm
        self._folder = folder
        self._encoder = encoder
        self._version = version

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the answer to each prompt; successive draws of one prompt are the choices of one request."""
        generators = {
            Decoding.GREEDY: lambda prompts: self._sampled(prompts, max_tokens),
            Decoding.BACKTRACK: lambda prompts: self._backtracked(prompts, max_tokens),
            Decoding.BEAM: lambda prompts: [self._search(prompt, max_tokens) for prompt in prompts],
        }
        return generate_by_decoding(prompts, generators)

    def _sampled(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        results = self._results(sampled_prompts(prompts), max_tokens, 0)
        return [self._generation(one.token_ids, _log_probs(one)) for result in results for one in result.outputs]

    def _generation(self, tokens: Sequence[int], log_probs: tuple[float, ...] = ()) -> Generation:
        return Generation(self._encoder.decode(list(tokens)), log_probs)

    def _part(self, prompt: Prompt, max_tokens: int) -> Part:
        ids = self._encoder.encode(prompt)
        return Part(prompt, ids, min(max_tokens, self._llm.llm_engine.model_config.max_model_len - len(ids)))

    @property
    def _ends(self) -> frozenset[int]:
        config = self._llm.llm_engine.model_config
        return frozenset({self._encoder.tokenizer.eos_token_id, *_listed(config.try_get_generation_config())})

    def _search(self, prompt: Prompt, max_tokens: int) -> Generation:
        _, ids, limit = self._part(prompt, max_tokens)
        answers = run(search(self._ends, limit), _Scorer(self._llm, ids, self._arguments(prompt)))
        return self._generation(answers[0].tokens if answers else ())

    def _backtracked(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        parts = [self._part(prompt, max_tokens) for prompt in prompts]
        token = choose_abort_token(self._encoder.tokenizer.all_special_ids, self._ends)
        if token is None:
            return [self._generation(ids) for ids in self._greedy(parts)]
        return [
            self._generation(ids)
            for ids in backtracked(parts, token, self._automata, self._encoder.decode, self._greedy)
        ]

    def _automata(self, prompt: Prompt) -> list[Automaton]:
        return [Automaton.attach(self._folder, digest) for digest in prompt.digests]

    def _greedy(self, parts: Sequence[Part]) -> list[Sequence[int]]:
        from vllm import SamplingParams

        params = [
            SamplingParams(
                temperature=0.0,
                max_tokens=part.max_tokens,
                stop_token_ids=[part.prompt.backtracking.token] if part.prompt.backtracking else None,
                extra_args=self._arguments(part.prompt),
            )
            for part in parts
        ]
        inputs = [{"prompt_token_ids": part.prompt_ids} for part in parts]
        results = self._llm.generate(inputs, params, use_tqdm=False)
        return [result.outputs[0].token_ids for result in results]

    def _arguments(self, prompt: Prompt) -> dict[str, object]:
        return EngineArgs(self._version, prompt.digests, backtracking=prompt.backtracking).dump()

    def generate_top_tokens(self, prompts: Sequence[Prompt], max_tokens: int, top: int) -> list[TopTokens]:
        """Return the greedy answer to each prompt, with the `top` most likely tokens at every position."""
        return [
            _top_tokens(result.outputs[0]) for result in self._results(sampled_prompts(prompts), max_tokens, top)
        ]

    def _results(self, sampled: Sequence[SampledPrompt], max_tokens: int, top: int) -> Any:
        from vllm import SamplingParams

        inputs = [{"prompt_token_ids": self._encoder.encode(prompt)} for prompt, _ in sampled]
        params = [
            SamplingParams(
                temperature=prompt.temperature,
                n=count,
                seed=prompt.draw if prompt.temperature else None,
                max_tokens=max_tokens,
                logprobs=top,
                extra_args=self._arguments(prompt),
            )
            for prompt, count in sampled
        ]
        return self._llm.generate(inputs, params, use_tqdm=False)

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Raise EngineUnavailable: vLLM's log-probabilities of given tokens are those before any processor."""
        raise EngineUnavailable(self.no_likelihood)


class _Scorer:
    """Scores the beams of one search after `prompt_ids`, each a request of one token."""

    def __init__(self, llm: Any, prompt_ids: list[int], arguments: dict[str, object]) -> None:
        self._llm = llm
        self._beams = [prompt_ids]
        self._arguments = arguments

    def next_tokens(self, extension: Extension) -> list[NextTokens]:
        """Return the most likely tokens after each beam under the processed distribution."""
        from vllm import SamplingParams

        if extension.tokens:
            pairs = zip(extension.parents, extension.tokens, strict=True)
            self._beams = [[*self._beams[parent], token] for parent, token in pairs]
        params = SamplingParams(
            temperature=0.0, max_tokens=1, logprobs=candidates_per_beam(BEAM_WIDTH), extra_args=self._arguments
        )
        inputs = [{"prompt_token_ids": beam} for beam in self._beams]
        results = self._llm.generate(inputs, params, use_tqdm=False)
        return [_following(result.outputs[0].logprobs[0]) for result in results]


def _following(place: dict[int, Any]) -> NextTokens:
    listed = sorted(place.items(), key=lambda item: -item[1].logprob)
    return NextTokens([token for token, _ in listed], [float(entry.logprob) for _, entry in listed])


def _listed(generation: dict[str, Any]) -> list[int]:
    ends = generation.get("eos_token_id")
    return ends if isinstance(ends, list) else [] if ends is None else [ends]


def _log_probs(output: Any) -> tuple[float, ...]:
    pairs = zip(output.token_ids, output.logprobs, strict=True)
    return tuple(float(listed[token].logprob) for token, listed in pairs)


def _top_tokens(output: Any) -> TopTokens:
    listed = [[entry.decoded_token or "" for entry in place.values()] for place in output.logprobs]
    pairs = zip(output.token_ids, output.logprobs, strict=True)
    return TopTokens([place[token].decoded_token or "" for token, place in pairs], listed)


@contextmanager
def open_engine(model: str, folder: Path, version: str, dtype: Dtype, seed: int) -> Iterator[Engine]:
    """Start an engine whose processor attaches automata from `folder`; raises EngineUnavailable."""
    os.environ[POLICY_DIR_ENV] = str(folder)
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if on_cpu():
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", _CPU_KV_CACHE_GIB)
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    encoder = PromptEncoder(load_tokenizer(model))
    llm = _start(model, dtype, seed)
    try:
        yield Engine(llm, encoder, folder, version)
    finally:
        llm.llm_engine.engine_core.shutdown()
        del llm
        gc.collect()


def _start(model: str, dtype: Dtype, seed: int) -> Any:
    try:
        return start_llm(
            [RESTRICTION_PROCESSOR],
            model=model,
            dtype=dtype,
            seed=seed,
            logprobs_mode="processed_logprobs",
            enforce_eager=on_cpu(),
            # On CPU a seeded request whose prefill is chunked kills the engine.
            enable_chunked_prefill=False if on_cpu() else None,
            disable_log_stats=True,
        )
    except (RuntimeError, ValueError, OSError, ImportError) as error:
        raise EngineUnavailable(f"the engine did not start: {type(error).__name__}") from error
