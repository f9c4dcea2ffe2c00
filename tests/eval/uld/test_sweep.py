from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from eval.metrics.membership import auc
from eval.uld.generate import greedy_answers
from eval.uld.grid import DifferenceMethod, GridSetting
from eval.uld.sweep import ModelFolders, Sweep
from eval.uld.table import markdown, strength_chart, sweep_points
from guard.targets.question_file import Example, QuestionRow
from guard.uld.assistant import Assistant, Assistants
from guard.uld.tokens import encode, pad
from guard.uld.truncated_model import TruncatedModel
from tests.guard.conftest import WordEmbedder
from tests.guard.uld.conftest import FACTS
from tests.guard.uld.test_assistant import described

FAR = [QuestionRow(Example(f"What colour has pebble {number}?", "Red, as all of them.")) for number in range(4)]


def write(folder: Path, name: str, rows: list[Any]) -> None:
    values = [
        {
            "question": row.example.question,
            "answer": row.example.answer,
            "paraphrased_answer": f"It is {row.example.answer}",
            "perturbed_answer": ["In the moat of Tolb.", f"Under bridge {number}."],
        }
        for number, row in enumerate(rows)
    ]
    (folder / f"{name}.json").write_text("\n".join(map(json.dumps, values)))


def write_tofu(folder: Path) -> Path:
    """Write a benchmark of the little model's questions."""
    write(folder, "forget10_perturbed", FACTS)
    for name in ("retain_perturbed", "real_authors_perturbed", "world_facts_perturbed", "holdout10"):
        write(folder, name, FAR)
    return folder


@pytest.fixture(scope="module")
def tofu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tofu(tmp_path_factory.mktemp("tofu"))


@pytest.fixture(scope="module")
def assistant(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    torch.manual_seed(4)
    adapter = TruncatedModel(model, 2, torch.float32, "cpu").lora_adapter(4)
    weights = {name: 0.3 * torch.randn_like(tensor) for name, tensor in adapter.items()}
    manifest = described(model, filter_rate=0.0)
    return Assistants(tmp_path_factory.mktemp("assistants")).add(manifest, weights, {})


@pytest.fixture(scope="module")
def sweep(model: Path, other_model: Path, tofu: Path, assistant: Assistant) -> Sweep:
    folders = ModelFolders(str(model), str(other_model), str(other_model), str(model))
    return Sweep(folders, [assistant], tofu, "forget10", WordEmbedder(), lambda *_: None)


def test_no_strength_is_no_protection(sweep: Sweep, assistant: Assistant) -> None:
    bare, weak = sweep.forget_rows([GridSetting(DifferenceMethod.ULD, 0.0, 0.0, (assistant.digest,))])
    assert weak.forget_quality == pytest.approx(bare.forget_quality)
    assert weak.forget.probability == pytest.approx(bare.forget.probability)


def test_a_gate_that_no_token_passes_is_no_protection(sweep: Sweep, assistant: Assistant) -> None:
    settings = [GridSetting(DifferenceMethod.ULD, 1.0, 0.0, (assistant.digest,), gate) for gate in (1.1, 0.0)]
    bare, shut, wide = sweep.forget_rows(settings)
    assert shut.forget.probability == pytest.approx(bare.forget.probability)
    assert wide.forget.probability != pytest.approx(bare.forget.probability, rel=1e-3)


def test_the_mean_of_an_assistant_with_itself_is_that_assistant(sweep: Sweep, assistant: Assistant) -> None:
    settings = [GridSetting(DifferenceMethod.ULD, 1.0, 0.0, (assistant.digest,) * count) for count in (1, 2)]
    _, one, two = sweep.forget_rows(settings)
    assert two.forget.probability == pytest.approx(one.forget.probability)


def test_membership_is_told_by_the_losses_of_forget_and_holdout_answers(
    sweep: Sweep, model: Path, assistant: Assistant
) -> None:
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model)
    losses = []
    for row in (*FACTS, *FAR):
        tokens, labels = pad([encode(tokenizer, row.example, 256)])
        with torch.inference_mode():
            losses.append(float(torch.nn.functional.cross_entropy(target(tokens).logits[0], labels[0])))
    bare, raised = sweep.forget_rows([GridSetting(DifferenceMethod.DD_RANK, 40)])
    assert bare.membership == pytest.approx(auc(losses[: len(FACTS)], losses[len(FACTS) :]))
    # The gate leaves holdout questions alone, and forget answers have become the least likely.
    assert raised.membership == 0.0
    assert np.isfinite((raised.ratio_mean, raised.ratio_spread)).all()


def test_divergence_at_strength_one_is_its_retain_model(sweep: Sweep) -> None:
    _, linear, rank = sweep.forget_rows(
        [GridSetting(DifferenceMethod.DD_LINEAR, 1.0), GridSetting(DifferenceMethod.DD_RANK, 3)]
    )
    # Special tokens keep the target's probability, so it is not quite the model that never saw.
    assert linear.distance <= 0.5
    assert rank.forget.probability <= linear.forget.probability + 1


def test_losses_are_those_of_the_whole_model(sweep: Sweep, model: Path) -> None:
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model)
    probabilities = []
    for row in FACTS:
        tokens, labels = pad([encode(tokenizer, row.example, 256)])
        with torch.inference_mode():
            loss = torch.nn.functional.cross_entropy(target(tokens).logits[0], labels[0])
        probabilities.append(float((-loss).exp()))
    (bare,) = sweep.forget_rows([])
    assert bare.forget.probability == pytest.approx(sum(probabilities) / len(probabilities), rel=1e-4)


def test_greedy_answers_are_the_model_s_own(sweep: Sweep, model: Path) -> None:
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    prompts = [[1, 5, 9, 40], [1, 77]]
    answers = greedy_answers(sweep.models, GridSetting(DifferenceMethod.NONE), prompts, 2, 6, lambda _: None)
    for prompt, answer in zip(prompts, answers, strict=True):
        plain = target.generate(torch.tensor([prompt]), max_new_tokens=6, do_sample=False, pad_token_id=0)
        expected = plain[0, len(prompt) :].tolist()
        assert answer == (expected[: expected.index(2)] if 2 in expected else expected)


def test_the_table_names_what_was_compared_and_shows_no_text(sweep: Sweep, assistant: Assistant) -> None:
    settings = [GridSetting(DifferenceMethod.ULD, alpha, 0.01, (assistant.digest,)) for alpha in (0.5, 1.0)]
    rows = sweep.forget_rows([*settings, GridSetting(DifferenceMethod.DD_RANK, 3)])
    table = markdown(rows)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == [
        "unprotected",
        f"ULD {assistant.digest[:8]} (K 2, seed 0), alpha 0.5, filter 0.01",
        f"ULD {assistant.digest[:8]} (K 2, seed 0), alpha 1, filter 0.01",
        "DD rank, k 3",
    ]
    assert "Zorblin" not in table
    assert strength_chart(rows).count("<polyline") == 1
    ((digest, points),) = sweep_points(rows).items()
    assert digest == assistant.digest
    assert [(point.alpha, point.filter_rate, point.retain) for point in points] == [
        (0.5, 0.01, None),
        (1.0, 0.01, None),
    ]
    assert points[1].forget == rows[2].forget.probability


def test_rows_of_a_gate_or_of_several_assistants_are_none_of_one_assistant(
    sweep: Sweep, assistant: Assistant
) -> None:
    pair = (assistant.digest, assistant.digest)
    settings = [
        GridSetting(DifferenceMethod.ULD, 1.0, 0.0, pair),
        GridSetting(DifferenceMethod.ULD, 1.0, 0.0, pair[:1], 0.5),
    ]
    assert sweep_points(sweep.forget_rows(settings)) == {}
