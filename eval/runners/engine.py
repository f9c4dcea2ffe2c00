"""vLLM in this process, with the policy's processor and no HTTP between."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.core.ask import Ask, Decoding, Drawn, Forced, Looked, Said, drawn, each_its_way
from eval.runners.backtracking import Part, rewound
from eval.runners.prompt import Prompts, load_tokenizer
from eval.runners.reference import Dtype
from guard.decoding.backtracking import token_of
from guard.decoding.beam import WIDTH, Extension, Following, candidates, run, search
from guard.decoding.request_args import POLICY_DIR_ENV, RESTRICTION_PROCESSOR, EngineArgs
from guard.errors import EngineUnavailable
from guard.matching.automaton import Automaton
from serving.engine.embedded import on_cpu

_KV_CACHE_GIB = "1"


class Engine:
    """A running engine; log-probabilities are those after the policy's processor."""

    no_likelihood = "not scored: the engine runner measures text"

    def __init__(self, llm: Any, prompts: Prompts, folder: Path, version: str) -> None:
        self._llm = llm
        self._folder = folder
        self._prompts = prompts
        self._version = version

    def generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        """The answer to each; draws of one ask that follow each other are the choices of one request."""
        ways = {
            Decoding.GREEDY: lambda asks: self._drawn(asks, max_tokens),
            Decoding.REWIND: lambda asks: self._rewound(asks, max_tokens),
            Decoding.BEAM: lambda asks: [self._search(ask, max_tokens) for ask in asks],
        }
        return each_its_way(asks, ways)

    def _drawn(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        results = self._results(drawn(asks), max_tokens, 0)
        return [self._said(one.token_ids, _log_probs(one)) for result in results for one in result.outputs]

    def _said(self, tokens: Sequence[int], log_probs: tuple[float, ...] = ()) -> Said:
        return Said(self._prompts.text(list(tokens)), log_probs)

    def _begun(self, ask: Ask, max_tokens: int) -> Part:
        prompt = self._prompts.ids(ask)
        return Part(ask, prompt, min(max_tokens, self._llm.llm_engine.model_config.max_model_len - len(prompt)))

    @property
    def _ends(self) -> frozenset[int]:
        config = self._llm.llm_engine.model_config
        return frozenset({self._prompts.tokenizer.eos_token_id, *_listed(config.try_get_generation_config())})

    def _search(self, ask: Ask, max_tokens: int) -> Said:
        _, prompt, most = self._begun(ask, max_tokens)
        answers = run(search(self._ends, most), _Scorer(self._llm, prompt, self._arguments(ask)))
        return self._said(answers[0].tokens if answers else ())

    def _rewound(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        parts = [self._begun(ask, max_tokens) for ask in asks]
        token = token_of(self._prompts.tokenizer.all_special_ids, self._ends)
        if token is None:
            return [self._said(ids) for ids in self._speak(parts)]
        return [self._said(ids) for ids in rewound(parts, token, self._automata, self._prompts.text, self._speak)]

    def _automata(self, ask: Ask) -> list[Automaton]:
        return [Automaton.attach(self._folder, digest) for digest in ask.digests]

    def _speak(self, parts: Sequence[Part]) -> list[Sequence[int]]:
        from vllm import SamplingParams

        params = [
            SamplingParams(
                temperature=0.0,
                max_tokens=part.most,
                stop_token_ids=[part.ask.rewind.token] if part.ask.rewind else None,
                extra_args=self._arguments(part.ask),
            )
            for part in parts
        ]
        prompts = [{"prompt_token_ids": part.prompt} for part in parts]
        results = self._llm.generate(prompts, params, use_tqdm=False)
        return [result.outputs[0].token_ids for result in results]

    def _arguments(self, ask: Ask) -> dict[str, object]:
        return EngineArgs(self._version, ask.digests, backtracking=ask.rewind).dump()

    def look(self, asks: Sequence[Ask], max_tokens: int, top: int) -> list[Looked]:
        """The greedy answer to each, with the `top` tokens listed at every place."""
        return [_looked(result.outputs[0]) for result in self._results(drawn(asks), max_tokens, top)]

    def _results(self, draws: Sequence[Drawn], max_tokens: int, top: int) -> Any:
        from vllm import SamplingParams

        prompts = [{"prompt_token_ids": self._prompts.ids(ask)} for ask, _ in draws]
        params = [
            SamplingParams(
                temperature=ask.temperature,
                n=times,
                seed=ask.draw if ask.temperature else None,
                max_tokens=max_tokens,
                logprobs=top,
                extra_args=self._arguments(ask),
            )
            for ask, times in draws
        ]
        return self._llm.generate(prompts, params, use_tqdm=False)

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Not to be had: vLLM's log-probabilities of given tokens are those before any processor."""
        raise EngineUnavailable(self.no_likelihood)


class _Scorer:
    """Scores the beams of one search after `prompt`, each a request of one token."""

    def __init__(self, llm: Any, prompt: list[int], arguments: dict[str, object]) -> None:
        self._llm = llm
        self._beams = [prompt]
        self._arguments = arguments

    def follow(self, extension: Extension) -> list[Following]:
        """The likeliest tokens after each beam, as the processed distribution has them."""
        from vllm import SamplingParams

        if extension.tokens:
            pairs = zip(extension.parents, extension.tokens, strict=True)
            self._beams = [[*self._beams[parent], token] for parent, token in pairs]
        params = SamplingParams(
            temperature=0.0, max_tokens=1, logprobs=candidates(WIDTH), extra_args=self._arguments
        )
        prompts = [{"prompt_token_ids": beam} for beam in self._beams]
        results = self._llm.generate(prompts, params, use_tqdm=False)
        return [_following(result.outputs[0].logprobs[0]) for result in results]


def _following(place: dict[int, Any]) -> Following:
    listed = sorted(place.items(), key=lambda item: -item[1].logprob)
    return Following([token for token, _ in listed], [float(entry.logprob) for _, entry in listed])


def _listed(generation: dict[str, Any]) -> list[int]:
    ends = generation.get("eos_token_id")
    return ends if isinstance(ends, list) else [] if ends is None else [ends]


def _log_probs(said: Any) -> tuple[float, ...]:
    pairs = zip(said.token_ids, said.logprobs, strict=True)
    return tuple(float(listed[token].logprob) for token, listed in pairs)


def _looked(said: Any) -> Looked:
    listed = [[entry.decoded_token or "" for entry in place.values()] for place in said.logprobs]
    pairs = zip(said.token_ids, said.logprobs, strict=True)
    return Looked([place[token].decoded_token or "" for token, place in pairs], listed)


@contextmanager
def open_engine(model: str, folder: Path, version: str, dtype: Dtype, seed: int) -> Iterator[Engine]:
    """An engine whose processor attaches automata from `folder`; EngineUnavailable when it does not start."""
    os.environ[POLICY_DIR_ENV] = str(folder)
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    os.environ["VLLM_USE_V2_MODEL_RUNNER"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if on_cpu():
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", _KV_CACHE_GIB)
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    prompts = Prompts(load_tokenizer(model))
    llm = _start(model, dtype, seed)
    try:
        yield Engine(llm, prompts, folder, version)
    finally:
        llm.llm_engine.engine_core.shutdown()
        del llm
        gc.collect()


def _start(model: str, dtype: Dtype, seed: int) -> Any:
    from vllm import LLM

    try:
        return LLM(
            model=model,
            dtype=dtype,
            seed=seed,
            logits_processors=[RESTRICTION_PROCESSOR],
            logprobs_mode="processed_logprobs",
            enforce_eager=on_cpu(),
            # On CPU a seeded request whose prefill is chunked kills the engine.
            enable_chunked_prefill=False if on_cpu() else None,
            disable_log_stats=True,
        )
    except (RuntimeError, ValueError, OSError, ImportError) as error:
        raise EngineUnavailable(f"the engine did not start: {type(error).__name__}") from error
