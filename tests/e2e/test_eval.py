"""The three ways to run an evaluation say the same, and an evaluation that is killed goes on."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eval.core.sample import ANSWER_LOG_PROBS, Key, Sample
from eval.harness.store import SAMPLES, read_samples
from eval.report.agreement import agreement
from eval.report.compare import Side
from tests.e2e.server import KEY, free_port, serving

pytestmark = pytest.mark.e2e

ROWS = 50
SCORED_ROWS = 2
SETS = ("forget", "retain", "real_authors", "world_facts")
METHODS = ("none", "guard")
TOLERANCE = 1e-3
Samples = dict[Key, Sample]


def command(shared: Path, out: Path, *more: str, limit: int = ROWS) -> list[str]:
    arguments = ["tofu", "--data", str(shared / "data" / "tofu"), "--out", str(out), "--limit", str(limit)]
    return [sys.executable, "-m", "eval", *arguments, "--methods", ",".join(METHODS), *more]


def run(shared: Path, out: Path, *more: str, limit: int = ROWS, **environment: str) -> Samples:
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **environment}
    done = subprocess.run(command(shared, out, *more, limit=limit), env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return read_samples(out)


@pytest.fixture(scope="module")
def results(shared: Path, tofu_full: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Samples]:
    """The same 200 samples in float32, by way of running."""
    folder = tmp_path_factory.mktemp("agreement")
    found = {
        way: run(shared, folder / way, "--model", str(tofu_full), "--run-with", way)
        for way in ("reference", "engine")
    }
    port = str(free_port())
    flags = ("--model", str(tofu_full), "--eval-port", port)
    with serving(folder / "server", *flags, LETHE_ENGINE_ARGS="--dtype float32") as server:
        env: dict[str, Any] = {"ADMIN_URL": f"http://127.0.0.1:{server.admin_port}", "LETHE_ADMIN_KEY": KEY}
        through = ("--run-with", "endpoint", "--endpoint", server.url)
        found["endpoint"] = run(shared, folder / "endpoint", *through, **env)
        scored = (*through, "--score-url", f"http://127.0.0.1:{port}")
        found["scored"] = run(shared, folder / "scored", *scored, limit=SCORED_ROWS, **env)
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["engine", "endpoint"])
def test_texts_are_identical_and_log_probabilities_too(results: dict[str, Samples], way: str, method: str) -> None:
    compared = 0
    for name in SETS:
        for index in range(ROWS):
            key = Key(method, name, index)
            expected, found = results["reference"][key], results[way][key]
            assert found.text == expected.text
            assert found.numbers(ANSWER_LOG_PROBS) == pytest.approx(
                expected.numbers(ANSWER_LOG_PROBS), abs=TOLERANCE
            )
            compared += 1
    assert compared == 200


def test_given_answers_are_as_likely_over_http_as_they_are_offline(results: dict[str, Samples]) -> None:
    rows = agreement(Side("reference", results["reference"], ""), Side("scored", results["scored"], ""))
    assert [row.run for row in rows] == ["guard", "none"]
    for row in rows:
        assert row.same == row.texts == SCORED_ROWS * len(SETS)
        assert row.answers >= SCORED_ROWS * (7 + 7 + 4 + 4 + 1)
        assert row.given_difference < TOLERANCE
    assert any(s.number("loss") == math.inf for key, s in results["scored"].items() if key.run == "guard")


def test_guard_changes_answers_about_the_forgotten_and_no_other(results: dict[str, Samples]) -> None:
    for way in ("reference", "engine", "endpoint"):
        for name in SETS:
            pairs = [
                (results[way][Key("none", name, i)].text, results[way][Key("guard", name, i)].text)
                for i in range(ROWS)
            ]
            changed = sum(before != after for before, after in pairs)
            assert changed > 0.9 * ROWS if name == "forget" else changed == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on_where_it_was(
    shared: Path, tofu_full: Path, tmp_path: Path, number: signal.Signals
) -> None:
    limit, more = 30, ("--model", str(tofu_full), "--methods", "none")
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        command(shared, tmp_path, *more, limit=limit),
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background may have had SIGINT ignored, which children inherit.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    path = tmp_path / SAMPLES
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= limit):
        time.sleep(0.1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again" in said
    known = path.read_text()
    assert limit <= known.count("\n") < 5 * limit
    samples = run(shared, tmp_path, *more, limit=limit)
    assert path.read_text().startswith(known[: known.rfind("\n") + 1])
    assert len(samples) == 5 * limit
    assert json.loads((tmp_path / "results.json").read_text())["samples"] == {"none": 5 * limit}
