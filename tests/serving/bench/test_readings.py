from __future__ import annotations

from serving.bench.readings import READERS, UNITS, Reading, markdown


def test_every_reader_takes_every_run() -> None:
    for read in READERS.values():
        for text in UNITS.values():
            read(text * 100)


def test_a_reader_is_shown_by_its_slowest_and_its_steepest_run() -> None:
    table = markdown([Reading("names", "dots", 0.5, 2.0), Reading("names", "words", 0.25, 2.25)])
    assert table.splitlines()[-1] == "| names | dots | 0.50 | words | 2.25 | 2.3 |"
