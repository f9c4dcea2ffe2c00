"""Servers that share a PostgreSQL database see the verdicts of all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from guard.policy.plan import PlanKind
from guard.registry.registry import Registry
from guard.targets.target import Mode
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import Verdict, VerdictLog
from tests.postgresql import cluster

VERDICT = Verdict(0.0, "r", "ft_1", 3, 0.9, {"semantic": 0.9}, PlanKind.RESTRICT, Mode.SHADOW)


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with cluster() as postgres, closing(Registry(postgres.schema())) as registry:
        yield registry


def test_a_server_lists_the_verdicts_of_all(registry: Registry) -> None:
    assert registry.shared is not None
    metrics, now = Metrics(), time.time()
    a, b = (VerdictLog(registry.shared, metrics, max_rows=3, server=name) for name in ("a:8000", "b:8000"))
    a.add([replace(VERDICT, at=now - 40, request_id="a1")])
    a.flush()
    b.add([replace(VERDICT, at=now - 30, request_id="b1", mode=Mode.ENFORCE), replace(VERDICT, at=now - 4000)])
    b.flush()
    listed = a.page()
    assert [(one.request_id, one.server) for one in listed.items] == [
        ("r", "b:8000"),
        ("b1", "b:8000"),
        ("a1", "a:8000"),
    ]
    assert listed == b.page()
    assert listed.items[1] == replace(
        VERDICT, at=now - 30, request_id="b1", mode=Mode.ENFORCE, seq=2, server="b:8000"
    )
    assert [one.request_id for one in a.page(before=2, limit=1).items] == ["a1"]
    assert [one.request_id for one in a.page(mode=Mode.ENFORCE, target_id="ft_1").items] == ["b1"]
    assert a.page(target_id="ft_2").items == []
    assert a.by_hour(3, now) == [0, 1, 2]
    a._next_sweep = 0.0
    a.add([replace(VERDICT, at=now, request_id="a2")])
    assert [one.request_id for one in a.page().items] == ["a2", "r", "b1"]


def test_verdicts_are_no_change_of_the_policy(registry: Registry) -> None:
    assert (registry.version(), registry.events()) == (0, [])


def test_sides_of_a_canary_share_are_those_of_all_servers(registry: Registry) -> None:
    assert registry.shared is not None
    a, b = (VerdictLog(registry.shared, Metrics(), server=name) for name in ("a:8000", "b:8000"))
    for log, mode in ((a, Mode.ENFORCE), (b, Mode.SHADOW), (b, Mode.SHADOW)):
        log.add([replace(VERDICT, at=time.time(), target_id="ft_9", mode=mode, canary=True)])
        log.flush()
    counted = {mode: side.requests for mode, side in a.canary_sides("ft_9").items()}
    assert counted == {Mode.SHADOW: 2, Mode.ENFORCE: 1}
    assert a.page(target_id="ft_9").items[0].canary
