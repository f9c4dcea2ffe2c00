"""Caches of mask states and of attached restrictions are bounded."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from guard.decoding import restriction as module
from guard.decoding.restriction import Cursor, Restriction, RestrictionCache
from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.subset import write
from tests.guard.decoding.toys import (
    AUTOMATON,
    VOCABULARIES,
)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 8_000)
    restriction = Restriction(AUTOMATON, VOCABULARIES["byte-level"])
    first = restriction.forbidden(Cursor(0)).tolist()
    for state in range(len(AUTOMATON)):
        restriction.forbidden(Cursor(state))
        assert len(restriction._states) < 10
    assert restriction.forbidden(Cursor(0)).tolist() == first


def test_the_caches_of_all_attached_restrictions_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_CACHE_BYTES", 12_000)
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    attached = []
    for phrase in ("basil", "silica", "romerto"):
        automaton = Automaton.compile([phrase])
        automaton.save(tmp_path)
        attached.append(restrictions.get(automaton.digest))
    for token in range(35):
        for one in attached:
            one.next_state(one.state(Cursor()), token)
            assert one._states
            assert 0 < attached[0]._budget.used_bytes <= 12_000
    assert [one.forbidden(Cursor()).tolist() for one in attached] == [
        Restriction(one.automaton, one.vocabulary).forbidden(Cursor()).tolist() for one in attached
    ]


def test_what_is_left_of_an_automaton_is_forbidden_and_nothing_else(tmp_path: Path) -> None:
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    whole = Automaton.compile(["basil", "silica", "romerto"])
    whole.save(tmp_path)
    # "romerto" is the second phrase.
    part = restrictions.get(write(tmp_path, whole.digest, {1}))
    alone = Restriction(Automaton.compile(["basil", "silica"]), part.vocabulary)
    for tokens in ([], [35], [36, 37]):
        cursors = [each.advance(Cursor(), tokens) for each in (part, alone)]
        assert part.forbidden(cursors[0]).tolist() == alone.forbidden(cursors[1]).tolist()


def test_the_cache_used_least_recently_is_dropped_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_CACHE_BYTES", 4_000)
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    digests = []
    for phrase in ("basil", "silica", "romerto"):
        automaton = Automaton.compile([phrase])
        automaton.save(tmp_path)
        digests.append(automaton.digest)
    first, second = (restrictions.get(digest) for digest in digests[:2])
    for one in (first, second):
        one.state(Cursor())
    restrictions.get(digests[0])
    third = restrictions.get(digests[2])
    for token in range(300, 306):
        third.next_state(third.state(Cursor()), token)
    assert [len(one._states) > 0 for one in (first, second, third)] == [True, False, True]


def test_what_a_restriction_that_is_gone_had_cached_does_not_count() -> None:
    budget = module.CacheBudget()
    restriction = Restriction(AUTOMATON, VOCABULARIES["byte-level"], budget)
    restriction.state(Cursor())
    assert budget.used_bytes > 0
    del restriction
    gc.collect()
    assert budget.used_bytes == 0


def test_clearing_the_cache_leaves_nothing_hanging_on_the_state_that_a_row_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restriction = Restriction(AUTOMATON, VOCABULARIES["byte-level"])
    state = restriction.state(Cursor())
    followed = [restriction.next_state(state, token).cursor for token in range(35)]
    assert len(state.transitions) == 35
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 8)
    restriction.state(Cursor(len(AUTOMATON) - 1))
    assert not state.transitions
    assert [restriction.next_state(state, token).cursor for token in range(35)] == followed
    assert len(restriction._states) <= 1


def test_restrictions_are_attached_once(tmp_path: Path) -> None:
    AUTOMATON.save(tmp_path)
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    restriction = restrictions.get(AUTOMATON.digest)
    assert restriction.automaton.digest == AUTOMATON.digest
    assert restrictions.get(AUTOMATON.digest) is restriction


def test_the_restriction_least_recently_used_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_RESTRICTIONS", 2)
    digests = []
    for phrase in ("one", "two", "three"):
        automaton = Automaton.compile([phrase])
        automaton.save(tmp_path)
        digests.append(automaton.digest)
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    one, two = restrictions.get(digests[0]), restrictions.get(digests[1])
    state = two.state(Cursor())
    followed = two.next_state(state, 300)
    assert restrictions.get(digests[0]) is one
    restrictions.get(digests[2])
    assert restrictions.get(digests[0]) is one
    assert restrictions.get(digests[1]) is not two
    # A row in progress still continues with it.
    assert (len(two._states), state.transitions) == (0, {})
    assert two.next_state(state, 300).cursor == followed.cursor


def test_a_missing_automaton_may_be_written_later(tmp_path: Path) -> None:
    restrictions = RestrictionCache(tmp_path, VOCABULARIES["byte-level"])
    with pytest.raises(PolicyUnavailable):
        restrictions.get(AUTOMATON.digest)
    AUTOMATON.save(tmp_path)
    assert restrictions.get(AUTOMATON.digest)
