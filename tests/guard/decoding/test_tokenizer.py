from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("vllm", reason="the engine is not installed")

from vllm.tokenizers.detokenizer_utils import detokenize_incrementally

from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.tokenizer import decoder_of
from guard.decoding.vocabulary import Vocabulary
from guard.errors import ModelUnavailable
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from tests.guard.toy_tokenizers import SHOWN, byte_level, tekken


@pytest.fixture(scope="module")
def mistral(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tekken(str(tmp_path_factory.mktemp("tekken")))


@pytest.fixture(scope="module")
def vocabulary(mistral: Any) -> Vocabulary:
    return Vocabulary.from_tokenizer(mistral)


def special(mistral: Any, name: str) -> int:
    return int(mistral.all_special_ids[mistral.all_special_tokens.index(name)])


def as_bytes(mistral: Any, data: bytes) -> list[int]:
    return [len(mistral.all_special_ids) + byte for byte in data]


def streamed(mistral: Any, ids: list[int]) -> str:
    """Return the text that the engine streams, with a last token that completes what is held back."""
    tokens: list[Any] = []
    prefix = read = 0
    text = ""
    for length in range(1, len(ids) + 1):
        new, piece, prefix, read = detokenize_incrementally(
            mistral, ids[:length], tokens, prefix, read, skip_special_tokens=True
        )
        tokens += new
        text += piece
    return text


def test_the_tokens_of_tekken_are_its_bytes(mistral: Any, vocabulary: Vocabulary) -> None:
    assert len(vocabulary) == len(mistral)
    assert [vocabulary.tokens[i] for i in as_bytes(mistral, bytes(range(256)))] == [bytes([b]) for b in range(256)]
    assert {"日".encode()[:2], "🙂".encode()[:3], b"a\xe6", b" basil", "日本".encode()} <= set(vocabulary.tokens)
    assert vocabulary.eos == (special(mistral, "</s>"),)
    assert vocabulary.absent.tolist() == []


def test_special_tokens_of_mistral_show_nothing_but_those_of_tools_and_thoughts(
    mistral: Any, vocabulary: Vocabulary
) -> None:
    shown = {special(mistral, name): name for name in SHOWN}
    assert vocabulary.special == frozenset(mistral.all_special_ids)
    for token in vocabulary.special:
        assert vocabulary.tokens[token] == shown.get(token, "").encode()
    assert not set(shown) & set(vocabulary.textless.tolist())


def test_a_word_with_the_name_of_a_special_token_is_read_as_the_engine_shows_it(
    mistral: Any, vocabulary: Vocabulary
) -> None:
    (token,) = (
        i
        for i in range(len(mistral))
        if i not in vocabulary.special and mistral.convert_ids_to_tokens([i]) == ["<s>"]
    )
    assert vocabulary.tokens[token] == decoder_of(mistral)([token]).encode() == b""


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_read_is_what_the_engine_streams(
    mistral: Any, vocabulary: Vocabulary, data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.integers(0, len(mistral) - 1), max_size=12))
    # Full stops, so that the engine holds nothing back.
    ids = [*ids, *as_bytes(mistral, b"..")]
    read = vocabulary.plain.advance(b"", ids)
    assert (read.folded.decode(), read.pending) == (fold(streamed(mistral, ids)), b"")


def test_under_the_mask_no_phrase_is_streamed(mistral: Any, vocabulary: Vocabulary) -> None:
    phrases = ["basil romerto", "日本", "é-basil", "think basil", "TOOL_CALLS logic"]
    restriction, rng = Restriction(Automaton.compile(phrases), vocabulary), random.Random(0)
    near = [
        i
        for i, token in enumerate(vocabulary.tokens)
        if len(token) > 1 or token in b"basilromert \xc3\xa9\xe6\x97\xa5\x9c\xac"
    ]
    forbidden_picks = 0
    for _ in range(60):
        cursor, ids = Cursor(), list[int]()
        for _ in range(40):
            token = rng.choice(near)
            if token in restriction.forbidden(cursor):
                forbidden_picks += 1
                continue
            ids.append(token)
            cursor = restriction.advance(cursor, [token])
        text = fold(streamed(mistral, [*ids, *as_bytes(mistral, b"..")]))
        assert not any(fold(phrase) in text for phrase in phrases)
    assert forbidden_picks > 50


def test_a_tokenizer_that_decodes_otherwise_than_it_names_its_tokens_is_refused(mistral: Any) -> None:
    class Other:
        def __getattr__(self, name: str) -> Any:
            return getattr(mistral, name)

        def __len__(self) -> int:
            return len(mistral)

        def convert_tokens_to_string(self, tokens: list[Any]) -> str:
            return str(mistral.convert_tokens_to_string(tokens)).replace("basil", "thyme")

    with pytest.raises(ModelUnavailable, match="otherwise"):
        Vocabulary.from_tokenizer(Other())


def test_decoding_for_backtracking_is_the_engines_own(mistral: Any) -> None:
    ids = [special(mistral, "[INST]"), special(mistral, "[THINK]"), *as_bytes(mistral, b"ba")]
    assert decoder_of(mistral)(ids) == "[THINK]ba"
    toy = byte_level()
    ids = toy.encode("<|user|>basil<|end|>", add_special_tokens=False)
    assert decoder_of(toy)(ids) == "basil"
