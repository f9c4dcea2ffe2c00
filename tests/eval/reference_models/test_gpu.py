from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval.reference_models import gpu
from eval.reference_models.pair import train_pair
from eval.reference_models.recipe import ADAPTED
from tests.eval.reference_models.conftest import TINY, pair_plan

ROOT = Path(gpu.__file__).parents[2]
PACKAGES = {"guard", "agents", "serving", "eval"}


def imported(statements: list[ast.stmt]) -> Iterator[str]:
    """Yield the modules that are imported where a module is loaded, hence not in functions or for types alone."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.module
            yield statement.module
            yield from (f"{statement.module}.{name.name}" for name in statement.names)


def loaded_from(module: str) -> set[str]:
    """Return the modules and the names in them that loading a module of ours loads, directly or not."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        path = ROOT / name.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if name.split(".")[0] in PACKAGES and file.is_file():
                waiting += imported(ast.parse(file.read_text(encoding="utf-8")).body)
        waiting += [name.rpartition(".")[0]] if "." in name else []
    return found


def test_it_needs_torch_transformers_and_safetensors_alone() -> None:
    outside = {name.split(".")[0] for name in loaded_from("eval.reference_models.gpu")}
    # transformers itself needs tokenizers.
    assert outside - PACKAGES - sys.stdlib_module_names <= {"torch", "transformers", "safetensors", "tokenizers"}


def test_a_model_is_sent_in_parts_and_its_adapters_come_back(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = train_pair(pair_plan(data, tmp_path / "base", replace(TINY, epochs=1)), lambda *_: None)[0].folder
    monkeypatch.setattr(gpu, "PART_SIZE", "8KB")
    gpu.split(base, tmp_path / "parts")
    parts = list((tmp_path / "parts").glob("model-*.safetensors"))
    assert len(parts) > 1
    gpu.train(
        tmp_path / "parts", data, tmp_path / "out", "full,retain", replace(ADAPTED, lora_rank=2, epochs=1), 0
    )
    assert {path.name for path in tmp_path.glob("out/*-adapter")} == {"full-adapter", "retain-adapter"}
