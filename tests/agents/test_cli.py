from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import app
from tests.agents.test_calibration import scripted

run = CliRunner().invoke


def written(path: Path, lines: list[str]) -> str:
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


class TestCalibrate:
    def test_prints_the_threshold_and_five_held_out_halves(self, tmp_path: Path) -> None:
        probes = [json.dumps({"score": probe.score, "leaks": probe.leaks}) for probe in scripted(0, 600)]
        probes.append('{"score": null, "leaks": true}')
        done = run(app, ["calibrate", written(tmp_path / "p", probes), "--rate", "0.1"])
        assert done.exit_code == 0
        rows = [line.split("│")[1:-1] for line in done.output.splitlines() if line.startswith("│")]
        assert [int(row[0]) for row in rows] == [1, 2, 3, 4, 5]
        assert all(float(row[1]) <= float(row[2]) for row in rows)
        assert 3.0 < float(done.output.splitlines()[-1].removeprefix("threshold ")) <= 5.0

    def test_refuses_a_rate_that_so_few_probes_do_not_support(self, tmp_path: Path) -> None:
        done = run(app, ["calibrate", written(tmp_path / "p", ['{"score": 3, "leaks": true}'] * 5)])
        assert done.exit_code == 1
        assert "too few leaking probes" in done.output

    @pytest.mark.parametrize(
        "line", ["Brisa", "[]", '{"score": "Brisa", "leaks": true}', '{"score": 1, "leaks": 1}']
    )
    def test_names_the_line_that_is_no_probe_and_does_not_quote_it(self, tmp_path: Path, line: str) -> None:
        done = run(app, ["calibrate", written(tmp_path / "p", ['{"score": 3, "leaks": true}', line])])
        assert done.exit_code == 1
        assert "line 2 is not a probe" in done.output
        assert "Brisa" not in done.output

    def test_says_when_the_file_is_not_there(self, tmp_path: Path) -> None:
        done = run(app, ["calibrate", str(tmp_path / "none")])
        assert done.exit_code == 1
        assert "FileNotFoundError" in done.output
