from __future__ import annotations

import os

from serving.bench.processes import Endpoint
from serving.bench.registry.replicas import KINDS, Figure, _draft, markdown


def test_no_two_targets_that_are_added_are_alike() -> None:
    names = [_draft(kind, number)["name"] for kind in KINDS for number in range(3)]
    assert len(set(names)) == len(names)


def test_figures_stand_beside_their_aims() -> None:
    table = markdown([Figure("a start", "12 s", "60 s"), Figure("memory", "1.0 GiB")])
    assert table.splitlines()[2:] == ["| a start | 12 s | 60 s |", "| memory | 1.0 GiB |  |"]


def test_processor_time_is_that_of_a_server_and_of_all_that_it_started() -> None:
    assert Endpoint("this process", "", pid=os.getpid()).processor_s() > 0
