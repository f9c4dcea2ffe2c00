from __future__ import annotations

from dataclasses import replace

from guard.targets.elicitation import Change, Proposal, ProposalKind
from serving.elicitation.changes import same_in_other_words
from tests.serving.elicitation.scripted import WordEmbedder


def fact(text: str) -> Proposal:
    return Proposal(id=text, kind=ProposalKind.FACT, text=text, times=2, styles=(), languages=())


ROAD = fact('She wrote "The Salt Road" in the winter.')
TURNED = fact('In the winter she wrote "The Salt Road".')
LAMP = fact('In the winter she wrote "The Salt Lamp".')


def test_a_fact_with_the_same_meaning_and_the_same_phrases_is_the_same() -> None:
    assert same_in_other_words([ROAD], [TURNED], WordEmbedder()) == {ROAD.id, TURNED.id}


def test_a_fact_with_another_phrase_is_another_however_near() -> None:
    assert same_in_other_words([ROAD], [LAMP], WordEmbedder()) == frozenset()


def test_what_was_gone_and_what_is_no_fact_is_not_compared() -> None:
    gone = replace(TURNED, change=Change.GONE)
    phrase = replace(TURNED, kind=ProposalKind.PHRASE)
    assert same_in_other_words([ROAD], [gone, phrase], WordEmbedder()) == frozenset()
