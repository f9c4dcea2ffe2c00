from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from serving.bench.load import Load
from serving.bench.processes import Endpoint, process_tree
from serving.bench.resident import Figure, Resident, _longest, markdown, percentile
from serving.bench.run import Case, Ratio, literals


def test_the_longest_pause_counts_that_began_before_or_ended_soon_after() -> None:
    streams = [[0.0, 0.01, 0.06, 0.07], [0.0, 0.02, 0.03]]
    assert _longest(streams, [(0.02, 0.03)]) == pytest.approx([50.0])
    assert _longest(streams, [(9.0, 9.1)]) == [0.0]
    assert _longest(streams, [(0.061, 0.062), (0.0, 0.001)]) == pytest.approx([10.0, 50.0])


def test_apercentile_is_a_value_that_was_measured() -> None:
    assert [percentile([1.0, 2.0, 3.0], share) for share in (0.0, 0.5, 0.99)] == [1.0, 2.0, 3.0]


def test_batches_of_literals_hold_different_phrases() -> None:
    first, second = literals(200), literals(200, 200)
    phrases = [{phrase for target in batch for phrase in target["phrases"]} for batch in (first, second)]
    assert len(phrases[0] & phrases[1]) < 5
    assert {target["name"] for target in first}.isdisjoint(target["name"] for target in second)


def test_each_size_is_held_against_its_own_aim() -> None:
    def of(phrases: int) -> Resident:
        ratio = Ratio(Case("", Load(32, 96, 64, stream=False)), "throughput", "tok/s", [100.0], [98.0])
        return Resident(phrases, [ratio], [Figure("memory", 81.0, "MiB", "300")])

    lines = markdown([of(100_000), of(1_000_000), of(0)]).splitlines()
    assert lines[2] == "| 100,000 | throughput at 32, guarded / stock | 0.980 | 0.97 |"
    assert lines[3] == "| 100,000 | memory | 81.0 MiB | 300 |"
    assert lines[4] == "| 1,000,000 | throughput at 32, guarded / stock | 0.980 | 0.95 |"
    assert lines[6] == "| 0 | throughput at 32, guarded / stock | 0.980 |  |"


def test_memory_is_that_of_a_process_and_all_it_started() -> None:
    code = "import subprocess, sys; held = b'x' * 2**26; subprocess.run([sys.executable, '-c', sys.argv[1], 'x'])"
    inner = "import time; held = b'y' * 2**26; print(len(held), flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, inner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            held = Endpoint("two processes", "", pid=process.pid).memory()
            (child,) = set(process_tree(process.pid)) - {process.pid}
        finally:
            process.kill()
        os.kill(child, signal.SIGKILL)
    assert 2 * 2**26 < held < 4 * 2**26
