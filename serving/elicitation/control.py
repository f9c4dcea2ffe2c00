"""What any name would get: phrases and statements that the model says of invented names as well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from guard.text.normalise import fold
from serving.elicitation.statements import Statement

# A phrase is of no target if invented names get it at least half as often as the target does.
CONTROL_SHARE = 0.5
# Cosine from which a statement says of the target what another says of an invented name.
CONTROL_CUT = 0.9
_NAME = "N."


def phrase_counts(statements: Iterable[Statement]) -> Counter[str]:
    """Return in how many answers each phrase is said, by its fold."""
    where: dict[str, set[int]] = {}
    for statement in statements:
        for phrase in statement.phrases:
            where.setdefault(fold(phrase.text), set()).update(statement.answers)
    return Counter({phrase: len(answers) for phrase, answers in where.items()})


def of_any_name(
    said: Mapping[str, int], answers: int, control: Mapping[str, int], controls: int
) -> frozenset[str]:
    """Return the folds of the phrases that invented names get as well.

    `said` and `control` count in how many of `answers` and `controls` answers each phrase is.
    """
    if not answers or not controls:
        return frozenset()
    return frozenset(
        phrase
        for phrase, times in said.items()
        if control.get(phrase, 0) / controls >= CONTROL_SHARE * times / answers
    )


def without_name(text: str, name: str) -> str:
    """Return the text with the name, and each longer word of it, replaced by one that stands for any."""
    parts = [name, *(word for word in name.split() if len(word) > 3)]
    return re.sub("|".join(map(re.escape, parts)), _NAME, text, flags=re.I)


def is_said_of_any(vectors: NDArray[np.float32], controls: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each of the unit `vectors` [n, d] whether one of `controls` [m, d] means the same; bool [n]."""
    if not len(vectors) or not len(controls):
        return np.zeros(len(vectors), np.bool_)
    near: NDArray[np.bool_] = (vectors @ controls.T).max(axis=1) >= CONTROL_CUT
    return near


def tells(statement: Statement, common: frozenset[str], own: frozenset[str]) -> bool:
    """Return whether a statement has a phrase that is neither the name's nor of any name (`common`).

    `own` are the folds of the name and its words. One without such a phrase tells of the target only if invented
    names do not get its like.
    """
    return any(fold(phrase.text) not in common and not is_own(phrase.text, own) for phrase in statement.phrases)


def name_folds(name: str) -> frozenset[str]:
    """Return the folds of a name and of its words."""
    return frozenset(map(fold, (name, *name.split())))


def is_own(phrase: str, own: frozenset[str]) -> bool:
    """Return whether a phrase has no word but those of the name whose `name_folds` are `own`."""
    return fold(phrase) in own or all(fold(word) in own for word in phrase.split())
