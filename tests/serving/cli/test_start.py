"""The command line starts without the libraries that only some commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    *("torch", "transformers", "tokenizers", "sentence_transformers", "vllm", "openvino"),
    *("numpy", "scipy", "sklearn", "pandas", "faiss"),
    *("openai", "httpx", "fastapi", "uvicorn", "pydantic_settings", "sqlite3", "asyncio"),
}


@pytest.mark.parametrize(
    "module", ["serving.cli.app", "eval.cli.app", "eval.cli.alu", "eval.cli.uld", "agents.cli"]
)
def test_the_command_tree_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; from typer.main import get_command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_a_broken_command_of_a_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "our_tickets-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: our-tickets\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[lethe.commands]\ntickets = our_tickets.cli:app\n")
    path = [str(tmp_path), *sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from serving.cli.app import app; app(['version'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert "the command tickets is left out: ModuleNotFoundError" in done.stderr
