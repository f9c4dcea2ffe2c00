from __future__ import annotations

from serving.bench.soak.footprint import Footprint
from serving.bench.soak.report import markdown
from serving.bench.soak.run import Answered, Soak, windows


def soak() -> Soak:
    done = Soak(rate=12.5)
    done.answered = [Answered(minute / 10, 0.010, 0.1 + minute / 1000) for minute in range(300)]
    done.applied = [(minute / 60, 0.040) for minute in range(1800)]
    done.seen = [Footprint(float(minute), 7, "server", (100 + minute, 50, 9, 4)) for minute in range(31)]
    return done


def test_windows_begin_at_multiples_of_their_length() -> None:
    assert windows([(0.5, 3.0), (4.9, 1.0), (12.0, 2.0)], 5.0) == [(0.0, [1.0, 3.0]), (10.0, [2.0])]


def test_latencies_are_told_window_by_window_and_growth_after_a_third() -> None:
    table = markdown(soak())
    assert "12.5 requests a second; 300 answers, 0 failed, 0 left out; 1,800 changes" in table
    assert "| 5.0 | 50 | 10.0, 10.0 ms | 174.0, 198.0 ms | 40.0, 40.0 ms |" in table
    assert "process, from minute 10.0" in table
    assert "| server | RSS, MiB | 110.0 | 130.0 | 130.0 | +1.000 | 1 |" in table
    assert "| server | PSS, MiB | 50.0 | 50.0 | 50.0 | +0.000 | 1 |" in table


def test_a_soak_that_was_stopped_early_has_a_report() -> None:
    assert "0 answers" in markdown(Soak())
