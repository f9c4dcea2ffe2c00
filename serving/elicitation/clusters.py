"""Statements clustered by meaning, so that one fact stands for all that say it in other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guard.text.normalise import fold
from serving.elicitation.statements import Statement

# Cosine from which two statements say the same, if they name the same.
SAME_CUT = 0.85


@dataclass(frozen=True, slots=True)
class Cluster:
    """Statements that say the same: the first of them says it for all."""

    statements: tuple[Statement, ...]

    @property
    def answers(self) -> frozenset[int]:
        """The answers that say it."""
        return frozenset(index for statement in self.statements for index in statement.answers)


def clustered(statements: Sequence[Statement], vectors: NDArray[np.float32]) -> list[Cluster]:
    """Return the statements, with their unit vectors [n, d], in clusters of one meaning.

    A statement joins a cluster only if the cluster's first statement has all its phrases: that one stands for it.
    Of two statements the one with more phrases is first, then the one said more often.
    """
    folds = [frozenset(fold(phrase.text) for phrase in statement.phrases) for statement in statements]
    order = sorted(
        range(len(statements)),
        key=lambda i: (-len(folds[i]), -len(statements[i].answers), len(statements[i].text)),
    )
    firsts: list[int] = []
    members: dict[int, list[int]] = {}
    for i in order:
        near = (j for j in firsts if folds[i] <= folds[j] and float(vectors[i] @ vectors[j]) >= SAME_CUT)
        first = next(near, None)
        if first is None:
            firsts.append(i)
        members.setdefault(i if first is None else first, []).append(i)
    return [Cluster(tuple(statements[i] for i in members[first])) for first in firsts]
