"""What the tagger learns from: facts with labels of their tokens, and patterns that are filled."""

from __future__ import annotations

from collections import Counter

from eval.phrases.labelled_facts import HELD_OUT, TUNED_ON, LabelledFact, labelled_facts
from eval.phrases.training.examples import example, facts_and_patterns, first_found
from guard.phrases.phrase import Phrase, PhraseKind


def test_labels_say_where_what_tells_begins_and_goes_on() -> None:
    fact = LabelledFact("en", "She met Orla Quarn in Sallowmere.", ("Orla Quarn", "Sallowmere"), ())
    assert example(fact, []).labels == ["O", "O", "B", "I", "O", "B", "O"]


def test_features_say_what_rules_have_found() -> None:
    fact = LabelledFact("en", "She met Quarn.", ("Quarn",), ())
    features = example(fact, [Phrase("Quarn", PhraseKind.NAME, "rare name")]).features
    assert "kind=name|first" in features[2]
    assert "no rule" in features[1]


def test_every_fact_of_every_set_has_what_rules_found_first() -> None:
    for split in TUNED_ON:
        facts = labelled_facts(split)
        assert all(
            phrase.text in fact.text
            for fact, found in zip(facts, first_found(split), strict=True)
            for phrase in found
        )


def test_facts_and_patterns_are_of_all_languages_and_hold_what_tells() -> None:
    facts = facts_and_patterns()
    assert len(Counter(fact.language for fact in facts)) == 15
    assert all(told in fact.text for fact in facts for told in fact.tells)
    assert facts == facts_and_patterns()


def test_no_fact_is_held_out() -> None:
    held_out = {fact.text for split in HELD_OUT for fact in labelled_facts(split)}
    assert held_out.isdisjoint(fact.text for fact in facts_and_patterns())
