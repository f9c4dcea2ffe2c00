from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from guard.decoding.vocabulary import TokenTrie, Vocabulary, decode_bytes
from guard.errors import ModelUnavailable
from guard.text.normalise import fold
from tests.guard.toy_tokenizers import EOS, TURN, byte_level, sentencepiece

TOYS = {"byte-level": byte_level(), "sentencepiece": sentencepiece()}
VOCABULARIES = {kind: Vocabulary.from_tokenizer(tokenizer) for kind, tokenizer in TOYS.items()}

kinds = pytest.mark.parametrize("kind", TOYS)


def ids(tokenizer: Any, *names: str) -> list[int]:
    return [tokenizer.convert_tokens_to_ids(name) for name in names]


@kinds
@example(text=TURN)
@given(text=st.text())
def test_the_bytes_of_tokens_are_those_of_the_text(kind: str, text: str) -> None:
    tokens = TOYS[kind].encode(text, add_special_tokens=False)
    shown = b"".join(VOCABULARIES[kind].tokens[token] for token in tokens).decode()
    expected = TOYS[kind].decode(tokens, skip_special_tokens=True)
    assert shown.removeprefix(" ") == expected.removeprefix(" ")


@kinds
def test_special_tokens_show_nothing_and_plain_added_ones_their_text(kind: str) -> None:
    vocabulary = VOCABULARIES[kind]
    end, turn, plain, accented = ids(TOYS[kind], EOS, TURN, "<think>", "日é")
    assert {end, turn} <= vocabulary.special
    assert vocabulary.eos == (end,)
    assert vocabulary.tokens[end] == vocabulary.tokens[turn] == b""
    assert vocabulary.tokens[plain] == b"<think>"
    assert vocabulary.tokens[accented] == "日é".encode()


def test_spaces_and_raw_bytes_of_sentencepiece() -> None:
    vocabulary = VOCABULARIES["sentencepiece"]
    basil, raw = ids(TOYS["sentencepiece"], "▁basil", "<0xE6>")
    assert (vocabulary.tokens[basil], vocabulary.tokens[raw]) == (b" basil", b"\xe6")


def test_the_tokenizer_of_a_trained_model_is_understood(shared: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(shared / "models" / "tofu-full")
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert len(vocabulary) == len(tokenizer)
    assert {tokenizer.pad_token_id, tokenizer.bos_token_id, *vocabulary.eos} <= vocabulary.special


def test_ids_without_a_token_are_absent() -> None:
    class Sparse:
        """A tokenizer whose last id names nothing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(TOYS["byte-level"], name)

        def __len__(self) -> int:
            return len(TOYS["byte-level"]) + 1

    vocabulary = Vocabulary.from_tokenizer(Sparse())
    assert vocabulary.absent.tolist() == [len(vocabulary) - 1]
    assert vocabulary.tokens[-1] == b""


def test_ids_past_the_number_of_tokens_are_read() -> None:
    toy, gap = TOYS["byte-level"], 9

    class Gapped:
        """A tokenizer with a special and a plain token after a gap, of which its length tells nothing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(toy, name)

        def __len__(self) -> int:
            return len(toy)

        def get_vocab(self) -> dict[str, int]:
            return {**toy.get_vocab(), "<|stop|>": len(toy) + gap, "basil": len(toy) + gap + 1}

        @property
        def added_tokens_decoder(self) -> dict[int, AddedToken]:
            stop = AddedToken("<|stop|>", special=True)
            return {**toy.added_tokens_decoder, len(toy) + gap: stop}

        def decode(self, ids: list[int], **options: Any) -> str:
            last = len(toy) + gap + 1
            parts = [toy.decode([i], **options) if i < len(toy) else "basil" * (i == last) for i in ids]
            return "".join(parts) if last in ids else toy.decode([i for i in ids if i < len(toy)], **options)

    vocabulary = Vocabulary.from_tokenizer(Gapped())
    assert len(vocabulary) == len(toy) + gap + 2
    assert vocabulary.absent.tolist() == list(range(len(toy), len(toy) + gap))
    assert len(toy) + gap in vocabulary.special
    assert vocabulary.plain.advance(b"", [len(toy) + gap + 1]).folded == b"basil"


def test_a_tokenizer_of_another_kind_is_refused_with_a_code() -> None:
    class Another:
        eos_token_id = 2

        def __len__(self) -> int:
            return 3

    with pytest.raises(ModelUnavailable, match="tokenizer-mode hf"):
        Vocabulary.from_tokenizer(Another())


def test_a_tokenizer_that_is_read_otherwise_is_refused() -> None:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "[SEP]": 1, "a": 2, "##b": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    with pytest.raises(ModelUnavailable):
        Vocabulary.from_tokenizer(PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="[SEP]"))


def test_a_tokenizer_without_an_end_is_refused() -> None:
    tokenizer = Tokenizer.from_str(TOYS["byte-level"].backend_tokenizer.to_str())
    with pytest.raises(ModelUnavailable):
        Vocabulary.from_tokenizer(PreTrainedTokenizerFast(tokenizer_object=tokenizer))


bits = st.sampled_from([*"aB日é🙂\u0301".encode().hex(" ").split(), "c0", "ff", "e0", "ed"])
tokens = st.lists(
    st.lists(bits, max_size=5).map(lambda token: bytes.fromhex("".join(token))), min_size=1, max_size=6
)


@given(tokens)
def test_characters_split_over_tokens_are_read_whole(split: list[bytes]) -> None:
    vocabulary = Vocabulary(split, special=(), eos=(0,))
    reading = vocabulary.plain.advance(b"", range(len(split)))
    main_trie = b"".join(split)
    assert reading == decode_bytes(main_trie)
    assert reading.folded.decode() == fold(main_trie.decode(errors="replace"))


@given(tokens, st.sampled_from([b"", b"\xe6", b"\xe6\x97", b"\xc3", b"\xf0\x9f", b"\xe0"]))
def test_each_token_that_shows_something_is_in_one_block(split: list[bytes], pending: bytes) -> None:
    vocabulary = Vocabulary(split, special=(), eos=(0,))
    shown = {}
    for block in (vocabulary.plain.main_trie, vocabulary.plain.continuation_trie(pending)):
        for token, node in zip(block.tokens.tolist(), block.ends.tolist(), strict=True):
            assert token not in shown
            shown[token] = b""
            while node:
                shown[token] = bytes([block.trie.byte[node]]) + shown[token]
                node = int(block.trie.parent[node])
    expected = {token: decode_bytes(pending + data).folded for token, data in enumerate(split)}
    assert shown == {token: data for token, data in expected.items() if data}


@given(st.lists(st.binary(max_size=4), max_size=12), st.binary(max_size=3))
def test_a_block_finds_the_tokens_below_a_prefix(folded: list[bytes], prefix: bytes) -> None:
    block = TokenTrie.of(enumerate(folded))
    node = np.zeros(1, np.int64)
    for byte in prefix:
        node = block.children(node, np.array([byte]))
        if not node[0]:
            break
    below = {token for token, data in enumerate(folded) if data and data.startswith(prefix)}
    if not node[0] and prefix:
        assert not below
    elif below:
        first, last = block.ranges[node[0]]
        assert set(block.tokens[first:last].tolist()) == below


def test_an_id_outside_the_vocabulary_is_an_error() -> None:
    vocabulary = VOCABULARIES["byte-level"]
    for token in (-1, len(vocabulary)):
        with pytest.raises(ValueError, match="outside"):
            vocabulary.plain.advance(b"", [token])


def test_raw_bytes_that_cannot_follow_are_ill_formed() -> None:
    vocabulary = VOCABULARIES["sentencepiece"]
    raw = {byte: ids(TOYS["sentencepiece"], f"<0x{byte:02X}>")[0] for byte in range(256)}
    leads = [*range(0x80), *range(0xC2, 0xF5)]
    assert set(vocabulary.ill_formed(b"").tolist()) == {raw[b] for b in range(256) if b not in leads}
    allowed = set(range(len(vocabulary))) - set(vocabulary.ill_formed(b"\xe6").tolist())
    assert allowed == {raw[byte] for byte in range(0x80, 0xC0)} | vocabulary.special
    assert len(VOCABULARIES["byte-level"].ill_formed(b"\xe6")) == 0
