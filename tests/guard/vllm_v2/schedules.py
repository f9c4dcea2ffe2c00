"""Random schedules of requests that are tempted to say what is forbidden, and the V1 processors as reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor

from tests.guard.toy_tokenizers import byte_level
from tests.guard.vllm_v2.replay import Model, Request, Runner

TOKENIZER = byte_level()
WIDTH = len(TOKENIZER) + 3
EOS = TOKENIZER.eos_token_id
SCRIPTS = (" Basil Romerto met", " the basilica 日本", "Romerto, silica", " B-a-s-i-l er to", " mer Romero ba sil")
TEMPTATION = 6.0
"""What the next token of a request's script has over the others, whose logits are of a deviation of 1."""
MAX_OUTPUT = 16

Arrival = Callable[[np.random.Generator, str], Request]
"""Makes a request of this id."""


@lru_cache(maxsize=4096)
def _noise(seed: int, last: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng([seed, max(0, last)]).normal(size=width).astype(np.float32))


def tempted_by(script: Sequence[int], seed: int, prompt: int, width: int = WIDTH) -> Model:
    """A model that would say `script` again and again after `prompt` tokens."""

    def model(tokens: Sequence[int]) -> torch.Tensor:
        logits = _noise(seed, tokens[-1], width).clone()
        logits[script[(len(tokens) - prompt) % len(script)]] += TEMPTATION
        return logits

    return model


@dataclass
class Played:
    """What became of a schedule: its requests, and how often a draft was accepted or refused, or one preempted."""

    requests: list[Request] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    preempted: int = 0
    reused: int = 0


def arriving(arguments: Sequence[dict[str, object]], rng: np.random.Generator, id: str) -> Request:
    """A request with any of these arguments, tempted by any of SCRIPTS."""
    texts = rng.choice(SCRIPTS, size=2)
    script, before = (TOKENIZER.encode(str(text), add_special_tokens=False) for text in texts)
    prompt = before[: int(rng.integers(1, len(before) + 1))]
    params = SamplingParams(temperature=0.0, extra_args=arguments[int(rng.integers(len(arguments)))], logprobs=2)
    return Request(id, prompt, params, tempted_by(script, int(rng.integers(64)), len(prompt)))


def _drafted(rng: np.random.Generator, request: Request, most: int) -> list[int]:
    """Drafts as a draft model makes them: what the model wants to say, unrestricted, and sometimes nonsense."""
    drafts: list[int] = []
    for _ in range(int(rng.integers(0, most + 1))):
        logits = request.model(request.tokens + drafts)
        drafts.append(int(logits.argmax()) if rng.random() < 0.8 else int(rng.integers(0, len(logits) - 3)))
    return drafts


def play(runner: Runner, arrival: Arrival, seed: int, steps: int = 24) -> Played:
    """Play a random schedule: arrivals, chunked prefills, drafts, preemption, rows left out, slots used again."""
    rng, played, waiting, slots = np.random.default_rng(seed), Played(), list[Request](), set[int]()
    room, most = runner.states.max_num_reqs, runner.drafts
    for step in range(steps):
        running = list(runner.requests.values())
        removed = [one for one in running if len(one.output) >= MAX_OUTPUT]
        lost = [one for one in running if one not in removed and rng.random() < 0.08]
        played.preempted += len(lost)
        waiting += lost
        if step < steps - MAX_OUTPUT // 2:
            fresh = [arrival(rng, f"r{len(played.requests) + n}") for n in range(int(rng.integers(0, 3)))]
            played.requests += fresh
            waiting += fresh
        free = room - (len(running) - len(removed) - len(lost))
        count = min(free, len(waiting), int(rng.integers(0, room + 1)))
        added = [waiting.pop(int(rng.integers(len(waiting)))) for _ in range(count)]
        ids = [one.id for one in running if one not in removed and one not in lost] + [one.id for one in added]
        # Some requests have no tokens in a step, and the order of a batch changes.
        batch = [ids[n] for n in rng.permutation(len(ids)) if rng.random() < 0.9]
        scheduled = {id: int(rng.integers(1, 9)) for id in batch}
        drafts = {one.id: _drafted(rng, one, most) for one in running if one.id in scheduled and one.output}
        said = {one.id: len(one.output) for one in running}
        if not scheduled:
            scheduled, drafts = {}, {}
        runner.step(added, [one.id for one in (*removed, *lost)], scheduled or None, drafts)
        for one in added:
            slot = runner.states.req_id_to_index[one.id]
            played.reused += slot in slots
            slots.add(slot)
        for id, given in drafts.items():
            if given and (new := len(runner.requests[id].output) - said[id]):
                played.accepted += new - 1
                played.refused += new - 1 < len(given)
    return played


def alone(make: Callable[[], Sequence[LogitsProcessor]], request: Request) -> list[torch.Tensor]:
    """The logits that the V1 processors leave a request alone in the world, for each token that it said."""
    processors, output, rows = make(), list[int](), list[torch.Tensor]()
    added = [(0, request.params, request.prompt, output)]
    for number, token in enumerate(request.output):
        logits = request.model(request.prompt + output)[None].clone()
        for processor in processors:
            processor.update_state(BatchUpdate(1, [], added, []) if number == 0 else None)
            logits = processor.apply(logits)
        rows.append(logits[0])
        output.append(token)
    return rows


def v1_config(config: SimpleNamespace) -> tuple[SimpleNamespace, torch.device, bool]:
    return config, torch.device("cpu"), False
