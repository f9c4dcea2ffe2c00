"""The token mask of phrases between word borders, and of phrases that longer texts exempt."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.backtracking import Backtracker
from guard.decoding.batch import RestrictedBatch
from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.matching.patterns import Exemption
from tests.guard.decoding.toys import TOYS, VOCABULARIES, histories, kinds
from tests.guard.toy_tokenizers import EOS, TURN

AUTOMATON = Automaton.compile(
    ["romerto", "日本", "silica"],
    ["basil", "Ba Rom", "er", "ro"],
    [
        Exemption("basil", "basil-romer"),
        Exemption("er", "mer er to"),
        Exemption("romerto", "romerto basil"),
        Exemption("silica", "a silica mer"),
    ],
    ["Merob", "ilrom"],
)
RESTRICTIONS = {kind: Restriction(AUTOMATON, vocabulary) for kind, vocabulary in VOCABULARIES.items()}


def ends(text: str) -> int:
    """Return how many phrases have ended in `text`, if it goes on."""
    count = 0
    for part in AUTOMATON.parts:
        state = part.initial
        for char in text:
            for byte in part.read(char):
                state = part.run(state, bytes([byte]))
                count += int(part.accepting[state])
    return count


def shown(kind: str, tokens: list[int]) -> str:
    return TOYS[kind].decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)


@kinds
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_forbidden_are_the_tokens_with_which_a_phrase_has_ended(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    vocabulary, restriction = VOCABULARIES[kind], RESTRICTIONS[kind]
    cursor = restriction.resume([], history)
    text = shown(kind, history)
    unfinished = "\ufffd" in text
    uncertain = set(vocabulary.ill_formed(cursor.pending).tolist()) | set(vocabulary.textless.tolist())
    expected = {t for t in range(len(vocabulary)) if ends(shown(kind, [*history, t])) > ends(text)}
    forbidden = set(restriction.forbidden(cursor).tolist())
    if not unfinished:
        assert forbidden - uncertain == expected - uncertain
    said_at_end = bool(AUTOMATON.matches(text)) and ends(text) == 0
    # What is ill-formed is shown in another way than it is read.
    if not ends(text) and not unfinished:
        assert set(vocabulary.textless.tolist()) <= forbidden or not said_at_end
        assert said_at_end or not set(vocabulary.textless.tolist()) & forbidden


@kinds
def test_sampling_under_the_mask_never_says_a_phrase(kind: str) -> None:
    restriction, vocabulary, rng = RESTRICTIONS[kind], VOCABULARIES[kind], random.Random(0)
    end = TOYS[kind].convert_tokens_to_ids(EOS)
    near = [
        t for t, token in enumerate(vocabulary.tokens) if token and set(token) <= set(b" -BASILROMERTbasilromert")
    ]
    ended = held_off = 0
    for _ in range(300):
        state, text = restriction.state(restriction.seed([])), []
        while len(text) < 60:
            token = end if rng.random() < 0.1 else rng.choice(near)
            if token in state.forbidden:
                held_off += 1
                continue
            if token == end:
                ended += 1
                assert AUTOMATON.matches(shown(kind, text)) == []
                break
            text.append(token)
            state = restriction.next_state(state, token)
        assert not ends(shown(kind, text))
    assert held_off > 100
    assert ended > 100


def encode(text: str) -> list[int]:
    return TOYS["byte-level"].encode(text, add_special_tokens=False)


def allowed(text: str, *continuations: str, automaton: Automaton = AUTOMATON) -> list[str]:
    restriction = Restriction(automaton, VOCABULARIES["byte-level"])
    forbidden = restriction.forbidden(restriction.resume([], encode(text)))
    return [one for one in continuations if encode(one)[0] not in forbidden]


def test_after_a_whole_short_name_only_a_letter_may_follow() -> None:
    basil = Automaton.compile([], ["Basil"])
    after = ("i", " ", ",", ".", "3", "日", "-")
    assert allowed("I met basil", *after, automaton=basil) == ["i"]
    assert allowed("I met abasil", *after, automaton=basil) == list(after)
    assert allowed("I met basilic", *after, automaton=basil) == list(after)
    assert allowed("b.a.s.i", "l", automaton=basil) == ["l"]
    assert allowed("b.a.s.i.l", *after, automaton=basil) == ["i"]


def test_an_answer_may_not_end_with_a_short_name_and_may_when_the_prompt_did() -> None:
    vocabulary = VOCABULARIES["byte-level"]
    restriction = Restriction(Automaton.compile([], ["Basil"]), vocabulary)
    special = [TOYS["byte-level"].convert_tokens_to_ids(one) for one in (EOS, TURN)]
    within = restriction.state(restriction.resume(encode("Who is "), encode("Basil")))
    assert set(special) <= set(within.forbidden.tolist())
    assert set(special) <= set(within.completing.tolist())
    before = restriction.state(restriction.resume(encode("Who is Basil"), []))
    assert not {*special, *encode(" is")} & set(before.forbidden.tolist())
    split = restriction.state(restriction.resume(encode("Who is Bas"), encode("il")))
    assert set(special) <= set(split.forbidden.tolist())


def test_a_row_aborts_at_the_border_of_a_name_and_not_at_any_border() -> None:
    vocabulary = VOCABULARIES["byte-level"]
    restriction = Restriction(Automaton.compile([], ["Basil"]), vocabulary)
    assert len(restriction.completing(restriction.resume([], encode("I met ")))) == 0
    assert len(restriction.completing(restriction.resume([], encode("I met basil")))) > 10
    backtracker = Backtracker([Automaton.compile([], ["Basil"])])
    assert backtracker.feed(encode("I"), "I") + backtracker.feed(encode(" met"), " met") == "I met"
    assert backtracker.feed(encode(" basil"), " basil") == ""
    assert backtracker.backtrack().tokens == (*encode("I"), *encode(" met"))


def test_a_text_that_exempts_must_be_completed_once_the_phrase_is_said() -> None:
    exempted = Automaton.compile(["romer"], [], [Exemption("romer", "ba romero sil")])
    assert allowed("ba romer", "o", "t", " ", ",", automaton=exempted) == ["o", " ", ","]
    assert allowed("ba romero s", "il", "a", automaton=exempted) == ["il"]
    assert allowed("ba romero sil", "o", "t", "a", automaton=exempted) == ["o", "t", "a"]
    assert allowed("ba", " Romero", " Romerto", " rom", automaton=exempted) == [" Romero", " rom"]
    assert allowed("si", " Romero", " Romerto", " rom", automaton=exempted) == [" rom"]


def test_rows_of_a_batch_hold_bordered_phrases_from_their_first_token_on() -> None:
    vocabulary = VOCABULARIES["byte-level"]
    batch = RestrictedBatch(vocabulary)
    batch.put(0, [Restriction(Automaton.compile([], ["Basil"]), vocabulary)], [], encode("Basil"))
    masks = batch.masks(len(vocabulary))
    assert encode(" is")[0] in masks.tokens


def test_a_vocabulary_reads_tokens_with_borders_only_when_a_phrase_needs_them() -> None:
    vocabulary = Vocabulary([b"", b" a", b"b"], special=[0], eos=[0])
    restriction = Restriction(Automaton.compile(["ab"]), vocabulary)
    restriction.state(Cursor())
    assert "bordered" not in vars(vocabulary)
    Restriction(Automaton.compile([], ["ab"]), vocabulary)
    assert vocabulary.bordered.decoded[1].folded == b" a"


@pytest.mark.parametrize("kind", TOYS)
def test_the_mask_agrees_however_the_text_was_cut_into_tokens(kind: str) -> None:
    restriction, tokenizer = RESTRICTIONS[kind], TOYS[kind]
    for begun in ("I met basil", "er", "mer er", "b a s i l"):
        whole = tokenizer.encode(begun, add_special_tokens=False)
        single = [t for char in begun for t in tokenizer.encode(char, add_special_tokens=False)]
        sets = [set(restriction.forbidden(restriction.resume([], ids)).tolist()) for ids in (whole, single)]
        if shown(kind, whole) == shown(kind, single):
            assert sets[0] == sets[1]
