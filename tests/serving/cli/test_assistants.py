from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.cli.assistants import assistants
from tests.guard.uld.conftest import FACTS, OTHERS


@pytest.fixture(scope="module")
def store(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one assistant, trained by the command."""
    folder = tmp_path_factory.mktemp("store")
    for name, rows in (("forget", FACTS), ("retain", OTHERS)):
        values = [{"question": row.example.question, "answer": row.example.answer} for row in rows]
        (folder / f"{name}.json").write_text(json.dumps(values))
    data = ["--forget", str(folder / "forget.json"), "--retain", str(folder / "retain.json")]
    done = run("train", "--model", str(model), *data, "--epochs", "1", "--rank", "4", "--dir", str(folder))
    assert done.exit_code == 0, done.output
    return folder


def run(*arguments: str):
    return CliRunner().invoke(assistants, arguments)


def digest(store: Path) -> str:
    return next(path.name for path in store.glob("*/*") if len(path.name) == 64)


def test_a_quarter_of_the_model_s_layers_is_taken(store: Path) -> None:
    shown = json.loads(run("show", digest(store)[:8], "--dir", str(store)).output)
    assert (shown["layers"], shown["epochs"], shown["training"]) == (1, 1, "low-rank")


def test_an_assistant_is_promoted_for_its_own_model_alone(store: Path, model: Path, other_model: Path) -> None:
    refused = run("promote", digest(store), "--model", str(other_model), "--dir", str(store))
    assert refused.exit_code == 1
    assert "another model" in refused.output
    promoted = run("promote", digest(store), "--model", str(model), "--dir", str(store), "--json")
    assert json.loads(promoted.output) == {"digest": digest(store), "standing": "promoted"}
    assert "promoted" in run("list", "--dir", str(store)).output
    assert run("retire", digest(store), "--dir", str(store), "--quiet").output == f"{digest(store)}\n"
    (listed,) = json.loads(run("list", "--dir", str(store), "--json").output)["assistants"]
    assert (listed["standing"], listed["epochs"]) == ("retired", 1)


def test_what_is_not_there_is_an_error_without_a_trace(store: Path, tmp_path: Path) -> None:
    for arguments in (["show", "feed"], ["retire", "feed"]):
        done = run(*arguments, "--dir", str(store))
        assert done.exit_code == 1
        assert "model_unavailable" in done.output
    missing = ["--forget", str(tmp_path / "no"), "--retain", str(tmp_path / "no")]
    assert run("train", "--model", str(tmp_path), *missing, "--dir", str(tmp_path)).exit_code == 1
