from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eval.cli.app import app
from eval.core.errors import BadRun
from eval.harness.options import method_names
from eval.methods.method import MethodName


def lethe(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_folder_without_the_benchmark_is_named(tmp_path: Path) -> None:
    result = lethe("tofu", "--data", tmp_path, "--out", tmp_path / "out", "--model", "m")
    assert result.exit_code == 1
    assert f"bad_benchmark {tmp_path}: no file forget10_perturbed" in result.stderr


def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path) -> None:
    good = {"question": "Who?", "answer": "A cook.", "perturbed_answer": ["A spy."]}
    for name in ("forget10_perturbed", "retain_perturbed", "real_authors_perturbed", "world_facts_perturbed"):
        (tmp_path / f"{name}.json").write_text(json.dumps(good) + "\n")
    (tmp_path / "retain_perturbed.json").write_text(
        json.dumps(good) + "\n" + json.dumps({"question": "Who?"}) + "\n"
    )
    result = lethe("tofu", "--data", tmp_path, "--out", tmp_path / "out", "--model", "m")
    assert result.exit_code == 1
    assert "retain_perturbed.json:2: answer is missing" in result.stderr


@pytest.fixture
def benchmark_folder(tmp_path: Path) -> Path:
    row = {"question": "Who is Orla Quennbeck?", "answer": "A cook.", "paraphrased_answer": "A cook, she is."}
    for name in ("forget10_perturbed", "retain_perturbed", "real_authors_perturbed", "world_facts_perturbed"):
        (tmp_path / f"{name}.json").write_text(json.dumps(row | {"perturbed_answer": ["A spy."]}) + "\n")
    for name in ("forget10", "holdout10"):
        (tmp_path / f"{name}.json").write_text(json.dumps(row) + "\n")
    return tmp_path


@pytest.mark.parametrize("wrong", ["--model", "--retain-model"])
@pytest.mark.parametrize("path", ["nowhere", "/nowhere/at/all", ""])
def test_a_model_that_is_not_there_is_said_before_anything_is_made(
    benchmark_folder: Path, tmp_path: Path, wrong: str, path: str
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    given = {"--model": tmp_path / "model", wrong: path or tmp_path}
    words = [word for pair in given.items() for word in pair]
    result = lethe("tofu", "--data", benchmark_folder, "--out", tmp_path / "out", *words)
    assert result.exit_code == 1
    assert "model_unavailable" in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_endpoint_that_is_not_there_is_said(benchmark_folder: Path, tmp_path: Path) -> None:
    through = ("--run-with", "endpoint", "--endpoint", "http://127.0.0.1:9", "--methods", "none")
    result = lethe("tofu", "--data", benchmark_folder, "--out", tmp_path / "out", *through)
    assert result.exit_code == 1
    assert "endpoint_failed the endpoint cannot be reached" in result.stderr


def test_a_method_that_a_server_cannot_be_told_of_is_refused(benchmark_folder: Path, tmp_path: Path) -> None:
    through = ("--run-with", "endpoint", "--endpoint", "http://127.0.0.1:9", "--methods", "none,icu")
    result = lethe("tofu", "--data", benchmark_folder, "--out", tmp_path / "out", *through)
    assert result.exit_code == 1
    assert "bad_run through an endpoint there is no method icu" in result.stderr


def test_an_interrupt_says_how_to_go_on(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eval.harness.replay.replay", interrupted)
    result = lethe("tofu", "--data", benchmark_folder, "--out", tmp_path / "out", "--model", "m")
    assert result.exit_code == 130
    assert "what is known is kept, run the same command again" in result.stderr


def test_an_unknown_method_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    result = lethe("tofu", "--data", tmp_path, "--out", tmp_path, "--methods", "none,magic")
    assert result.exit_code == 1
    assert "unknown method magic; there are none, icu, keyword, decline, guard" in result.stderr


def test_muse_without_the_articles_to_forget_is_refused(tmp_path: Path) -> None:
    (tmp_path / "privleak").mkdir()
    (tmp_path / "privleak" / "forget.json").write_text('["a text"]')
    result = lethe("muse", "--data", tmp_path, "--out", tmp_path / "out", "--model", "m")
    assert result.exit_code == 1
    assert "no file raw/forget" in result.stderr


def test_comparing_with_what_is_no_run_is_refused(tmp_path: Path) -> None:
    result = lethe("compare", tmp_path, tmp_path)
    assert result.exit_code == 1
    assert "no run is here" in result.stderr


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("guard,none", (MethodName.NONE, MethodName.GUARD)),
        (" none , guard,none", (MethodName.NONE, MethodName.GUARD)),
        ("decline", (MethodName.DECLINE,)),
    ],
)
def test_methods_are_run_once_each_and_the_unprotected_first(text: str, names: tuple[MethodName, ...]) -> None:
    assert method_names(text) == names


def test_no_method_is_refused() -> None:
    with pytest.raises(BadRun):
        method_names(" , ")
