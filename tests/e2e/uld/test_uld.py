"""ULD through a demo server: trained, promoted, subtracted, retired, and closed when it cannot be."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from guard.uld import digests
from guard.uld.assistant import Assistants, Status, Training
from serving.demo.people import FORGETTABLE, person
from serving.settings import Settings
from tests.e2e.server import Server

pytestmark = pytest.mark.e2e

FORGOTTEN = person(FORGETTABLE[0])
GATED = FORGOTTEN.facts[1].question
OTHER = person("Anouk Delvarine").facts[1].question
ADMIN = "/admin/v1/assistants"


@pytest.fixture
def target(demo: Server) -> Iterator[str]:
    draft = asdict(FORGOTTEN)
    body = {"name": draft["name"], "facts": draft["facts"], "methods": ["guard", "uld"]}
    target_id = str(demo.forget(body)["id"])
    yield target_id
    demo.remember(target_id)


def until(wanted: Callable[[], Any], seconds: float = 240.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := wanted():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to pass in time")


def plan(server: Server) -> str:
    return str(server.admin.post("/admin/v1/check", json={"text": GATED}).json()["plan"])


def training(server: Server) -> dict[str, Any]:
    (job,) = server.admin.get(ADMIN).json()["trainings"]
    return dict(job)


def answer(server: Server, question: str) -> Any:
    asked: list[Any] = [{"role": "user", "content": question}]
    made = server.openai.chat.completions.create(
        model=server.model, messages=asked, temperature=0.0, max_tokens=12, logprobs=True, top_logprobs=5
    )
    return made.choices[0]


def shown(server: Server, question: str) -> dict[str, float]:
    """The log-probabilities listed at the first token of the answer."""
    return {top.token: top.logprob for top in answer(server, question).logprobs.content[0].top_logprobs}


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """The largest difference over the tokens of either; one that is not listed counts as the least that is."""
    return max(abs(one.get(t, min(one.values())) - other.get(t, min(other.values()))) for t in {*one, *other})


def child(server: Server) -> int:
    """The process that trains."""
    process = server.process.pid
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    for pid in (int(pid) for file in tasks for pid in file.read_text().split()):
        if b"serving.assistants.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("nothing trains")


def test_an_assistant_is_trained_promoted_and_retired_without_a_restart(demo: Server, target: str) -> None:
    gated, other = shown(demo, GATED), shown(demo, OTHER)
    assert demo.admin.post(ADMIN, json={"targets": "all"}).status_code == 202
    until(lambda: training(demo)["share"] > 0.15)
    os.kill(child(demo), signal.SIGKILL)
    done = until(lambda: (job := training(demo))["state"] in ("trained", "failed") and job)
    assert done["state"] == "trained", done
    assert plan(demo) == "restrict"
    assert apart(shown(demo, GATED), gated) < 1e-3

    assert demo.admin.post(f"{ADMIN}/{done['assistant']}:promote").json()["targets"] == [target]
    until(lambda: plan(demo) == "subtract")
    assert apart(shown(demo, GATED), gated) > 0.5
    assert apart(shown(demo, OTHER), other) < 1e-3

    assert demo.admin.post(f"{ADMIN}/{done['assistant']}:retire").status_code == 204
    until(lambda: plan(demo) == "restrict")
    assert apart(shown(demo, GATED), gated) < 1e-3


@pytest.mark.parametrize("harm", ["another model", "another vocabulary", "truncated", "does not fit"])
def test_a_question_whose_assistant_cannot_be_served_is_declined(
    demo: Server, target: str, demo_model: Path, harm: str
) -> None:
    assistants = Assistants(demo.log.parent / "data" / "assistants")
    manifest: dict[str, Any] = {
        "base": "f" * 64 if harm == "another model" else digests.of_weights(demo_model),
        "tokenizer": "f" * 64 if harm == "another vocabulary" else digests.of_tokenizer(demo_model),
        "corpus": harm,
        "layers": 1,
        "training": Training.LORA,
        "rank": 1,
        "epochs": 1,
        "seed": 0,
        "alpha": 0.75,
        "filter_rate": 0.01,
        "forget_loss": 0.0,
        "retain_loss": 0.0,
        "targets": (target,),
    }
    bad = assistants.add(manifest, {"model.layers.0.self_attn.q_proj.weight": torch.ones(1)}, {})
    if harm == "truncated":
        (bad.folder / "weights.safetensors").write_bytes(b"")
    (promoted := assistants.folder(Status.PROMOTED)).mkdir(exist_ok=True)
    bad.folder.rename(promoted / bad.digest)
    try:
        until(lambda: plan(demo) == "subtract")
        said = answer(demo, GATED)
        assert (said.message.content, said.finish_reason) == (Settings().decline_text, "stop")
        assert answer(demo, OTHER).message.content
    finally:
        assistants.retire(bad.digest)
        until(lambda: plan(demo) == "restrict")
