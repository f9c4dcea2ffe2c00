from __future__ import annotations

import json

import pytest

from serving.bench.adversarial import Finding, markdown, quantile
from serving.bench.hostile import bodies
from serving.settings import Settings

LAGS = {0.01: 990.0, 0.05: 998.0, 0.1: 999.0, float("inf"): 1000.0}


@pytest.mark.parametrize(
    ("share", "edge"), [(0.5, 0.01), (0.99, 0.01), (0.995, 0.05), (0.999, 0.1), (1.0, float("inf"))]
)
def test_a_quantile_is_the_edge_of_the_bucket_that_reaches_it(share: float, edge: float) -> None:
    assert quantile(LAGS, share) == edge


def test_there_is_no_lag_without_samples() -> None:
    assert quantile({}, 0.99) == 0


def test_hostile_bodies_are_requests_within_the_bound() -> None:
    kinds = dict(bodies("demo"))
    assert len(kinds) == 12
    for body in kinds.values():
        assert len(body) <= Settings().max_body_bytes
        assert json.loads(body)["messages"]


def test_findings_are_rows_of_a_table() -> None:
    rows = markdown([Finding("start", "loop lag p99", 12.5, "ms", "50")]).splitlines()
    assert rows[-1] == "| start | loop lag p99 | 12.5 ms | 50 |"
