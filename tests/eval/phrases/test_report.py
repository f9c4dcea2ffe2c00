from __future__ import annotations

from collections import Counter

import pytest

from eval.phrases.labelled_facts import HELD_OUT, TUNED_ON, LabelledFact, Split, labelled_facts
from eval.phrases.measure import Counts, counts_by_language, outcome, table


@pytest.mark.parametrize("split", list(Split))
def test_a_split_has_ten_facts_or_more_in_each_of_its_languages(split: Split) -> None:
    facts = labelled_facts(split)
    languages = Counter(fact.language for fact in facts)
    assert min(languages.values()) >= 10
    assert len(languages) == {Split.TUNED_ON_3: 6}.get(split, 15)
    assert all(label in fact.text for fact in facts for label in fact.tells)


def test_a_split_is_tuned_on_or_written_by_another_author_without_a_look_at_the_rules() -> None:
    assert {*TUNED_ON, *HELD_OUT} == set(Split)
    assert not set(TUNED_ON).intersection(HELD_OUT)


@pytest.mark.parametrize("split", list(Split))
def test_no_label_of_what_is_common_holds_what_tells(split: Split) -> None:
    facts = labelled_facts(split)
    assert not [1 for fact in facts for common in fact.common if any(told in common for told in fact.tells)]


def test_no_fact_is_in_two_splits() -> None:
    texts = [fact.text for split in Split for fact in labelled_facts(split)]
    assert len(texts) == len(set(texts))


def test_what_is_common_and_what_is_mere_context_around_it_counts_as_wrong() -> None:
    fact = LabelledFact("en", "Ilsabet Quorne left Sallowmere.", ("Ilsabet Quorne",), ("Sallowmere",))
    one = outcome(fact)
    assert one.missed == ()
    assert one.wrong == ("Sallowmere",)
    assert counts_by_language([one])["en"] == Counts(tells=1, found=1, phrases=4, right=3)


def test_the_table_ends_with_the_totals() -> None:
    lines = table({split: [outcome(fact) for fact in labelled_facts(split)[:3]] for split in Split}).splitlines()
    assert lines[0] == (
        "| language | recall, tuned_on | precision, tuned_on | recall, tuned_on_2 | precision, tuned_on_2"
        " | recall, tuned_on_3 | precision, tuned_on_3 | recall, tuned_on_4 | precision, tuned_on_4"
        " | recall, tuned_on_5 | precision, tuned_on_5 | recall, tuned_on_6 | precision, tuned_on_6"
        " | recall, tuned_on_7 | precision, tuned_on_7 | recall, held_out_5 | precision, held_out_5 |"
    )
    assert lines[-1].startswith("| all | ")


def test_recall_and_precision_stay_in_the_sets_that_rules_were_tuned_on() -> None:
    # No rule has been mended on the last two sets yet.
    for split in set(TUNED_ON) - {Split.TUNED_ON_6, Split.TUNED_ON_7}:
        counts = counts_by_language(map(outcome, labelled_facts(split))).values()
        assert sum(row.found for row in counts) >= 0.95 * sum(row.tells for row in counts)
        assert sum(row.right for row in counts) >= 0.94 * sum(row.phrases for row in counts)
