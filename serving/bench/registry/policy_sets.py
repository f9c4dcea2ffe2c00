"""`lethe bench sets`: what policy sets cost: memory, and the time until a target is enforced for all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from serving.bench.processes import Endpoint, guarded
from serving.bench.resident import MIB, percentile, settled_memory
from serving.bench.run import people
from serving.client.requests import KeyDraft, TargetDraft

COUNTS = (0, 10, 100)
_UNTAGGED_EVERY = 2
"""Every so manyth target has no tag, and holds for all clients."""
_SETTLE_S = 3.0
"""Seconds until servers have read new keys."""


class Measured(NamedTuple):
    """With so many policy sets: memory in bytes, and the ascending seconds until added targets were enforced, of
    those without a tag, which change each set, and of those of one set."""

    sets: int
    memory: int
    untagged: Sequence[float]
    tagged: Sequence[float]


def run(
    model: str, folder: Path, targets: int, counts: Sequence[int], adds: int, say: Callable[[str], None]
) -> Iterator[Measured]:
    """Yield the measurements for each of the ascending `counts`, on one server. Half of the targets hold in every
    answer; each second one has the tag of one of the sets."""
    say("starting the server")
    with guarded(model, folder) as server:
        assert server.admin is not None
        always = [_always(f"code {one['name']}") for one in people(targets // 2)]
        every = [*always, *people(targets - len(always))]
        most = max(counts, default=0)
        server.forget([_with_tag(one, number, most) for number, one in enumerate(every)])
        made = 0
        for count in counts:
            say(f"{count} policy sets")
            for number in range(made, count):
                server.admin.create_key(
                    KeyDraft(name=f"team {number}", audience="client", tags=[f"team-{number}"])
                )
            made = count
            time.sleep(_SETTLE_S)
            used = settled_memory(server)
            yield Measured(count, used, *(_added(server, count, adds, tagged=tagged) for tagged in (False, True)))


def _with_tag(target: Mapping[str, object], number: int, sets: int) -> dict[str, object]:
    tagged = sets and number % _UNTAGGED_EVERY
    return {**target, "tags": [f"team-{number // _UNTAGGED_EVERY % sets}"]} if tagged else dict(target)


def _always(phrase: str) -> dict[str, object]:
    return {"name": f"topic {phrase}", "kind": "topic", "scope": "always", "phrases": [phrase]}


def _added(server: Endpoint, sets: int, adds: int, *, tagged: bool) -> list[float]:
    """Add targets one by one, revoke them, and return the ascending seconds until each was enforced."""
    assert server.admin is not None
    took, ids = [], []
    for number in range(adds):
        name = f"one more {sets} {number} {tagged}"
        target = _always(name) | ({"tags": ["team-0"]} if tagged else {})
        began = time.perf_counter()
        ids.append(server.admin.add(cast(TargetDraft, target)).id)
        took.append(time.perf_counter() - began)
    server.remember(ids)
    return sorted(took)


def markdown(measured: Sequence[Measured]) -> str:
    """Return a table; what memory the sets add is the difference to the first row."""
    lines = [
        "| policy sets | memory, MiB | more than before | target without a tag, enforced, p50, p99 "
        "| target of one set, p50, p99 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in measured:
        more = (one.memory - measured[0].memory) / MIB
        spread = (_spread(one.untagged), _spread(one.tagged))
        lines.append(f"| {one.sets} | {one.memory / MIB:.0f} | {more:.0f} | {' | '.join(spread)} |")
    return "\n".join(lines)


def _spread(ascending: Sequence[float]) -> str:
    return f"{1000 * statistics.median(ascending):.1f}, {1000 * percentile(ascending, 0.99):.1f} ms"
