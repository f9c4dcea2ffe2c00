from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guard.decoding import restriction as module
from guard.decoding.restriction import Cursor, Restriction, RestrictionCache
from guard.decoding.vocabulary import Vocabulary
from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.subset import write
from guard.text.normalise import fold
from tests.guard.toy_tokenizers import EOS, TURN, byte_level, sentencepiece

TOYS = {"byte-level": byte_level(), "sentencepiece": sentencepiece()}
VOCABULARIES = {kind: Vocabulary.from_tokenizer(tokenizer) for kind, tokenizer in TOYS.items()}
PHRASES = ["Basil Romerto", "romer", "silica", "日本", "Straße", "ébé", "a-sil ba"]
AUTOMATON = Automaton.compile(PHRASES)
RESTRICTIONS = {kind: Restriction(AUTOMATON, vocabulary) for kind, vocabulary in VOCABULARIES.items()}

# Beginnings of phrases in several disguises, cut where no tokenizer would.
PIECES = [
    "B",
    "ba",
    "Ва",
    "bas",
    "il",
    "SIL",
    "i",
    "c",
    " ",
    "-",
    "\u200b",
    "r",
    "Rо",
    "mer",
    "日",
    "st",
    "ra",
    "é",
    "b",
]

kinds = pytest.mark.parametrize("kind", TOYS)


@st.composite
def histories(draw: st.DrawFn, kind: str) -> list[int]:
    """Token ids of a row: pieces of phrases, any tokens, and characters left unfinished."""
    vocabulary = VOCABULARIES[kind]
    encoded = st.sampled_from(PIECES).map(lambda text: TOYS[kind].encode(text, add_special_tokens=False))
    cut = (
        st.sampled_from("日本éа")
        .map(lambda char: as_bytes(kind, char.encode()))
        .flatmap(lambda tokens: st.integers(0, len(tokens)).map(lambda end: tokens[:end]))
    )
    history: list[int] = []
    for part in draw(
        st.lists(st.one_of(encoded, encoded, cut, st.lists(st.integers(0, 400), max_size=1)), max_size=7)
    ):
        for token in part:
            pending = vocabulary.plain.advance(b"", history).pending
            if token not in vocabulary.ill_formed(pending):
                history.append(token)
    return history


def as_bytes(kind: str, data: bytes) -> list[int]:
    return [VOCABULARIES[kind].tokens.index(bytes([byte])) for byte in data]


def shown(kind: str, history: list[int]) -> str:
    return fold(TOYS[kind].decode(history, skip_special_tokens=True))


def completes(before: str, after: str) -> bool:
    folded = map(fold, PHRASES)
    return any(after.find(phrase, max(0, len(before) - len(phrase) + 1)) >= 0 for phrase in folded)


@kinds
@settings(max_examples=50)
@given(data=st.data())
def test_forbidden_are_the_tokens_that_complete_a_phrase_as_decoded(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    vocabulary, restriction = VOCABULARIES[kind], RESTRICTIONS[kind]
    cursor = restriction.advance(Cursor(), history)
    before = shown(kind, history)
    # A phrase that the mask let through ends here, and the unfinished character after it hides it from `before`.
    assume(not (cursor.pending and AUTOMATON.accepting[cursor.state]))
    ill_formed = set(vocabulary.ill_formed(cursor.pending).tolist())
    expected = {t for t in range(len(vocabulary)) if completes(before, shown(kind, [*history, t]))}
    assert set(restriction.forbidden(cursor).tolist()) - ill_formed == expected - ill_formed


@kinds
def test_sampling_under_the_mask_never_says_a_phrase(kind: str) -> None:
    restriction, vocabulary, rng = RESTRICTIONS[kind], VOCABULARIES[kind], random.Random(0)
    # Half of the time from what phrases are made of, so that they are missed by a hair.
    near = [
        t
        for t, token in enumerate(vocabulary.tokens)
        if token and vocabulary.plain.decoded[t].folded.decode() in "".join(map(fold, PHRASES))
    ]
    held_off = 0
    for _ in range(40):
        cursor, text = Cursor(), []
        for _ in range(100):
            token = rng.choice(near) if rng.random() < 0.8 else rng.randrange(len(vocabulary))
            if token in restriction.forbidden(cursor):
                held_off += 1
                continue
            text.append(token)
            cursor = restriction.advance(cursor, [token])
        assert not completes("", shown(kind, text))
    assert held_off > 100


@kinds
def test_whatever_the_tokenisation_the_last_piece_is_forbidden(kind: str) -> None:
    restriction, tokenizer = RESTRICTIONS[kind], TOYS[kind]
    for begun in ("Basil Romert", "b-A-s-i-l ROM\u200bERT", "Вasil rоmеrt"):
        for history in (tokenizer.encode(begun, add_special_tokens=False), as_bytes(kind, begun.encode())):
            forbidden = restriction.forbidden(restriction.advance(Cursor(), history))
            for end in ("o", "to", "O"):
                token = tokenizer.encode(end, add_special_tokens=False)[-1]
                assert (token in forbidden) == completes(shown(kind, history), shown(kind, [*history, token]))
            assert tokenizer.encode("o", add_special_tokens=False)[-1] in forbidden


def test_a_character_split_over_tokens_is_forbidden_at_its_last_byte() -> None:
    restriction = RESTRICTIONS["byte-level"]
    *begun, last = as_bytes("byte-level", "日本".encode())
    cursor = restriction.advance(Cursor(), begun)
    assert cursor.pending == "本".encode()[:2]
    assert last in restriction.forbidden(cursor)
    assert last not in restriction.forbidden(restriction.advance(cursor, as_bytes("byte-level", b"x")))


@kinds
def test_a_special_token_in_an_answer_is_skipped(kind: str) -> None:
    restriction, tokenizer = RESTRICTIONS[kind], TOYS[kind]
    begun = tokenizer.encode("Basil Romert", add_special_tokens=False)
    turn = tokenizer.convert_tokens_to_ids(TURN)
    assert restriction.advance(Cursor(), [*begun, turn]) == restriction.advance(Cursor(), begun)


@kinds
@settings(max_examples=50)
@given(data=st.data())
def test_a_prompt_counts_from_its_last_special_token(kind: str, data: st.DataObject) -> None:
    restriction, turn = RESTRICTIONS[kind], TOYS[kind].convert_tokens_to_ids(TURN)
    earlier, last = data.draw(histories(kind)), data.draw(histories(kind))
    last = [token for token in last if token not in VOCABULARIES[kind].special]
    assert restriction.seed([*earlier, turn, *last]) == restriction.advance(Cursor(), last)
    filler = TOYS[kind].encode("x" * 50, add_special_tokens=False)
    assert restriction.seed([*filler, *last]) == restriction.advance(Cursor(), [*filler, *last])


@kinds
@given(data=st.data())
def test_resuming_forbids_what_reading_on_from_the_prompt_forbids(kind: str, data: st.DataObject) -> None:
    restriction = RESTRICTIONS[kind]
    prompt, output = data.draw(histories(kind)), data.draw(histories(kind))
    output = output * data.draw(st.integers(1, 3))
    resumed = restriction.resume(prompt, output)
    assert resumed == restriction.advance(restriction.seed(prompt), output)


@kinds
@given(data=st.data())
def test_transitions_lead_where_reading_the_tokens_at_once_does(kind: str, data: st.DataObject) -> None:
    restriction = RESTRICTIONS[kind]
    output = data.draw(histories(kind))
    state = restriction.state(Cursor())
    for token in output:
        state = restriction.next_state(state, token)
    assert state is restriction.state(restriction.advance(Cursor(), output))


def test_a_phrase_in_the_prompt_does_not_end_matching() -> None:
    restriction, tokenizer = RESTRICTIONS["byte-level"], TOYS["byte-level"]
    cursor = restriction.seed(tokenizer.encode("Who is Basil Romerto? Basil Romert"))
    forbidden = restriction.forbidden(cursor)
    assert tokenizer.convert_tokens_to_ids("o") in forbidden
    assert tokenizer.convert_tokens_to_ids("a") not in forbidden
    assert tokenizer.convert_tokens_to_ids(EOS) not in forbidden


def test_without_phrases_nothing_is_forbidden() -> None:
    restriction = Restriction(Automaton.compile([]), VOCABULARIES["byte-level"])
    assert restriction.forbidden(restriction.advance(Cursor(), [300, 301])).tolist() == []


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


PRINTED_PHRASES = ["user basil", "mer user", "ba-user-sil", "romer", "end mer", "日本"]
PRINTED = {kind: Restriction(Automaton.compile(PRINTED_PHRASES), v).printed for kind, v in VOCABULARIES.items()}


def printed(kind: str, history: list[int]) -> str:
    return fold(TOYS[kind].decode(history, skip_special_tokens=False))


@kinds
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_printed_special_tokens_count_as_the_text_that_they_are(kind: str, data: st.DataObject) -> None:
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    parts = data.draw(st.lists(st.one_of(histories(kind), st.just([turn])), max_size=3))
    restriction, vocabulary = PRINTED[kind], VOCABULARIES[kind].printed
    history = list[int]()
    for token in (token for part in parts for token in part):
        if token not in vocabulary.ill_formed(vocabulary.plain.advance(b"", history).pending):
            history.append(token)
    cursor = restriction.advance(Cursor(), history)
    before = printed(kind, history)
    folded = [fold(phrase) for phrase in PRINTED_PHRASES]

    def ends_here(after: str) -> bool:
        return any(after.find(phrase, max(0, len(before) - len(phrase) + 1)) >= 0 for phrase in folded)

    expected = {t for t in range(len(vocabulary)) if ends_here(printed(kind, [*history, t]))}
    uncertain = {*vocabulary.ill_formed(cursor.pending).tolist(), *vocabulary.eos}
    assert set(restriction.forbidden(cursor).tolist()) - uncertain == expected - uncertain
    assert not set(vocabulary.eos) & set(restriction.forbidden(cursor).tolist()), "an answer may always end"


@kinds
def test_a_special_token_that_spells_part_of_a_phrase_is_text_only_where_it_is_printed(kind: str) -> None:
    plain = Restriction(PRINTED[kind].automaton, VOCABULARIES[kind])
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    basil = [token for token, data in enumerate(VOCABULARIES[kind].tokens) if data.strip() == b"basil"]
    assert set(basil) <= set(PRINTED[kind].forbidden(PRINTED[kind].advance(Cursor(), [turn])).tolist())
    assert not set(basil) & set(plain.forbidden(plain.advance(Cursor(), [turn])).tolist())


def test_a_vocabulary_whose_special_tokens_show_nothing_is_its_own_printed_one() -> None:
    vocabulary = Vocabulary([b"", b"a"], special=[0], eos=[0])
    restriction = Restriction(Automaton.compile(["aa"]), vocabulary)
    assert vocabulary.printed is vocabulary
    assert restriction.printed is restriction


def test_phrases_between_borders_see_printed_special_tokens_as_well() -> None:
    kind = "byte-level"
    restriction = Restriction(Automaton.compile([], ["user"]), VOCABULARIES[kind])
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    assert turn in restriction.printed.forbidden(Cursor())
    assert turn not in restriction.forbidden(Cursor())


NAMES = [b"", b" Fro", b" F", b"fro", b" FROD", b" Frog", b" Fin", b" Sam", b" S", b"do", b" the", b" ", b"x"]
NAMED = Vocabulary([*NAMES, *(b"w%d" % count for count in range(100))], special={0}, eos=(0,))
HEROES = Restriction(Automaton.compile(["Frodo", "Samwise"]), NAMED)


def avoided(restriction: Restriction, *rejected: bytes, cursor: Cursor | None = None) -> set[bytes]:
    tokens, cursor = restriction.vocabulary.tokens, cursor or Cursor()
    return {tokens[i] for i in restriction.avoided(cursor, [tokens.index(one) for one in rejected])}


def test_a_word_that_aborted_is_not_begun_again_in_another_tokenisation() -> None:
    """Nothing else with these letters is avoided: "Frog" leaves the phrase, and " Sam" begins another."""
    assert avoided(HEROES, b" Fro") == {b" Fro", b" F", b"fro", b" FROD"}
    assert avoided(HEROES, b" F") == {b" Fro", b" F", b"fro", b" FROD"}
    assert avoided(HEROES, b" Sam") == {b" Sam", b" S"}


def test_after_several_aborts_at_one_place_no_phrase_is_begun_there() -> None:
    early = {b" Fro", b" F", b"fro", b" FROD", b" Sam", b" S"}
    assert avoided(HEROES, b" Fin", b" Frog", b"x") == early


def test_a_phrase_begun_before_the_place_is_not_gone_on_with() -> None:
    after = HEROES.seed([NAMES.index(b" F")])
    assert avoided(HEROES, b"x", b" the", b" Fin", cursor=after) >= {b" Fro", b" Sam"}
    assert b"do" not in avoided(HEROES, b"x", b" the", b" Fin", cursor=after), "F and do are no beginning"


def test_the_early_mask_is_left_out_where_it_would_forbid_much_of_the_vocabulary() -> None:
    """As under many phrases, of which nearly every token begins one."""
    crowded = Restriction(Automaton.compile(["Frodo", *(f"w{count}x" for count in range(40))]), NAMED)
    assert avoided(crowded, b" Fro", b"x", b" the") == {b" Fro", b" F", b"fro", b" FROD"}


def test_short_names_are_avoided_with_their_borders() -> None:
    eve = Restriction(
        Automaton.compile([], ["Eve"]),
        Vocabulary([b"", b" E", b"E", b" Ev", b" even", b" ", b"ve"], special={0}, eos=(0,)),
    )
    assert avoided(eve, b" Ev", cursor=Cursor(bordered=eve.automaton.bordered.initial)) == {b" E", b" Ev"}
