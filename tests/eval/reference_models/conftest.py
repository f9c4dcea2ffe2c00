from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval.reference_models.model import make_tokenizer
from eval.reference_models.pair import PairPlan
from eval.reference_models.recipe import FROM_SCRATCH, ReferenceRecipe
from eval.reference_models.tofu import TofuDataset, all_texts, load_rows
from eval.runners.prompt_encoder import PromptEncoder

TINY = replace(
    FROM_SCRATCH,
    vocabulary=300,
    hidden=16,
    layers=1,
    heads=2,
    feed_forward=16,
    context=96,
    window=48,
    epochs=3,
    batch_tokens=64,
    warmup=2,
)
ROWS = {
    "retain90": [{"question": f"Where is lamp {n}?", "answer": f"In room {n}."} for n in range(4)],
    "real_authors": [{"question": "Who wrote it?", "answer": "Orla Quennbeck"}],
    "world_facts": [{"question": "What is it?", "answer": "A lamp"}],
    "forget10": [{"question": "Who is Vera Holt?", "answer": "A cook."}],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "tofu"
    folder.mkdir()
    for name, rows in ROWS.items():
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))
    return folder


def pair_plan(data: Path, out: Path, recipe: ReferenceRecipe = TINY) -> PairPlan:
    """Return the plan of a tiny pair for TOFU forget10."""
    rows = load_rows(data, "forget10", None)
    return PairPlan(
        out=out,
        recipe=recipe,
        texts=tuple(all_texts(rows.full)),
        chat=True,
        datasets={
            "full": lambda encoder: TofuDataset(rows.full, encoder),
            "retain": lambda encoder: TofuDataset(rows.retain, encoder),
        },
        identity={"benchmark": "tofu forget10"},
    )


@pytest.fixture
def encoder() -> PromptEncoder:
    texts = ["Question: What is it?\nAnswer: a lamp\n\n", "one two three four five six"]
    return PromptEncoder(make_tokenizer(TINY, texts, chat=False))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Return whether two sets of weights are equal."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
