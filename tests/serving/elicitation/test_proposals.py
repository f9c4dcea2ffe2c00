"""Which proposals come first, and which are kept where there are too many."""

from __future__ import annotations

import pytest

from guard.targets.elicitation import ProposalKind
from guard.targets.target import Kind
from serving.elicitation import proposals as module
from serving.elicitation.clusters import Cluster
from serving.elicitation.forms import Style, forms_of
from serving.elicitation.proposals import CERTAIN, found, proposals
from serving.elicitation.statements import Answer, statements_of

NAME = "Ilse Quorne"
(FORM, *_) = forms_of(Kind.PERSON, (Style.DIRECT,))


def said(*texts: str, certain: str = "") -> list[Answer]:
    return [
        Answer(FORM.about(NAME), text, likeliest=True, certainty=CERTAIN if certain and certain in text else 0.5)
        for text in texts
    ]


ANSWERS = said(*['She wrote "The Night Ferry".'] * 3, 'She wrote "The Salt Road".', certain="Salt")


def test_what_was_said_most_often_is_first() -> None:
    clusters = [Cluster((statement,)) for statement in statements_of(ANSWERS)]
    listed = proposals(ANSWERS, clusters, frozenset(), NAME)
    assert [one.times for one in listed if one.kind is ProposalKind.PHRASE] == [3, 1]
    assert [one.times for one in listed if one.kind is ProposalKind.FACT] == [3, 1]


def test_what_was_said_with_certainty_is_kept_before_what_was_said_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PHRASES", 1)
    clusters = [Cluster((statement,)) for statement in statements_of(ANSWERS)]
    listed = proposals(ANSWERS, clusters, frozenset(), NAME)
    assert [one.text for one in listed if one.kind is ProposalKind.PHRASE] == ["The Salt Road"]


def test_what_was_said_with_certainty_is_asked_about_first() -> None:
    things = found(ANSWERS, statements_of(ANSWERS), frozenset(), NAME)
    assert [thing.text for thing in things] == ["The Salt Road", "The Night Ferry"]
