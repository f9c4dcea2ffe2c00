from __future__ import annotations

import pytest

from eval.phrases.labelled_facts import Half, LabelledFact, labelled_facts
from eval.phrases.measure import Counts, counts_by_language, outcome, table


@pytest.mark.parametrize("half", list(Half))
def test_each_half_has_ten_facts_in_each_of_15_languages(half: Half) -> None:
    facts = labelled_facts(half)
    languages = [fact.language for fact in facts]
    assert {languages.count(language) for language in set(languages)} == {10}
    assert len(set(languages)) == 15
    assert all(label in fact.text for fact in facts for label in fact.tells)


def test_what_is_common_and_what_is_mere_context_around_it_counts_as_wrong() -> None:
    fact = LabelledFact("en", "Ilsabet Quorne left Sallowmere.", ("Ilsabet Quorne",), ("Sallowmere",))
    one = outcome(fact)
    assert one.missed == ()
    assert one.wrong == ("Sallowmere",)
    assert counts_by_language([one])["en"] == Counts(tells=1, found=1, phrases=4, right=3)


def test_the_table_ends_with_the_totals() -> None:
    dev, held_out = ([outcome(fact) for fact in labelled_facts(half)[:3]] for half in Half)
    assert table(dev, held_out).splitlines()[-1].startswith("| all | ")


def test_recall_and_precision_of_both_halves_stay() -> None:
    for half in Half:
        counts = counts_by_language(map(outcome, labelled_facts(half))).values()
        assert sum(row.found for row in counts) >= 0.95 * sum(row.tells for row in counts)
        assert sum(row.right for row in counts) >= 0.94 * sum(row.phrases for row in counts)
