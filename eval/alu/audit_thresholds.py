"""The audit's similarity threshold on TOFU: shares of forgotten and of other answers found at several cosines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.audit import sentences
from eval.benchmarks.files import load_questions, read_rows
from eval.benchmarks.targets import authors
from guard.detection.embedder import Embedder
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy
from guard.registry.registry import Registry

COSINES = (0.60, 0.65, 0.70, 0.75, 0.80)
FORGOTTEN = "forget10, paraphrased"
UNNAMED = "of those, without the author's name"
OTHERS = ("retain_perturbed", "holdout10", "real_authors", "world_facts")


class ThresholdRow(NamedTuple):
    """A set of answers: its size, and for each of COSINES the share with a sentence at least as near."""

    answers: str
    size: int
    shares: tuple[float, ...]


def threshold_rows(data: Path, embedder: Embedder) -> Iterator[ThresholdRow]:
    """Yield a row for each set of answers in TOFU's folder `data`, with forget10's authors as targets."""
    drafts = authors(load_questions(data / "forget10.json"))
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder) / "registry.db")
        try:
            registry.add_many(drafts)
            policy = Compiler(registry, embedder, Path(folder)).compile()
        finally:
            registry.close()
        rows = read_rows(data / "forget10_perturbed.json")
        paraphrased = [row.member("paraphrased_answer").text() for row in rows]
        yield _row(FORGOTTEN, paraphrased, policy, embedder)
        yield _row(
            UNNAMED, [text for text in paraphrased if not policy.lookup.names.found(text)], policy, embedder
        )
        for name in OTHERS:
            answers = [row.answer for row in load_questions(data / f"{name}.json")]
            yield _row(name, answers, policy, embedder)


def _row(name: str, texts: Sequence[str], policy: Policy, embedder: Embedder) -> ThresholdRow:
    nearest = [_nearest(text, policy, embedder) for text in texts]
    shares = tuple(sum(value >= cosine for value in nearest) / len(nearest) for cosine in COSINES)
    return ThresholdRow(name, len(texts), shares)


def _nearest(text: str, policy: Policy, embedder: Embedder) -> float:
    near = policy.lookup.index.near(embedder.embed(sentences(text)), min(COSINES))
    return max(near.values(), default=-1.0)
