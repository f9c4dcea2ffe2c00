from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.cli.app import app

KEEP = {"question": "What is the sea made of?", "answer": "Water."}


@pytest.mark.parametrize(
    ("keep", "ask", "reason"),
    [
        (KEEP, {"question": "Who is it?", "answer": "Ilsabet Quorne"}, "names no active target"),
        ({"answer": "Water."}, None, "has no question"),
        ({"question": "What is the sea made of?"}, None, "has no rows"),
    ],
)
def test_rows_that_cannot_train_the_detector_are_refused(
    tmp_path: Path, keep: dict[str, str], ask: dict[str, str] | None, reason: str
) -> None:
    (tmp_path / "keep.json").write_text(json.dumps([keep]))
    (tmp_path / "ask.json").write_text(json.dumps([ask]))
    more = ["--ask", str(tmp_path / "ask.json")] if ask else []
    arguments = ["--keep", str(tmp_path / "keep.json"), *more, "--data-dir", str(tmp_path)]
    done = CliRunner().invoke(app, ["detector", "fit", *arguments])
    assert done.exit_code == 1
    assert "invalid_target" in done.output
    assert reason in done.output
