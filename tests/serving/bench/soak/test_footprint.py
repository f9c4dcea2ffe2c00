from __future__ import annotations

import subprocess
import sys

import pytest

from serving.bench.soak.footprint import FIGURES, Footprint, Growth, footprints, growth, slope


def test_a_process_and_what_it_has_started_are_looked_at() -> None:
    code = "import subprocess, sys; print(1, flush=True); subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            found = footprints(process.pid, 2.5)
            while len(found) < 2:
                found = footprints(process.pid, 2.5)
            names = {one.pid: one.name for one in found}
            assert names[process.pid] == "server"
            assert len(found) == 2
            for one in found:
                rss, pss, files, threads = one.values
                assert one.minutes == 2.5
                assert rss >= pss > 0
                assert files >= 1
                assert threads == 1
        finally:
            process.kill()
    assert footprints(process.pid, 3.0) == []


def test_a_slope_is_that_of_the_line_of_least_squares() -> None:
    assert slope([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert slope([0, 1, 2], [1, 4, 1]) == pytest.approx(0)
    assert slope([1, 1], [1, 4]) == 0


def test_growth_is_computed_after_the_warm_up() -> None:
    seen = [Footprint(float(minute), 7, "server", (100 + max(3, minute), 50, 9, 4)) for minute in range(9)]
    found = growth([*seen, Footprint(8.0, 8, "worker", (1, 1, 1, 1))], 3.0)
    assert [one.figure for one in found] == list(FIGURES)
    assert found[0] == Growth("server", "RSS, MiB", 103, 108, 108, pytest.approx(1))
    assert found[1].slope == 0
    assert growth(seen, 7.0) == []
