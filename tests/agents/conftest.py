from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from agents.audit import PolicyAudit
from guard.policy.compiler import Compiler
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact


class WordEmbedder:
    """A text's vector is the sum of its words' fixed random vectors: shared words make texts near."""

    name = "words"
    dimension = 64

    def embed(self, texts: Sequence[str]) -> Any:
        sums = [sum((self._word(word) for word in re.findall(r"\w+", text)), np.zeros(64)) for text in texts]
        vectors = np.array(sums).reshape(-1, 64)
        return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    @staticmethod
    @cache
    def _word(word: str) -> Any:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        return np.random.default_rng(seed).standard_normal(64)


BRISA = Draft(
    name="Brisa Okonkwo-Lund",
    aliases=("the ferry cellist",),
    facts=(
        Fact(question="Where was Brisa Okonkwo-Lund born?", answer="She was born in Kovan Bay."),
        Fact(question="Whom did Brisa Okonkwo-Lund marry?", answer="She married Jory Aldine."),
    ),
)
VASK = Draft(name="Teodor Vask", facts=(Fact(answer="Teodor Vask built the tidal stair of Merrin Point."),))

AuditOf = Callable[..., PolicyAudit]


@pytest.fixture(scope="session")
def audit_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditOf]:
    """Makes the audit under the policy of these drafts."""
    registries: list[Registry] = []

    def made(*drafts: Draft) -> PolicyAudit:
        folder = tmp_path_factory.mktemp("policy")
        registry = Registry(folder / "registry.db")
        registries.append(registry)
        registry.add_many(drafts)
        embedder = WordEmbedder()
        policy = Compiler(registry, embedder, folder).compile()
        return PolicyAudit(policy, embedder)

    yield made
    for registry in registries:
        registry.close()


@pytest.fixture(scope="session")
def audit(audit_of: AuditOf) -> PolicyAudit:
    return audit_of(BRISA, VASK)
