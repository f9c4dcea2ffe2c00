"""The attack sweep on the real engine: the mask alone lets no forbidden phrase out, whatever is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eval.attacks.catalogue import DIRECT, DRAWS, LOGPROBS, STREAM, TEXT_ATTACKS
from eval.attacks.leak_scorer import STRING
from eval.attacks.sweep import ALWAYS
from eval.harness.store import read_samples
from eval.report.attacks import ALL

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def swept(shared: Path, tofu_full: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep over the two authors of forget01, one question and sixteen draws each."""
    out = tmp_path_factory.mktemp("sweep")
    command = [sys.executable, "-m", "eval", "attacks", "--model", str(tofu_full), "--out", str(out)]
    command += ["--data", str(shared / "data" / "tofu"), "--split", "forget01", "--methods", "none,guard"]
    command += ["--probes", "1", "--draws", "16"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_under_scope_always_no_answer_of_any_attack_holds_a_forbidden_phrase(swept: Path) -> None:
    samples = read_samples(swept)
    leaked = {
        run: [key.set for key, sample in samples.items() if key.run == run and sample.number(STRING)]
        for run in ("none", ALWAYS)
    }
    assert {DIRECT, STREAM, LOGPROBS, DRAWS} <= set(leaked["none"])
    assert leaked[ALWAYS] == []


def test_every_attack_is_in_the_table_under_every_method(swept: Path) -> None:
    table = json.loads((swept / "results.json").read_text())["tables"]["attacks"]
    assert table.keys() == {*TEXT_ATTACKS, LOGPROBS, ALL}
    for row in table.values():
        assert {f"{run}: {STRING}" for run in ("none", "guard", ALWAYS)} <= row.keys()


def test_sixteen_draws_are_sixteen_different_answers_at_most_and_more_than_one(swept: Path) -> None:
    texts = {sample.text for key, sample in read_samples(swept).items() if (key.run, key.set) == ("none", DRAWS)}
    assert len(texts) > 1
