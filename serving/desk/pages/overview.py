"""The overview: what is enforced, whether the server is ready, and what the policy did to traffic."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from guard.registry.replicas import Replica
from guard.targets.target import Kind, State
from serving.admin.service import AdminService, Enforced
from serving.desk.context import desk_of
from serving.desk.rendering import render

HOURS = 24


class Now(NamedTuple):
    """The server at this moment.

    touches   by hour of the last HOURS, oldest first
    added_ms  mean time that judging a request took before its answer; None before the first
    replicas  the servers that share the registry, this one among them
    overdue   of the cases that are open, how many are due before now
    waiting   how many changes wait for approval
    """

    unready: str
    stored: int
    enforced: Enforced
    states: Mapping[State, int]
    kinds: Mapping[Kind, int]
    touches: list[int]
    added_ms: float | None
    requests: int
    replicas: list[Replica]
    open_cases: int
    overdue: int
    waiting: int


async def overview(request: Request) -> Response:
    """Show the page, which asks for itself again every ten seconds."""
    return render(request, "overview", now=await run_sync(_now, desk_of(request).service))


def _now(service: AdminService) -> Now:
    registry, policy = service.registry, service.current.policy
    kinds = Counter(target.draft.kind for target in policy.targets.values()) if policy else Counter()
    open_cases, overdue = registry.cases.count(datetime.now(UTC))
    detection = service.metrics.stage("detection")
    return Now(
        unready=service.unready(),
        stored=registry.version(),
        enforced=service.enforced(),
        states=registry.counts(),
        kinds={kind: kinds[kind] for kind in Kind},
        touches=service.verdicts.by_hour(HOURS, time.time()),
        added_ms=detection.mean_s * 1000 if detection.times else None,
        requests=detection.times,
        replicas=service.lease.list(),
        open_cases=open_cases,
        overdue=overdue,
        waiting=registry.approvals.waiting(),
    )
