"""What the agents' audit finds by meaning alone on TOFU, at several cosines: of the forgotten, and of others."""

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
from guard.targets.registry import Registry

COSINES = (0.60, 0.65, 0.70, 0.75, 0.80)
FORGOTTEN = "forget10, paraphrased"
UNNAMED = "of those, without the author's name"
OTHERS = ("retain_perturbed", "holdout10", "real_authors", "world_facts")


class Row(NamedTuple):
    """A set of answers, how many there are, and the share with a sentence as near as each of COSINES."""

    answers: str
    size: int
    found: tuple[float, ...]


def table(data: Path, embedder: Embedder) -> Iterator[Row]:
    """Yield a row for each set of answers in TOFU's folder `data`, with forget10's authors as targets."""
    drafts = authors(load_questions(data / "forget10.json"))
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder) / "registry.db")
        try:
            registry.add_many(drafts)
            policy = Compiler(registry, embedder, Path(folder)).compile()
        finally:
            registry.close()
        told = [row.member("paraphrased_answer").text() for row in read_rows(data / "forget10_perturbed.json")]
        yield _row(FORGOTTEN, told, policy, embedder)
        yield _row(UNNAMED, [text for text in told if not policy.names.found(text)], policy, embedder)
        for name in OTHERS:
            answers = [row.answer for row in load_questions(data / f"{name}.json")]
            yield _row(name, answers, policy, embedder)


def _row(name: str, texts: Sequence[str], policy: Policy, embedder: Embedder) -> Row:
    best = [_nearest(text, policy, embedder) for text in texts]
    return Row(name, len(texts), tuple(sum(value >= cosine for value in best) / len(best) for cosine in COSINES))


def _nearest(text: str, policy: Policy, embedder: Embedder) -> float:
    near = policy.index.near(embedder.embed(sentences(text)), min(COSINES))
    return max(near.values(), default=-1.0)
