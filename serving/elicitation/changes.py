"""Which proposals of two elicitations say the same in other words, so that a change of wording is no change."""

from __future__ import annotations

from collections.abc import Sequence

from guard.detection.embedder import Embedder
from guard.phrases import extraction
from guard.targets.elicitation import Change, Proposal, ProposalKind
from guard.text.normalise import fold
from serving.elicitation.clusters import SAME_CUT


def same_in_other_words(now: Sequence[Proposal], before: Sequence[Proposal], embedder: Embedder) -> frozenset[str]:
    """Return the ids of the facts of either side that a fact of the other means, with all the same phrases."""
    present, past = _facts(now), _facts(before)
    if not present or not past:
        return frozenset()
    near = embedder.embed([one.text for one in present]) @ embedder.embed([one.text for one in past]).T >= SAME_CUT
    here, there = [_phrases(one) for one in present], [_phrases(one) for one in past]
    return frozenset(
        one.id
        for i, j in zip(*near.nonzero(), strict=True)
        if here[i] == there[j]
        for one in (present[i], past[j])
    )


def _facts(proposals: Sequence[Proposal]) -> list[Proposal]:
    return [one for one in proposals if one.kind is ProposalKind.FACT and one.change is not Change.GONE]


def _phrases(proposal: Proposal) -> frozenset[str]:
    return frozenset(fold(phrase.text) for phrase in extraction.of_answer(proposal.text, proposal.question))
