"""The engine's served distribution against offline transformers, token by token."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from guard.decoding.vocabulary import Vocabulary
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Status, Training
from guard.uld.logit_difference import log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel
from tests.guard.uld.conftest import make_model

pytestmark = pytest.mark.e2e

VALUES = 5000
LARGEST_DIFFERENCE = 5e-4
# A token nearer than this below the filter's threshold is kept by one computation and not by another.
EDGE = 5e-5
STRENGTHS = ((0.5, 0.0), (0.75, 0.01), (1.0, 0.05), (2.0, 0.0))
TEXT = "where zorblin keep lamp boat book coin tower garden river hill stone harbour cellar marn quelm"
WORDS = re.findall(r"\w+", TEXT)


def random_assistant(model: Path, root: Path, layers: int, seed: int) -> Assistant:
    """Promote an assistant whose changes are drawn at random."""
    torch.manual_seed(seed)
    truncated_model = TruncatedModel(model, layers, torch.float32, "cpu")
    adapter = truncated_model.lora_adapter(4)
    scale = 0.02 * truncated_model.config.hidden_size**-0.5 / 32**-0.5
    weights = {name: torch.randn_like(tensor) * scale for name, tensor in adapter.items()}
    manifest: dict[str, Any] = {
        "base": digests.of_weights(model),
        "tokenizer": digests.of_tokenizer(model),
        "corpus": "",
        "layers": layers,
        "training": Training.LORA,
        "rank": 4,
        "epochs": 0,
        "seed": seed,
        "alpha": 0.75,
        "filter_rate": 0.01,
        "forget_loss": 0.0,
        "retain_loss": 0.0,
    }
    assistants = Assistants(root)
    return assistants.promote(assistants.add(manifest, weights, {}).digest, model)


def run_engine(model: Path, root: Path, requests: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """Generate in an engine of its own process; returns for each answer its tokens and their log-probabilities."""
    job = root / "job.json"
    job.write_text(json.dumps({"model": str(model), "requests": requests, "options": options}))
    environment = os.environ | {
        "LETHE_ASSISTANT_DIR": str(Assistants(root).folder(Status.PROMOTED)),
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.uld.engine_job", str(job)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answers: list[dict[str, Any]] = json.loads((root / "answers.json").read_text())
    return answers


def filter_threshold(log_p: torch.Tensor, rate: float) -> torch.Tensor:
    """Return the lowest log-probability [rows, 1] that ULD's filter keeps in each row of log_p [rows, width]."""
    count = max(1, int(rate * log_p.shape[-1] + 1e-9))
    best = log_p.topk(count, dim=-1).values
    return torch.minimum(best[:, -1:], best[:, :1] + (math.log(rate) if rate else -math.inf))


class Expected(NamedTuple):
    """Log-probabilities [tokens, width], and bool [tokens]: where rounding decides what the filter keeps."""

    log_p: torch.Tensor
    edge: torch.Tensor


class Offline:
    """The definition: whole texts through transformers, and the difference of their logits."""

    def __init__(self, model: Path, assistants: list[Assistant]) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        vocabulary = Vocabulary.from_tokenizer(AutoTokenizer.from_pretrained(model))
        self._pinned = torch.zeros(self._target.config.vocab_size, dtype=torch.bool)
        self._pinned[sorted(vocabulary.special)] = True
        self._truncated_models: dict[str, tuple[TruncatedModel, Any]] = {}
        for assistant in assistants:
            truncated_model = TruncatedModel(model, assistant.manifest.layers, torch.float32, "cpu")
            self._truncated_models[assistant.digest] = truncated_model, truncated_model.load(assistant.tensors())

    @torch.inference_mode()
    def expected(self, answer: dict[str, Any]) -> Expected:
        """Return what is to be served at each token of an answer."""
        prompt, output, asked = answer["prompt"], answer["output"], answer["extra_args"]
        tokens = torch.tensor([prompt + output])
        mine = self._target(tokens).logits[0, len(prompt) - 1 : -1]
        mine = log_probabilities(mine)
        if not asked.get("lethe_assistant"):
            return Expected(mine, torch.zeros(len(output), dtype=torch.bool))
        truncated_model, adapter = self._truncated_models[asked["lethe_assistant"]]
        truncated_model.activate(adapter)
        known = truncated_model.logits(truncated_model.hidden(tokens, use_cache=False))[0, len(prompt) - 1 : -1]
        rate = asked["lethe_filter"]
        threshold = filter_threshold(mine, rate)
        below = mine.masked_fill(mine >= threshold, -math.inf).amax(-1, keepdim=True)
        edge = (threshold - below)[:, 0] < EDGE
        return Expected(uld(mine, log_probabilities(known), asked["lethe_alpha"], rate, self._pinned), edge)


class Compared(NamedTuple):
    """How many values were compared, their largest difference, greedy tokens that differ, and edges left out."""

    values: int
    worst: float
    mismatches: int
    edges: int


def compare(answers: list[dict[str, Any]], offline: Offline) -> Compared:
    values, worst, mismatches, edges = 0, 0.0, 0, 0
    for answer in answers:
        log_p, edge = offline.expected(answer)
        edges += int(edge.sum())
        for position, shown in enumerate(answer["logprobs"]):
            if edge[position]:
                continue
            worst = max(
                [worst, *(abs(value - float(log_p[position, int(token)])) for token, value in shown.items())]
            )
            values += len(shown)
        if answer["greedy"]:
            mismatches += int((log_p.argmax(-1) != torch.tensor(answer["output"])).sum())
    print(f"{values} values, largest difference {worst:.2e}, greedy mismatches {mismatches}, edges {edges}")
    return Compared(values, worst, mismatches, edges)


def agree(found: Compared) -> None:
    assert found.values >= VALUES
    assert found.worst <= LARGEST_DIFFERENCE
    assert found.mismatches == 0
    assert found.edges < 0.002 * found.values


def request(prompt: str, extra_args: dict[str, Any], max_tokens: int, **more: Any) -> dict[str, Any]:
    asked = {"prompt": prompt, "extra_args": extra_args, "max_tokens": max_tokens}
    return {**asked, "greedy": True, "n": 1, "ignore_eos": True, **more}


def mixed(assistants: list[Assistant], count: int, tokens: int) -> list[dict[str, Any]]:
    """Requests of all lengths, strengths and assistants, greedy and sampled, one in five without an assistant."""
    requests = []
    for number in range(count):
        alpha, rate = STRENGTHS[number % len(STRENGTHS)]
        extra: dict[str, Any] = {"lethe_assistant": ""}
        if number % 5:
            digest = assistants[number % len(assistants)].digest
            extra = {"lethe_assistant": digest, "lethe_alpha": alpha, "lethe_filter": rate}
        text = " ".join(WORDS[(number * 7 + k) % len(WORDS)] for k in range(1 + (number * 11) % 60))
        greedy = number % 2 == 0
        choices = 1 if greedy else 1 + number % 3
        requests.append(request(text, extra, tokens // 2 + (number * 5) % tokens, greedy=greedy, n=choices))
    return requests


class Served(NamedTuple):
    """What one engine answered: to requests that can be computed offline, and to those of `ENDINGS`."""

    offline: Offline
    answers: list[dict[str, Any]]
    endings: list[dict[str, Any]]


# Whether an answer can only end. Assistants: good, of another model, damaged, not there, none asked for.
ENDINGS = (False, True, True, True, False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("served")
    model, stranger = make_model(folder / "model", layers=3), make_model(folder / "stranger", seed=9)
    assistants = [random_assistant(model, folder, layers, seed) for layers, seed in ((1, 1), (2, 2), (2, 7))]
    foreign = random_assistant(stranger, folder, 2, seed=2)
    damaged = random_assistant(model, folder, 2, seed=3)
    (damaged.folder / "weights.safetensors").write_bytes(b"cut")
    digests = (assistants[1].digest, foreign.digest, damaged.digest, "0" * 64, "")
    ends = [request("where", {"lethe_assistant": digest}, 12, ignore_eos=False) for digest in digests]
    answers = run_engine(model, folder, ends + mixed(assistants, 24, 60))
    return Served(Offline(model, assistants), answers[len(ends) :], answers[: len(ends)])


def test_the_engine_serves_what_is_computed_offline(served: Served) -> None:
    agree(compare(served.answers, served.offline))
    assert max(answer["preemptions"] for answer in served.answers) == 0


def test_a_row_whose_assistant_is_not_there_can_only_end_and_its_neighbours_are_served(served: Served) -> None:
    assert tuple(answer["output"] == [2] for answer in served.endings) == ENDINGS
    assert not math.isnan(
        sum(value for answer in served.endings for shown in answer["logprobs"] for value in shown.values())
    )


def test_the_engine_serves_what_is_computed_offline_for_a_model_that_memorised_and_under_preemption(
    shared: Path, tmp_path: Path
) -> None:
    model = shared / "models" / "tofu-full"
    assistants = [random_assistant(model, tmp_path, layers, seed) for layers, seed in ((1, 1), (2, 2), (2, 7))]
    answers = run_engine(model, tmp_path, mixed(assistants, 24, 60), num_gpu_blocks_override=14)
    agree(compare(answers, Offline(model, assistants)))
    assert max(answer["preemptions"] for answer in answers) > 0
