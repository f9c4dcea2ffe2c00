from __future__ import annotations

import itertools
from collections import Counter

from eval.phrases.invented_targets import invented_targets
from eval.phrases.over_restriction import Half, OrdinaryAnswer, over_restriction
from guard.targets.target import Scope


def test_invented_targets_are_distinct_and_the_same_for_the_same_seed() -> None:
    first, again, other = (list(itertools.islice(invented_targets(40, seed), 40)) for seed in (1, 1, 2))
    assert [target.draft for target in first] == [target.draft for target in again]
    assert first[0].draft != other[0].draft
    assert len({target.draft.name for target in first}) == 40
    assert {len(target.draft.facts) for target in first} == {5}
    assert {target.draft.scope for target in first} == {Scope.ALWAYS}
    assert all(target.draft.name in target.forbidden for target in first)


def test_an_answer_counts_as_changed_where_a_phrase_of_a_target_is_in_it() -> None:
    target = next(invented_targets(1))
    answers = [
        OrdinaryAnswer("own", f"I met {target.draft.name} there."),
        OrdinaryAnswer("own", "The cat slept on the chair."),
        OrdinaryAnswer("other", "Mix flour with water."),
        OrdinaryAnswer("other", f"I met {target.draft.name} again.", is_tuned_on=False),
    ]
    (changed,) = over_restriction(answers, [1])
    assert changed.answers == Counter(own=2, other=2)
    assert changed.changed == Counter(own=1, other=1)
    assert changed.share == 1 / 2
    assert (changed.tuned_on, changed.others) == (Half(3, 1), Half(1, 1))
    [(cause, count)] = changed.causes
    assert target.draft.name.startswith(cause[:5])
    assert count == 1  # of those that rules may be tuned on
