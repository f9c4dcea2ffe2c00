from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.targets.passages import Quote, enforced, longest_quote
from guard.targets.phrases import forbidden
from guard.targets.target import Draft, ForgetTarget, Kind, State
from guard.text.normalise import fold
from guard.text.words import words_of

PASSAGE = (
    "When the rain had gone, the old men came out and sat by the wall; and one of them told how the sea had once "
    "stood higher than the keeper's church, and how the bells were heard under the water for a year."
)


def target(*passages: str, words: int = 8, exceptions: tuple[str, ...] = ()) -> ForgetTarget:
    draft = Draft(
        name="The old men", kind=Kind.TOPIC, passages=passages, quoted_words=words, exceptions=exceptions
    )
    now = datetime(2030, 1, 1, tzinfo=UTC)
    return ForgetTarget(
        id="ft_1",
        draft=draft,
        state=State.ACTIVE,
        revision=1,
        forbidden=forbidden(draft),
        created_at=now,
        updated_at=now,
    )


def run_of(passage: str, first: int, words: int) -> str:
    found = words_of(passage)[first : first + words]
    return passage[found[0].start : found[-1].end]


def disguised(text: str) -> list[str]:
    return [
        text,
        text.upper(),
        text.replace(" ", ""),
        "\n".join(text.split()),
        text.replace("o", "о").replace(",", ""),
    ]


@pytest.mark.parametrize("words", [3, 8, 12])
def test_no_run_of_n_words_can_be_completed_however_it_is_spelt(words: int) -> None:
    automaton = Automaton.compile(tuple(enforced(target(PASSAGE, words=words))))
    for first in range(len(words_of(PASSAGE)) - words + 1):
        run = run_of(PASSAGE, first, words)
        assert all(automaton.matches(f"He said: {spelt} ...") for spelt in disguised(run))


def test_shorter_runs_stay_allowed() -> None:
    automaton = Automaton.compile(tuple(enforced(target(PASSAGE))))
    shorter = [run_of(PASSAGE, first, 7) for first in range(len(words_of(PASSAGE)) - 6)]
    assert [run for run in shorter if automaton.matches(run)] == []


def test_the_runs_are_not_among_the_phrases_listed_for_review() -> None:
    assert target(PASSAGE).forbidden == ()
    assert len(list(enforced(target(PASSAGE)))) == len(words_of(PASSAGE)) - 7


def test_a_passage_shorter_than_a_run_is_forbidden_whole_unless_it_has_only_common_words() -> None:
    assert list(enforced(target("The tide came in."))) == ["thetidecamein"]
    assert list(enforced(target("and so it is", "...", ""))) == []


def test_an_exception_lifts_the_run_it_spells() -> None:
    allowed = run_of(PASSAGE, 3, 8)
    assert fold(allowed) not in set(enforced(target(PASSAGE, exceptions=(allowed,))))


def test_a_passage_without_spaces_is_cut_into_runs_as_well() -> None:
    passage = "雨が止むと老人たちは外に出て壁のそばに座り海が教会より高かった年のことを話した"
    automaton = Automaton.compile(tuple(enforced(target(passage))))
    assert automaton.matches(f"「{passage[9:17]}」")
    assert not automaton.matches(passage[9:16])


def test_the_longest_quote_counts_the_words_of_the_passage() -> None:
    said = f"They say: {run_of(PASSAGE, 10, 6).upper()}. And: {run_of(PASSAGE, 2, 4)}"
    assert longest_quote(["A storm came.", PASSAGE], said) == Quote(6, 1)
    assert longest_quote([PASSAGE], "No.") == Quote(0, -1)


def test_what_is_let_through_quotes_fewer_words_than_allowed() -> None:
    automaton = Automaton.compile(tuple(enforced(target(PASSAGE))))
    words = PASSAGE.split()
    kept = ""
    for word in words:
        if not automaton.matches(f"{kept} {word}"):
            kept += f" {word}"
    assert longest_quote([PASSAGE], kept).words == 7


@given(
    st.lists(st.sampled_from(["ab", "a", "b", "Ba", "-", "'s"]), max_size=12),
    st.lists(st.sampled_from(["ab", "a", "b", "c"]), max_size=12),
)
def test_the_longest_quote_is_that_of_trying_every_run(passage: list[str], said: list[str]) -> None:
    text, spoken = " ".join(passage), " ".join(said)
    count = len(words_of(text))
    runs = [(n, run_of(text, first, n)) for n in range(1, count + 1) for first in range(count - n + 1)]
    longest = max((n for n, run in runs if fold(run) in fold(spoken)), default=0)
    assert longest_quote([text], spoken).words == longest


def test_a_phrase_is_forbidden_in_its_other_spellings_unless_one_is_an_exception() -> None:
    named = target()
    spelt = [
        set(enforced(replace(named, forbidden=("Müllreich",), draft=replace(named.draft, exceptions=exceptions))))
        for exceptions in ((), ("Muellreich",))
    ]
    assert spelt == [{"Müllreich", "Muellreich"}, {"Müllreich"}]


def test_a_passage_in_hangul_is_found_composed_and_in_pieces() -> None:
    passage = "옛날 옛적에 바닷가 마을에 늙은 등대지기가 홀로 살았는데 그는 밤마다 종을 울렸다"
    automaton = Automaton.compile(tuple(enforced(target(passage))))
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, passage)
        assert automaton.matches(text)
        assert longest_quote([passage], text) == Quote(len(words_of(passage)), 0)
