"""Exceptions that contain a phrase: texts in which the phrase is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from guard.matching.patterns import Exemption
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget
from guard.text.normalise import fold


def exemptions(target: ForgetTarget) -> frozenset[Exemption]:
    """Return the exemptions of a target: each of its exceptions, with each phrase that it contains.

    The phrases are folded. An exception that folds like a phrase takes the phrase away, see `enforced`.
    """
    exceptions = [(text, fold(text)) for text in target.draft.exceptions]
    if not exceptions:
        return frozenset()
    return frozenset(
        Exemption(folded, text)
        for folded in set(map(fold, enforced(target)))
        for text, folded_text in exceptions
        if folded in folded_text and folded != folded_text
    )


def common_exemptions(targets: Iterable[ForgetTarget]) -> frozenset[Exemption]:
    """Return the exemptions of several targets' phrases together: those of all targets that forbid the phrase."""
    everyone = list(targets)
    exempt = {target.id: own for target in everyone if (own := exemptions(target))}
    if not exempt:
        return frozenset()
    common: dict[str, frozenset[Exemption]] = {}
    affected = {exemption.phrase for own in exempt.values() for exemption in own}
    for target in everyone:
        own = exempt.get(target.id, frozenset())
        for folded in affected & set(map(fold, enforced(target))):
            allowed = frozenset(one for one in own if one.phrase == folded)
            common[folded] = common.get(folded, allowed) & allowed
    return frozenset().union(*common.values())
