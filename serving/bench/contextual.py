"""`lethe bench contextual`: what contextual targets cost requests that touch none of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from guard.detection.embedder import Embedder, Vectors
from guard.detection.target_texts import target_texts, vectors_name
from guard.registry.database import VectorKey
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, State
from serving.bench.load import Load
from serving.bench.processes import Endpoint, guarded, stock
from serving.bench.run import Case, Ratio, compare, people, warm_up
from serving.settings import Settings

COUNTS = (0, 100, 100_000)
MAX_EMBEDDED = 256
"""Targets whose texts are embedded; the others' vectors are these with noise: 100,000 would take half an hour."""
NOISE = 0.03
"""Standard deviation of a component; the cosine to the vector that it is added to is about .86."""
BATCH = 1_000


def run(
    model: str, folder: Path, counts: Sequence[int], seconds: float, tokens: int, say: Callable[[str], None]
) -> Iterator[Ratio]:
    """Yield the ratios of one round after another, until `seconds` are over: each count has an equal share of the
    time that is left, filling the registry and starting the server included, and one round at least."""
    from guard.detection.embedder import SentenceEmbedder

    ends = time.monotonic() + seconds
    with stock(model, folder) as plain:
        for number, targets in enumerate(counts):
            now = time.monotonic()
            until = now + (ends - now) / (len(counts) - number)
            say(f"{targets:,} contextual targets: filling the registry, starting the server")
            place = folder / f"targets-{targets}"
            fill(place / "guarded", targets, SentenceEmbedder)
            with guarded(model, place) as ours:
                yield from _rounds((plain, ours), targets, until, tokens, say)


def loads(tokens: int) -> tuple[Load, ...]:
    """Return the loads: whole answers of one token, one at a time; streams one at a time for the time to the first
    token; 32 whole answers at a time."""
    return (
        Load(1, 40, 1, stream=False),
        Load(1, 40, min(tokens, 8), stream=True),
        Load(32, 192, tokens, stream=False),
    )


def fill(data_dir: Path, targets: int, open_embedder: Callable[[], Embedder]) -> None:
    """Write a registry of so many invented people, with their vectors, for a server with this data folder."""
    data_dir.mkdir(parents=True)
    # In the folder, whatever database the environment names: it may be one that is in use.
    settings = Settings(data_dir=data_dir, database=SecretStr(""))
    registry = Registry(settings.registry, settings.wrapping_key())
    try:
        if targets:
            fill_registry(registry, targets, open_embedder())
    finally:
        registry.close()


def fill_registry(registry: Registry, targets: int, embedder: Embedder) -> None:
    """Add so many invented people, with their vectors; go on where an interrupted call has ended."""
    drafts = [
        Draft(name=one["name"], facts=tuple(Fact(**fact) for fact in one["facts"])) for one in people(targets)
    ]
    chance = np.random.default_rng(0)
    rows: list[Vectors] = []
    for start in range(registry.counts()[State.ACTIVE], targets, BATCH):
        added = registry.add_many(drafts[start : start + BATCH])
        if not rows:
            first = registry.list(limit=MAX_EMBEDDED).items
            rows = [embedder.embed([text.text for text in target_texts(each)]) for each in first]
        vectors = [
            rows[place] if start + place < len(rows) else _near(rows[place % len(rows)], chance)
            for place in range(len(added))
        ]
        keys = (VectorKey(each.id, each.revision) for each in added)
        kept = {key: each.tobytes() for key, each in zip(keys, vectors, strict=True)}
        registry.keep_vectors(vectors_name(embedder.name), kept)


def merged(ratios: Iterable[Ratio]) -> list[Ratio]:
    """Return one ratio for each case and figure, with the values of all its rounds."""
    by_row: dict[tuple[Case, str], Ratio] = {}
    for one in ratios:
        key = one.case, one.figure
        known = by_row.get(key)
        earlier = (known.stock, known.guarded) if known else ((), ())
        values = ([*before, *now] for before, now in zip(earlier, (one.stock, one.guarded), strict=True))
        by_row[key] = Ratio(one.case, one.figure, one.unit, *values)
    return list(by_row.values())


def _rounds(
    endpoints: tuple[Endpoint, Endpoint], targets: int, until: float, tokens: int, say: Callable[[str], None]
) -> Iterator[Ratio]:
    names = {endpoint.name: endpoint.model() for endpoint in endpoints}
    warm_up(endpoints, names)
    for turn in count():
        if turn and time.monotonic() >= until:
            return
        say(f"{targets:,} contextual targets: round {turn + 1}")
        for load in loads(tokens):
            yield from compare(Case(f"{targets:,} contextual targets", load), endpoints, names, 1, turn)


def _near(vectors: Vectors, chance: np.random.Generator) -> Vectors:
    moved = vectors + chance.standard_normal(vectors.shape, np.float32) * np.float32(NOISE)
    unit: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit
