from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eval.cli.app import app

lethe = typer.Typer()
lethe.add_typer(app, name="eval")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    def scores(*values: float) -> dict[str, object]:
        return {"value_by_index": {str(index): {"score": value} for index, value in enumerate(values)}}

    path = tmp_path / "TOFU_EVAL.json"
    path.write_text(
        json.dumps(
            {
                "exact_memorization": scores(1.0, 0.5),
                "mia_min_k": {"forget": scores(0.1), "holdout": scores(0.2)},
                "privleak": {"agg_value": 7.0},
                "forget_quality": {"agg_value": None},
            }
        )
    )
    return path


def test_rescore_prints_one_object_and_keeps_notes_out_of_it(log: Path) -> None:
    result = CliRunner().invoke(lethe, ["eval", "rescore", str(log), "--format", "openunlearning"])
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert printed == {"exact_memorization": 0.75, "mia_min_k": 1.0, "privleak": pytest.approx(-100)}
    assert "privleak: no --retain-log given" in result.stderr
    assert "forget_quality: left out" in result.stderr


def test_a_value_that_is_not_a_number_is_null_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text('{"exact_memorization": {"value_by_index": {"0": {"score": NaN}}}}')
    result = CliRunner().invoke(lethe, ["eval", "rescore", str(path)])
    assert json.loads(result.stdout) == {"exact_memorization": None}
    assert "exact_memorization: nan" in result.stderr


def test_an_error_has_its_code_and_no_output(log: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(lethe, ["eval", "rescore", str(tmp_path / "missing.json")])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"bad_log {tmp_path / 'missing.json'}: no such file\n"
    required = json.loads(log.read_text()) | {"forget_quality": {"agg_value": 0.5}}
    log.write_text(json.dumps(required))
    result = CliRunner().invoke(lethe, ["eval", "rescore", str(log)])
    assert result.exit_code == 1
    assert result.stderr.startswith("retain_log_required ")


def test_an_unknown_format_is_a_usage_error(log: Path) -> None:
    assert CliRunner().invoke(lethe, ["eval", "rescore", str(log), "--format", "csv"]).exit_code == 2
