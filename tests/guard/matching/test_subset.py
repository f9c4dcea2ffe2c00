"""An automaton without some of its phrases finds the others, and nothing else."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.automaton_file import path_of
from guard.matching.patterns import Exemption, folded_phrases
from guard.matching.scanner import Scanner
from guard.matching.subset import attach, without, write
from guard.text.normalise import fold


def test_phrases_can_be_left_out() -> None:
    phrases = ["Vell", "Vellmarsh", "marsh", "Eve", "Orla Quarn"]
    whole = Automaton.forbidding(phrases)
    text = "Vellmarsh, Eve and Orla Quarn"
    for count in range(len(phrases) + 1):
        for left_out in combinations(range(len(phrases)), count):
            expected = [found for found in whole.matches(text) if found.phrase not in left_out]
            assert without(whole, left_out).matches(text) == expected


def test_what_is_left_is_found_as_if_it_had_been_compiled_alone() -> None:
    phrases = ["Salt Road", "Salt", "Eve", "Li Na", "Aysha", "road inn"]
    exemptions = [Exemption("saltroad", "The Salt Road Inn"), Exemption("eve", "Eve Bridge")]
    texts = [
        "the salt road inn and the salt road",
        "Eve met Li Na on Eve Bridge, never in Carolina",
        "may share Ayshaly, the Salt Road In",
    ]
    order = folded_phrases(phrases)
    whole = Automaton.forbidding(phrases, exemptions)
    for count in range(len(phrases)):
        for left_out in combinations(range(len(phrases)), count):
            kept = [phrase for phrase in phrases if order.index(fold(phrase)) not in left_out]
            alone = Automaton.forbidding(kept, exemptions)
            part = without(whole, left_out)
            for text in texts:
                assert {found[1:] for found in part.matches(text)} == {found[1:] for found in alone.matches(text)}
                scanners = [Scanner([one]) for one in (part, alone)]
                said = [one.feed(text) + one.finish() for one in scanners]
                # A text that exempted what is left out may still be waited for: less leaves, never more.
                assert said[1].startswith(said[0])


def test_the_file_of_what_is_left_says_what_is_left(tmp_path: Path) -> None:
    phrases = ["Vell", "Eve", "Orla Quarn"]
    whole = Automaton.forbidding(phrases)
    whole.save(tmp_path)
    digest = write(tmp_path, whole.digest, {1})
    assert digest != whole.digest
    assert write(tmp_path, whole.digest, {1}) == digest
    for automaton in (attach(tmp_path, digest), attach(tmp_path, digest, lambda _: whole)):
        assert automaton.digest == digest
        assert {found.phrase for found in automaton.matches("Vell, Eve and Orla Quarn")} == {0, 2}
    assert attach(tmp_path, whole.digest).digest == whole.digest
    whole_path = path_of(tmp_path, whole.digest)
    whole_path.unlink()
    with pytest.raises(PolicyUnavailable):
        attach(tmp_path, digest)
    with pytest.raises(PolicyUnavailable):
        attach(tmp_path, "0" * 64)
